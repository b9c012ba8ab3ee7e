import AddonMemory
import ExploreCore
import RaceModel
import Testing

/// A search in parts: wherever they are visited, together they are the whole.
@Suite struct SubtreeTests {
  @Test(arguments: MemoryModel.allCases) func partsAddUp(_ model: MemoryModel) throws {
    var largest = 0
    for seed in 1...(60 / ProgramGenerator.thinning) {
      var generator = ProgramGenerator(seed: UInt64(seed))
      let test = generator.program(threads: 3, instructions: 4)
      let whole = try test.explore(model, keepsGraphs: true)
      largest = max(largest, whole.executions)
      for (level, parts) in [(1, 3), (2, 2), (3, 5), (40, 2)] {
        let found = try (0..<parts).map { number in
          try test.explore(model, SearchPart(level: level, parts: parts) { $0 == number }, keepsGraphs: true)
        }
        let context = "seed \(seed), level \(level), \(parts) parts"
        #expect(found.reduce(0) { $0 + $1.executions } == whole.executions, "\(context)")
        #expect(found.reduce(0) { $0 + $1.blockedRuns } == whole.blockedRuns, "\(context)")
        #expect(found.reduce(into: Set<GraphDigest>()) { $0.formUnion($1.graphs) } == whole.graphs, "\(context)")
        let outcomes = found.reduce(into: [LitmusOutcome: Int]()) { $0.merge($1.outcomes, uniquingKeysWith: +) }
        #expect(outcomes == whole.outcomes, "\(context)")
      }
    }
    #expect(largest > 100)
  }

  /// One part that has everything is the search as it is without parts.
  @Test func onePartIsAll() throws {
    var generator = ProgramGenerator(seed: 7)
    let test = generator.program(threads: 3, instructions: 4)
    let whole = try test.explore(.c11)
    let part = try test.explore(.c11, SearchPart(level: 2, parts: 1) { _ in true })
    #expect(part.executions == whole.executions && part.isExhaustive)
  }
}
