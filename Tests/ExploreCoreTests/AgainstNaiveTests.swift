import AddonMemory
import ExploreCore
import Testing

/// The explorer against programs that know nothing of it.
@Suite struct AgainstNaiveTests {
  private static let programs = 2_000 / ProgramGenerator.thinning

  /// Registers that were never written are left out by one and 0 in the other.
  private func comparable(_ outcome: LitmusOutcome) -> LitmusOutcome {
    LitmusOutcome(
      registers: outcome.registers.map { $0.filter { $0.value != 0 } }, places: outcome.places.filter { $0.value != 0 })
  }

  private func check(_ test: LitmusTest, _ model: MemoryModel, hasBuffers: Bool) {
    let result = test.explored(model)
    let naive = Set(NaiveMachine(test: test, hasBuffers: hasBuffers).outcomes().map(comparable))
    let explored = Set(result.outcomes.keys.map(comparable))
    #expect(explored == naive, "\(model): \(test.threads)")
    #expect(result.duplicates == 0, "\(test.threads)")
  }

  @Test(arguments: 0..<4) func twoThreadsAgainstMachines(_ part: Int) {
    for seed in 0..<Self.programs / 4 {
      var generator = ProgramGenerator(seed: UInt64(part * Self.programs + seed))
      let test = generator.program(threads: 2, instructions: 4)
      check(test, .sc, hasBuffers: false)
      check(test, .tso, hasBuffers: true)
    }
  }

  @Test(arguments: 0..<4) func threeThreadsAgainstMachines(_ part: Int) {
    for seed in 0..<Self.programs / 4 {
      var generator = ProgramGenerator(seed: UInt64(1_000_000 + part * Self.programs + seed))
      let test = generator.program(threads: 3, instructions: 3)
      check(test, .sc, hasBuffers: false)
      check(test, .tso, hasBuffers: true)
    }
  }

  /// What a stronger model allows, a weaker one allows: the same executions, not only outcomes.
  @Test func modelsAreNested() {
    for seed in 0..<500 {
      var generator = ProgramGenerator(seed: UInt64(2_000_000 + seed))
      let test = generator.program(threads: 3, instructions: 3)
      let results = MemoryModel.allCases.map { test.explored($0) }
      #expect(results[0].graphs.isSubset(of: results[1].graphs), "sc in tso: \(test.threads)")
      #expect(results[1].graphs.isSubset(of: results[2].graphs), "tso in c11: \(test.threads)")
      #expect(results.allSatisfy { $0.duplicates == 0 })
    }
  }
}

/// Symmetry against orbits that are counted by permuting racers.
@Suite struct SymmetryTests {
  private func permutations(_ count: Int) -> [[Int]] {
    if count == 0 { return [[]] }
    return permutations(count - 1).flatMap { rest in
      (0...rest.count).map { place in
        var list = rest
        list.insert(count - 1, at: place)
        return list
      }
    }
  }

  /// The orbits of executions under permuting racers, each by all its members.
  private func orbits(_ graphs: Set<GraphDigest>, _ racers: Int) -> Set<Set<GraphDigest>> {
    let permutations = permutations(racers)
    var orbits: Set<Set<GraphDigest>> = []
    var seen: Set<GraphDigest> = []
    for graph in graphs where !seen.contains(graph) {
      let orbit = Set(permutations.map { graph.renamed($0) })
      seen.formUnion(orbit)
      orbits.insert(orbit)
    }
    return orbits
  }

  private func check(_ thread: [LitmusTest.Instruction], _ racers: Int, _ model: MemoryModel) -> (Int, Int) {
    let test = LitmusTest(
      "symmetric", initial: ProgramGenerator.initial, threads: Array(repeating: thread, count: racers))
    let all = orbits(test.explored(model).graphs, racers)
    let reduced = test.explored(model, usesSymmetry: true)
    #expect(reduced.duplicates == 0)
    let missing = all.count { $0.isDisjoint(with: reduced.graphs) }
    #expect(missing == 0, "orbits of \(all.count) were never visited: \(model) \(thread)")
    return (all.count, reduced.executions)
  }

  @Test(arguments: 2...5, MemoryModel.allCases)
  func oneSlotHasAsManyOrbitsAsRacers(_ racers: Int, _ model: MemoryModel) {
    let (orbits, visited) = check(LitmusTests.populate("slot"), racers, model)
    #expect(orbits == racers)
    #expect(visited == racers)
  }

  @Test(arguments: MemoryModel.allCases) func twoSlots(_ model: MemoryModel) {
    let (orbits, visited) = check(LitmusTests.populate("a") + LitmusTests.populate("b"), 3, model)
    #expect(visited >= orbits)
    #expect(visited < 144)
  }

  @Test(arguments: MemoryModel.allCases) func locksAndCounters(_ model: MemoryModel) {
    let (orbits, visited) = check(
      [.lock("l"), .load("x", into: "r", .relaxed), .store("x", 1, .relaxed), .unlock("l")], 3, model)
    #expect(orbits == 1)
    #expect(visited == 1)
    _ = check(
      [.fetchAdd("x", 1, into: "r", .relaxed), .load("y", into: "s", .relaxed), .store("y", 1, .relaxed)], 3, model)
  }

  /// Among them one in which a read is revisited twice.
  @Test func generatedPrograms() {
    _ = check(
      [
        .load("x", into: "a", .acquiring), .fetchAdd("y", 2, into: "b", .relaxed),
        .store("y", 1, .sequentiallyConsistent), .load("y", into: "c", .acquiring),
      ], 3, .c11)
    for seed in 0..<150 {
      var generator = ProgramGenerator(seed: UInt64(3_000_000 + seed))
      let thread = generator.thread(3)
      for model in MemoryModel.allCases { _ = check(thread, 3, model) }
    }
  }

  @Test func sixtyFourRacers() {
    let test = LitmusTest("populate", threads: Array(repeating: LitmusTests.populate("slot"), count: 64))
    #expect(test.explored(.c11, usesSymmetry: true).executions == 64)
  }
}
