import AddonMemory
import ExploreCore
import RaceModel
import Testing

/// What a litmus test can say, and what it is told when it says it wrongly.
@Suite struct LitmusLanguageTests {
  private func problem(
    _ threads: [[LitmusTest.Instruction]], initial: [String: LitmusTest.Value] = [:],
    asks: @escaping @Sendable (LitmusOutcome) -> Bool = { _ in false }
  ) -> String {
    do throws(LitmusTest.Invalid) {
      _ = try LitmusTest("t", initial: initial, threads: threads, asks: asks).explore(.sc)
      return "nothing"
    } catch {
      return error.description
    }
  }

  @Test func initialValues() throws {
    let test = LitmusTest(
      "initial", initial: ["x": 7, "p": .address("x")],
      threads: [[.load("p", into: "a", .relaxed), .load(.through("a"), into: "r", .relaxed)]],
      asks: { $0[0, "r"] == 7 && $0[0, "a"] == .address("x") })
    for model in MemoryModel.allCases {
      let result = try test.explore(model)
      #expect(result.conclusion == .observed)
      #expect(result.outcomes.count == 1)
    }
  }

  @Test func writesAndUpdatesThroughAPointer() throws {
    let test = LitmusTest(
      "through", initial: ["p": .address("x")],
      threads: [
        [
          .load("p", into: "a", .relaxed), .store(.through("a"), 3, .relaxed),
          .fetchAdd(.through("a"), 4, into: "old", .relaxed),
          .compareExchange(.through("a"), 7, .address("y"), into: "before", .relaxed, failure: .relaxed),
        ]
      ], asks: { $0[0, "old"] == 3 && $0[0, "before"] == 7 && $0["x"] == .address("y") && $0["y"] == 0 })
    #expect(try test.explore(.c11).conclusion == .observed)
  }

  @Test func conditionsWithAnOtherwise() throws {
    let test = LitmusTest(
      "otherwise",
      threads: [
        [
          .load("x", into: "r", .relaxed),
          .when("r", is: 1, [.store("y", 1, .relaxed)], otherwise: [.store("y", 2, .relaxed)]),
          .unless("r", is: 1, [.store("z", 1, .relaxed)], otherwise: [.store("z", 2, .relaxed)]),
        ], [.store("x", 1, .relaxed)],
      ])
    let outcomes = try test.explore(.tso).outcomes.keys
    #expect(outcomes.count == 2)
    #expect(outcomes.contains { $0[0, "r"] == 1 && $0["y"] == 1 && $0["z"] == 2 })
    #expect(outcomes.contains { $0[0, "r"] == 0 && $0["y"] == 2 && $0["z"] == 1 })
  }

  /// A grace period of one domain does not wait for sections of another; nested sections end with the outermost.
  @Test(arguments: MemoryModel.allCases) func domainsAndNesting(_ model: MemoryModel) throws {
    func test(_ reader: [LitmusTest.Instruction], waitsFor domain: String) -> LitmusTest {
      LitmusTest(
        "sections", threads: [reader, [.store("x", 1, .relaxed), .synchronize(of: domain), .store("y", 1, .relaxed)]],
        asks: { $0[0, "y"] == 1 && $0[0, "x"] == 0 })
    }
    func reader(_ domain: String) -> [LitmusTest.Instruction] {
      [
        .beginSection(of: domain), .load("y", into: "y", .relaxed), .beginSection(of: domain),
        .endSection(of: domain), .load("x", into: "x", .relaxed), .endSection(of: domain),
      ]
    }
    #expect(try test(reader("srcu"), waitsFor: "srcu").explore(model).conclusion == .neverObserved)
    let other = try test(reader("srcu"), waitsFor: "rcu").explore(model).conclusion
    #expect(other == (model == .c11 || model == .kernel ? .observed : .neverObserved))
    #expect(try test(reader("rcu"), waitsFor: "rcu").explore(model).conclusion == .neverObserved)
  }

  @Test func namesThatAreNotThere() {
    #expect(
      problem([[.store("x", .register("r"), .relaxed)]])
        == "t, thread 0: register 'r' is used, and nothing has written it; written so far: none")
    #expect(
      problem([[.load("x", into: "a", .relaxed), .when("b", is: 0, [])]], initial: ["x": 0])
        == "t, thread 0: register 'b' is used, and nothing has written it; written so far: a")
    #expect(
      problem([[.load("x", into: "r", .relaxed)]])
        == "t: place 'x' is read, and nothing writes it; name it under 'initial' if that is meant")
    #expect(
      problem([[.store("x", 1, .relaxed)]], asks: { $0["y"] == 1 }) == "t: there is no place 'y'; there are: x")
    #expect(
      problem([[.load("x", into: "r", .relaxed)]], initial: ["x": 0], asks: { $0[0, "s"] == 1 })
        == "t: thread 0 has no register 's'; it has: r")
    #expect(
      problem([[.store("x", 1, .relaxed)]], asks: { $0[3, "r"] == 1 }) == "t: there is no thread 3; there are 1")
    #expect(
      problem([[.store("x", 1, .relaxed)]], initial: ["x": .register("r")])
        == "t: place 'x' cannot have register 'r' as its initial value")
  }

  /// An execution that crashed has no outcome: nothing is proven by it.
  @Test func aCrashIsNoProof() throws {
    let test = LitmusTest(
      "through NULL", initial: ["p": 0],
      threads: [
        [.load("p", into: "a", .relaxed), .load(.through("a"), into: "r", .relaxed)],
        [.store("p", .address("x"), .relaxed)],
      ], asks: { $0[0, "r"] == 5 })
    let result = try test.explore(.c11)
    #expect(result.crashes == 1)
    #expect(result.conclusion == .undecided("1 executions crashed, and have no outcome"))
    let limited = try LitmusTest("limit", threads: Array(repeating: LitmusTests.populate("s"), count: 3))
      .explore(.c11, limit: 2)
    #expect(limited.conclusion == .undecided("not every execution was visited"))
  }

  @Test func noThreadsAndOne() throws {
    let none = try LitmusTest("none", initial: ["x": 3], threads: [], asks: { $0["x"] == 3 }).explore(.c11)
    #expect(none.executions == 1)
    #expect(none.conclusion == .observed)
    let one = try LitmusTest("one", threads: [[]], asks: { _ in true }).explore(.sc)
    #expect(one.executions == 1)
    #expect(one.conclusion == .observed)
  }

  @Test func aWitness() throws {
    let test = LitmusTest(
      "SB",
      threads: [
        [.store("x", 1, .relaxed), .load("y", into: "r", .relaxed)],
        [.store("y", 1, .relaxed), .load("x", into: "r", .relaxed)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 })
    #expect(try test.explore(.tso).witness == nil, "only where it is asked for")
    #expect(try test.explore(.sc, wantsWitness: true).witness == nil)
    let witness = try #require(try test.explore(.tso, wantsWitness: true).witness)
    #expect(witness.roles == ["thread 0", "thread 1"])
    #expect(witness.steps.filter { $0.racer == 0 }.map(\.place) == [.named("x"), .named("y")])
    #expect(witness.steps.filter { $0.racer == 1 }.map(\.place) == [.named("y"), .named("x")])
    #expect(witness.steps.contains { $0.isStale }, "a load reads what is overwritten")
  }
}
