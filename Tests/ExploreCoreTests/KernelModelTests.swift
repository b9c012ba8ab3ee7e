import AddonMemory
import ExploreCore
import Testing

/// What herd7 says of the pattern under the kernel's model: racer A initialises data, then publishes; racer B reads the
/// slot, then the data, *through* the pointer or in a *global*. Can B see the slot set and the data unset?
@Suite struct KernelModelTests {
  enum Publish: String, CaseIterable {
    case full = "cmpxchg"
    case release = "cmpxchg_release"
    case relaxed = "cmpxchg_relaxed"
    case storeRelease = "smp_store_release"
    case writeOnce = "WRITE_ONCE"
    case plain

    var instruction: LitmusTest.Instruction {
      func exchange(_ ordering: UpdateOrdering) -> LitmusTest.Instruction {
        .compareExchange("slot", 0, .address("box"), into: "old", ordering, failure: .relaxed)
      }
      return switch self {
      case .full: exchange(.full)
      case .release: exchange(.releasing)
      case .relaxed: exchange(.relaxed)
      case .storeRelease: .store("slot", .address("box"), .releasing)
      case .writeOnce: .store("slot", .address("box"), .relaxed)
      case .plain: .write("slot", .address("box"))
      }
    }
  }

  enum Read: String, CaseIterable {
    case acquire = "smp_load_acquire"
    case once = "READ_ONCE"
    case plain

    var instruction: LitmusTest.Instruction {
      switch self {
      case .acquire: .load("slot", into: "pointer", .acquiring)
      case .once: .load("slot", into: "pointer", .dependent)
      case .plain: .read("slot", into: "pointer")
      }
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let publish: Publish
    let read: Read
    let through: Bool
    let global: Bool
    var hasRace = false
    var testDescription: String { "\(publish.rawValue), \(read.rawValue)" }
  }

  static let rows = [
    Row(publish: .full, read: .acquire, through: false, global: false),
    Row(publish: .full, read: .once, through: false, global: true),
    Row(publish: .full, read: .plain, through: true, global: true, hasRace: true),
    Row(publish: .release, read: .acquire, through: false, global: false),
    Row(publish: .release, read: .once, through: false, global: true),
    Row(publish: .relaxed, read: .acquire, through: true, global: true),
    Row(publish: .relaxed, read: .once, through: true, global: true),
    Row(publish: .storeRelease, read: .once, through: false, global: true),
    Row(publish: .writeOnce, read: .acquire, through: true, global: true),
    Row(publish: .plain, read: .plain, through: true, global: true, hasRace: true),
  ]

  private func seesUnset(_ outcome: LitmusOutcome) -> Bool { outcome[1, "pointer"] != 0 && outcome[1, "data"] == 0 }

