import AddonMemory
import ExploreCore
import Testing

/// Read-side sections and grace periods, in each memory model. The shapes and verdicts are those of Alglave, Maranget,
/// McKenney, Parri and Stern (ASPLOS 2018): a cycle is forbidden if it goes through at least as many grace periods as
/// sections.
@Suite struct GracePeriodTests {
  private typealias Instruction = LitmusTest.Instruction
  private static let models = MemoryModel.allCases

  private func isObserved(
    _ threads: [[LitmusTest.Instruction]], _ model: MemoryModel, _ asks: @escaping @Sendable (LitmusOutcome) -> Bool
  ) -> Bool {
    let result = LitmusTest("RCU", threads: threads, asks: asks).explored(model)
    #expect(result.isExhaustive)
    #expect(result.duplicates == 0)
    #expect(result.deadlocks == 0)
    return result.isObserved
  }

  /// Message passing, whichever way round the section reads.
  @Test(arguments: models) func messagePassing(_ model: MemoryModel) {
    let writer: [Instruction] = [.store("x", 1, .relaxed), .synchronize, .store("y", 1, .relaxed)]
    let inOrder: [Instruction] = [
      .beginSection, .load("y", into: "a", .relaxed), .load("x", into: "b", .relaxed), .endSection,
    ]
    #expect(!isObserved([writer, inOrder], model) { $0[1, "a"] == 1 && $0[1, "b"] == 0 })
    let reversed: [Instruction] = [
      .beginSection, .load("x", into: "b", .relaxed), .load("y", into: "a", .relaxed), .endSection,
    ]
    #expect(!isObserved([writer, reversed], model) { $0[1, "a"] == 1 && $0[1, "b"] == 0 })
    // Without the section, or with two sections, the grace period may come in between.
    let outside: [Instruction] = [.load("x", into: "b", .relaxed), .load("y", into: "a", .relaxed)]
    #expect(isObserved([writer, outside], model) { $0[1, "a"] == 1 && $0[1, "b"] == 0 })
    let apart: [Instruction] = [
      .beginSection, .load("x", into: "b", .relaxed), .endSection, .beginSection, .load("y", into: "a", .relaxed),
      .endSection,
    ]
    #expect(isObserved([writer, apart], model) { $0[1, "a"] == 1 && $0[1, "b"] == 0 })
  }

  /// A section before a grace period is seen whole after it; one that is not is after it whole.
  @Test(arguments: models) func storeBuffering(_ model: MemoryModel) {
    let writer: [Instruction] = [.store("x", 1, .relaxed), .synchronize, .load("y", into: "a", .relaxed)]
    let section: [Instruction] = [
      .beginSection, .store("y", 1, .relaxed), .load("x", into: "b", .relaxed), .endSection,
    ]
    #expect(!isObserved([writer, section], model) { $0[0, "a"] == 0 && $0[1, "b"] == 0 })
    // A section in between is enough, empty or not; one after both is not.
    let between: [Instruction] = [
      .store("y", 1, .relaxed), .beginSection, .endSection, .load("x", into: "b", .relaxed),
    ]
    #expect(!isObserved([writer, between], model) { $0[0, "a"] == 0 && $0[1, "b"] == 0 })
    let outside: [Instruction] = [
      .store("y", 1, .relaxed), .load("x", into: "b", .relaxed), .beginSection, .endSection,
    ]
    #expect(isObserved([writer, outside], model) { $0[0, "a"] == 0 && $0[1, "b"] == 0 } == (model != .sc))
  }

  /// Two sections and a grace period may be in a cycle, two and two may not.
  @Test(arguments: models) func asManyGracePeriodsAsSections(_ model: MemoryModel) {
    let first: [Instruction] = [
      .beginSection, .load("x", into: "a", .relaxed), .store("y", 1, .relaxed), .endSection,
    ]
    let second: [Instruction] = [
      .beginSection, .load("y", into: "b", .relaxed), .store("z", 1, .relaxed), .endSection,
    ]
    let one: [Instruction] = [.load("z", into: "c", .relaxed), .synchronize, .store("x", 1, .relaxed)]
    let asked: @Sendable (LitmusOutcome) -> Bool = { $0[0, "a"] == 1 && $0[1, "b"] == 1 && $0[2, "c"] == 1 }
    // A cycle of reads-from and program order: no graph of this kind has one, whatever the model allows.
    #expect(!isObserved([first, second, one], model, asked))

    let firstSB: [Instruction] = [
      .beginSection, .store("x", 1, .relaxed), .load("y", into: "a", .relaxed), .endSection,
    ]
    let secondSB: [Instruction] = [
      .beginSection, .store("y", 1, .relaxed), .load("z", into: "b", .relaxed), .endSection,
    ]
    let oneSB: [Instruction] = [.store("z", 1, .relaxed), .synchronize, .load("x", into: "c", .relaxed)]
    let askedSB: @Sendable (LitmusOutcome) -> Bool = { $0[0, "a"] == 0 && $0[1, "b"] == 0 && $0[2, "c"] == 0 }
    #expect(isObserved([firstSB, secondSB, oneSB], model, askedSB) == (model != .sc))
    let twoSB: [Instruction] = [.store("z", 1, .relaxed), .synchronize, .synchronize, .load("x", into: "c", .relaxed)]
    #expect(!isObserved([firstSB, secondSB, twoSB], model, askedSB))
  }

