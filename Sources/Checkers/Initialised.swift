import AddonMemory
import RaceModel

/// A visible addon has its back pointer, its lock and its fields.
public struct Initialised: CatalogChecker {
  public let name = "initialised"
  public let summary = "A visible addon whose back pointer, lock or fields are not as its site says."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.promise == .initialised && !$0.isPoison }
      .map { evidence.finding(name, "a visible addon is not initialised", about: $0) }
  }
}