  @Test(arguments: rows) func tableThroughThePointer(_ row: Row) {
    let result = LitmusTest(
      "through",
      threads: [
        [.store("box", 1, .relaxed), row.publish.instruction],
        [row.read.instruction, .unless("pointer", is: 0, [.load(.through("pointer"), into: "data", .relaxed)])],
      ], asks: seesUnset
    ).explored(.kernel)
    // Where there is a race, the race is the answer.
    if row.hasRace { #expect(result.races > 0) } else { #expect(result.isObserved == row.through) }
    if !row.hasRace { #expect(result.races == 0) }
  }

  @Test(arguments: rows) func tableOfAGlobal(_ row: Row) {
    let result = LitmusTest(
      "global",
      threads: [
        [.store("data", 1, .relaxed), row.publish.instruction],
        [row.read.instruction, .load("data", into: "data", .relaxed)],
      ], asks: seesUnset
    ).explored(.kernel)
    if row.hasRace { #expect(result.races > 0) } else { #expect(result.isObserved == row.global) }
  }

  enum Loser: CaseIterable { case atOnce, afterAcquiringAgain, afterFullBarrier }

  @Test(arguments: Loser.allCases, [true, false])
  func loserOfAFullExchange(_ loser: Loser, _ isThrough: Bool) {
    let data = isThrough ? "box" : "data"
    var second: [LitmusTest.Instruction] = [
      .compareExchange("slot", 0, .address("other"), into: "pointer", .full, failure: .dependent)
    ]
    switch loser {
    case .atOnce: break
    case .afterAcquiringAgain: second.append(.load("slot", into: "pointer", .acquiring))
    case .afterFullBarrier: second.append(.fence(.sequentiallyConsistent))
    }
    second.append(
      isThrough
        ? .unless("pointer", is: 0, [.load(.through("pointer"), into: "data", .relaxed)])
        : .load(.place(data), into: "data", .relaxed))
    let result = LitmusTest(
      "loser",
      threads: [
        [
          .store(.place(data), 1, .relaxed),
          .compareExchange("slot", 0, .address("box"), into: "old", .full, failure: .relaxed),
        ], second,
      ],
      asks: { $0[0, "old"] == 0 && $0[1, "pointer"] == $0["slot"] && $0[1, "pointer"] != 0 && $0[1, "data"] == 0 }
    ).explored(.kernel)
    #expect(result.isObserved == (loser == .atOnce && !isThrough))
  }
}

/// Dependencies by syntax, with herd7's verdicts: of S (a store that comes late in coherence order), and of MP.
@Suite struct DependencyTests {
  typealias Instruction = LitmusTest.Instruction

  /// Whether the reader sees the flag, and its own store comes before the writer's first.
  private func isObserved(_ reader: [Instruction]) -> Bool {
    LitmusTest(
      "S",
      threads: [[.store("x", 2, .relaxed), .store("y", 1, .releasing)], [.load("y", into: "a", .relaxed)] + reader],
      asks: { $0[1, "a"] == 1 && $0["x"] == 2 }
    ).explored(.kernel).isObserved
  }

  @Test func nothingOrders() { #expect(isObserved([.store("x", 1, .relaxed)])) }

  @Test func dataOrders() {
    #expect(!isObserved([.store("x", .register("a"), .relaxed)]))
    #expect(
      !isObserved([.compute(into: "b", .register("a"), .xor, .register("a")), .store("x", .register("b"), .relaxed)]))
  }

  @Test func controlOrdersUntilTheWaysJoin() {
    #expect(!isObserved([.when("a", is: 1, [.store("x", 1, .relaxed)])]))
    #expect(!isObserved([.unless("a", is: 0, [.when("a", is: 1, [.store("x", 1, .relaxed)])])]))
    #expect(isObserved([.when("a", is: 1, [.load("y", into: "b", .relaxed)]), .store("x", 1, .relaxed)]))
    #expect(
      isObserved([
        .when("a", is: 1, [.store("y", 2, .relaxed)], otherwise: [.store("y", 3, .relaxed)]),
        .store("x", 1, .relaxed),
      ]))
  }

  /// A plain store and a load of the same racer pass a dependency on.
  @Test func dependenciesAreCarried() {
    #expect(
      !isObserved([
        .store("z", .register("a"), .relaxed), .load("z", into: "b", .relaxed), .store("x", .register("b"), .relaxed),
      ]))
  }

  /// That a pointer points to a place orders no access that does not go through it.
  @Test func anAddressOrdersWhatGoesThroughIt() {
    func isObserved(_ access: Instruction) -> Bool {
      LitmusTest(
        "MP",
        threads: [
          [.store("box", 1, .relaxed), .store("slot", .address("box"), .releasing)],
          [.load("slot", into: "pointer", .dependent), .unless("pointer", is: 0, [access])],
        ], asks: { $0[1, "pointer"] != 0 && $0[1, "data"] == 0 }
      ).explored(.kernel).isObserved
    }
    #expect(!isObserved(.load(.through("pointer"), into: "data", .relaxed)))
    #expect(isObserved(.load("box", into: "data", .relaxed)))
  }
}

/// Where graphs under the kernel model are not LKMM: each a test, and a line in the article "Memory models".
@Suite struct KernelModelDifferenceTests {
  /// Not explored: LKMM allows load buffering without dependencies.
  @Test func loadBufferingIsNotExplored() {
    let result = LitmusTest(
      "LB",
      threads: [
        [.load("x", into: "a", .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .store("x", 1, .relaxed)],
      ], asks: { $0[0, "a"] == 1 && $0[1, "a"] == 1 }
    ).explored(.kernel)
    #expect(!result.isObserved)
  }

  /// Alike: LKMM allows it too, since no strong fence stands between the release and the load.
  @Test func z6WithOneFence() {
    let result = LitmusTest(
      "Z6.0+pooncerelease+poacquirerelease+fencembonceonce",
      threads: [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .store("z", 1, .releasing)],
        [.store("z", 2, .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0["z"] == 2 && $0[2, "b"] == 0 }
    ).explored(.kernel)
    #expect(result.isObserved)
  }
}
