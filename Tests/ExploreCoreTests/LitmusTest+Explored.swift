import AddonMemory
import ExploreCore
import Testing

extension LitmusTest {
  /// Explores with all graphs kept, so that none is visited twice unseen.
  func explored(_ model: MemoryModel, usesSymmetry: Bool = false, limit: Int = .max) -> LitmusResult {
    do {
      return try explore(model, usesSymmetry: usesSymmetry, limit: limit, keepsGraphs: true)
    } catch {
      Issue.record(error)
      return LitmusResult()
    }
  }
}