  /// Sections order nothing where nobody waits for them, not even around themselves.
  @Test func sectionsAreNoFences() {
    let threads: [[Instruction]] = [
      [.store("x", 1, .relaxed), .beginSection, .endSection, .load("y", into: "a", .relaxed)],
      [.store("y", 1, .relaxed), .beginSection, .endSection, .load("x", into: "b", .relaxed)],
    ]
    for model in [MemoryModel.tso, .c11, .kernel] {
      #expect(isObserved(threads, model) { $0[0, "a"] == 0 && $0[1, "b"] == 0 })
    }
    #expect(!isObserved(threads, .sc) { $0[0, "a"] == 0 && $0[1, "b"] == 0 })
  }

  /// Whoever waits for a grace period is a full fence, sections or none.
  @Test(arguments: models) func synchronizeIsAStrongFence(_ model: MemoryModel) {
    let threads: [[Instruction]] = [
      [.store("x", 1, .relaxed), .synchronize, .load("y", into: "a", .relaxed)],
      [.store("y", 1, .relaxed), .synchronize, .load("x", into: "b", .relaxed)],
    ]
    #expect(!isObserved(threads, model) { $0[0, "a"] == 0 && $0[1, "b"] == 0 })
  }

  /// A grace period and a section without anything else: before or after, and nothing third.
  @Test(arguments: models) func bothOrdersAreVisited(_ model: MemoryModel) {
    let result = LitmusTest("both", threads: [[.synchronize], [.beginSection, .endSection]]).explored(model)
    #expect(result.executions == 2)
    let twice = LitmusTest(
      "both, twice", threads: [[.synchronize], [.beginSection, .endSection, .beginSection, .endSection]]
    ).explored(model)
    #expect(twice.executions == 3)
    #expect(result.duplicates == 0 && twice.duplicates == 0)
  }

  /// Whoever waits inside its own section waits for ever.
  @Test(arguments: models) func waitingForOneself(_ model: MemoryModel) {
    let result = LitmusTest(
      "own", initial: ["x": 0],
      threads: [[.beginSection, .synchronize, .endSection], [.load("x", into: "a", .relaxed)]]
    )
    .explored(model)
    #expect(result.deadlocks == result.executions)
    #expect(result.executions > 0)
  }

  /// Against machines that take every next step: whoever begins a grace period notes the sections that are open.
  @Test(arguments: 0..<4) func againstMachines(_ part: Int) {
    for seed in 0..<400 {
      var generator = ProgramGenerator(seed: UInt64(5_000_000 + part * 400 + seed))
      let test = LitmusTest(
        "generated", initial: ProgramGenerator.initial,
        threads: (0..<2 + part % 2).map { _ in generator.threadWithSections(3) })
      let result = test.explored(.sc)
      let naive = Set(NaiveMachine(test: test, hasBuffers: false).outcomes().map(comparable))
      #expect(Set(result.outcomes.keys.map(comparable)) == naive, "\(test.threads)")
      let results = [result] + [MemoryModel.tso, .c11, .kernel].map { test.explored($0) }
      #expect(results.allSatisfy { $0.duplicates == 0 }, "\(test.threads)")
      #expect(results[0].graphs.isSubset(of: results[1].graphs), "sc in tso: \(test.threads)")
      #expect(results[1].graphs.isSubset(of: results[2].graphs), "tso in c11: \(test.threads)")
    }
  }

  private func comparable(_ outcome: LitmusOutcome) -> LitmusOutcome {
    LitmusOutcome(
      registers: outcome.registers.map { $0.filter { $0.value != 0 } }, places: outcome.places.filter { $0.value != 0 })
  }
}
