import AddonMemory
import ExploreCore
import Testing

@Suite struct LitmusTests {
  @Test(arguments: LitmusLibrary.all, MemoryModel.allCases)
  func verdict(_ known: KnownLitmusTest, _ model: MemoryModel) {
    let result = known.test.explored(model)
    #expect(result.isExhaustive)
    #expect(result.duplicates == 0)
    #expect(result.isObserved == known.allowedBy.contains(model), "\(model): \(result.outcomes.keys)")
  }

  /// The pattern: an acquiring load, and where it finds nothing a compare-exchange.
  static func populate(_ slot: String) -> [LitmusTest.Instruction] {
    [
      .load(.place(slot), into: "found \(slot)", .acquiring),
      .when(
        "found \(slot)", is: 0,
        [.compareExchange(.place(slot), 0, 1, into: "old \(slot)", .acquiringAndReleasing, failure: .acquiring)]),
    ]
  }

  @Test(arguments: 2...6, MemoryModel.allCases)
  func closedFormOfOneSlot(_ racers: Int, _ model: MemoryModel) {
    let test = LitmusTest("populate", threads: Array(repeating: Self.populate("slot"), count: racers))
    let result = test.explored(model)
    #expect(result.executions == racers << (racers - 1))
    #expect(result.blockedRuns == 0)
    #expect(result.duplicates == 0)
  }

  @Test(arguments: [(2, 2), (2, 3), (3, 2), (4, 2)], MemoryModel.allCases)
  func closedFormOfSlotsInOneOrder(_ size: (racers: Int, slots: Int), _ model: MemoryModel) {
    let thread = (0..<size.slots).flatMap { Self.populate("slot \($0)") }
    let result = LitmusTest("populate", threads: Array(repeating: thread, count: size.racers)).explored(model)
    var expected = 1
    for _ in 0..<size.slots { expected *= size.racers << (size.racers - 1) }
    #expect(result.executions == expected)
    #expect(result.blockedRuns == 0)
    #expect(result.duplicates == 0)
  }
}

@Suite struct CoreTests {
  @Test func racesOfPlainAccesses() {
    let racy = LitmusTest("plain", threads: [[.write("x", 1)], [.read("x", into: "r")]])
    #expect(MemoryModel.allCases.allSatisfy { racy.explored($0).races > 0 })
    let ordered = LitmusTest(
      "message",
      threads: [
        [.write("x", 1), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .when("a", is: 1, [.read("x", into: "b")])],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 })
    for model in MemoryModel.allCases {
      #expect(ordered.explored(model).races == 0)
      #expect(!ordered.explored(model).isObserved)
    }
  }

  /// Plain at first and atomic later: the plain write is what later loads read.
  @Test(arguments: MemoryModel.allCases) func aPlaceThatIsAccessedBothWays(_ model: MemoryModel) {
    let test = LitmusTest(
      "both ways",
      threads: [
        [.write("x", 1), .store("y", 1, .releasing), .fetchAdd("x", 1, into: "r", .relaxed)],
        [.load("y", into: "a", .acquiring), .when("a", is: 1, [.fetchAdd("x", 1, into: "r", .relaxed)])],
      ], asks: { $0[1, "a"] == 1 && $0["x"] != 3 })
    let result = test.explored(model)
    #expect(!result.isObserved)
    #expect(result.races == 0)
    #expect(result.duplicates == 0)
  }

  @Test(arguments: [MemoryModel.c11, .kernel]) func anUnorderedMixIsARace(_ model: MemoryModel) {
    let test = LitmusTest("mix", threads: [[.store("x", 1, .relaxed)], [.read("x", into: "r")]])
    #expect(test.explored(model).races > 0)
  }

  @Test(arguments: MemoryModel.allCases) func deadlock(_ model: MemoryModel) {
    let opposite = LitmusTest(
      "opposite orders",
      threads: [
        [.lock("a"), .lock("b"), .unlock("b"), .unlock("a")], [.lock("b"), .lock("a"), .unlock("a"), .unlock("b")],
      ])
    #expect(opposite.explored(model).deadlocks > 0)
    let same = LitmusTest(
      "same order", threads: Array(repeating: [.lock("a"), .lock("b"), .unlock("b"), .unlock("a")], count: 3))
    let result = same.explored(model)
    #expect(result.deadlocks == 0)
    #expect(result.executions == 6)
    #expect(result.duplicates == 0)
  }

  @Test(arguments: MemoryModel.allCases) func waitingForWhatNobodyDoes(_ model: MemoryModel) {
    let test = LitmusTest(
      "await", initial: ["x": 0], threads: [[.await("x", is: 1, .relaxed)], [.store("y", 1, .relaxed)]])
    #expect(test.explored(model).deadlocks == 1)
    let fine = LitmusTest("await", threads: [[.await("x", is: 1, .relaxed)], [.store("x", 1, .relaxed)]])
    #expect(fine.explored(model).deadlocks == 0)
    #expect(fine.explored(model).executions == 1, "the turns of a spin are not explored")
  }

  /// A graph of thousands of events.
  @Test func longExecutions() {
    let thread = (0..<1000).flatMap { _ in
      [LitmusTest.Instruction.lock("l"), .load("x", into: "r", .relaxed), .unlock("l")]
    }
    let result = LitmusTest("long", initial: ["x": 0], threads: [thread]).explored(.c11)
    #expect(result.executions == 1)
  }
}
