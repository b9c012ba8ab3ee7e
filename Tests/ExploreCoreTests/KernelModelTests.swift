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

/// Where the kernel mode is not LKMM: each a test, and a line in the article "Memory models".
@Suite struct KernelModelDifferenceTests {
  /// Stronger: LKMM allows it, since nothing depends on the load; here the load's value names the block.
  @Test func knownPointerIsTakenForADependency() {
    let result = LitmusTest(
      "MP with a known pointer",
      threads: [
        [.store("box", 1, .relaxed), .store("slot", .address("box"), .releasing)],
        [.load("slot", into: "pointer", .dependent), .load("box", into: "data", .relaxed)],
      ], asks: { $0[1, "pointer"] != 0 && $0[1, "data"] == 0 }
    ).explored(.kernel)
    #expect(!result.isObserved)
  }

  /// Weaker: LKMM forbids it by the control dependency, which is not known here.
  @Test func controlDependencyIsNotKnown() {
    let result = LitmusTest(
      "S+release+control",
      threads: [
        [.store("x", 2, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .relaxed), .when("a", is: 1, [.store("x", 1, .relaxed)])],
      ], asks: { $0[1, "a"] == 1 && $0["x"] == 2 }
    ).explored(.kernel)
    #expect(result.isObserved)
  }

  /// Weaker: LKMM forbids it by the data dependency.
  @Test func dataDependencyIsNotKnown() {
    let result = LitmusTest(
      "S+release+data",
      threads: [
        [.store("x", 2, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .relaxed), .store("x", .register("a"), .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0["x"] == 2 }
    ).explored(.kernel)
    #expect(result.isObserved)
  }

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
