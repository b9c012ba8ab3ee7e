import AddonMemory
import ExploreCore
import Testing

/// A litmus test and the models that allow what it asks about.
struct KnownLitmusTest: CustomTestStringConvertible {
  let test: LitmusTest
  let allowedBy: Set<MemoryModel>
  var testDescription: String { test.name }

  init(
    _ name: String, allowedBy: Set<MemoryModel>, _ threads: [[LitmusTest.Instruction]],
    asks: @escaping @Sendable (LitmusOutcome) -> Bool
  ) {
    test = LitmusTest(name, threads: threads, asks: asks)
    self.allowedBy = allowedBy
  }
}

/// The classic shapes. Each verdict is that of the literature: for C11 Lahav and others (PLDI 2017), for TSO Owens and
/// others (TPHOLs 2009), for the kernel tools/memory-model/litmus-tests; where the kernel's differs from ours, the test
/// is in `KernelLitmusTests`.
enum LitmusLibrary {
  static let relaxedOnly: Set<MemoryModel> = [.c11, .kernel]
  static let allButSC: Set<MemoryModel> = [.tso, .c11, .kernel]

  static let all: [KnownLitmusTest] = [
    KnownLitmusTest(
      "SB", allowedBy: allButSC,
      [
        [.store("x", 1, .relaxed), .load("y", into: "r", .relaxed)],
        [.store("y", 1, .relaxed), .load("x", into: "r", .relaxed)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+rel+acq", allowedBy: allButSC,
      [
        [.store("x", 1, .releasing), .load("y", into: "r", .acquiring)],
        [.store("y", 1, .releasing), .load("x", into: "r", .acquiring)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+sc", allowedBy: [],
      [
        [.store("x", 1, .sequentiallyConsistent), .load("y", into: "r", .sequentiallyConsistent)],
        [.store("y", 1, .sequentiallyConsistent), .load("x", into: "r", .sequentiallyConsistent)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+fences", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .fence(.sequentiallyConsistent), .load("y", into: "r", .relaxed)],
        [.store("y", 1, .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "r", .relaxed)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+fence+none", allowedBy: allButSC,
      [
        [.store("x", 1, .relaxed), .fence(.sequentiallyConsistent), .load("y", into: "r", .relaxed)],
        [.store("y", 1, .relaxed), .load("x", into: "r", .relaxed)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+full-updates", allowedBy: [],
      [
        [.exchange("x", 1, into: "o", .full), .load("y", into: "r", .relaxed)],
        [.exchange("y", 1, into: "o", .full), .load("x", into: "r", .relaxed)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+acq-rel-updates", allowedBy: relaxedOnly,
      [
        [.exchange("x", 1, into: "o", .acquiringAndReleasing), .load("y", into: "r", .acquiring)],
        [.exchange("y", 1, into: "o", .acquiringAndReleasing), .load("x", into: "r", .acquiring)],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "SB+failed-full-updates", allowedBy: allButSC,
      [
        [
          .store("x", 1, .relaxed), .compareExchange("z", 7, 8, into: "o", .full, failure: .relaxed),
          .load("y", into: "r", .relaxed),
        ],
        [
          .store("y", 1, .relaxed), .compareExchange("w", 7, 8, into: "o", .full, failure: .relaxed),
          .load("x", into: "r", .relaxed),
        ],
      ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 }),
    KnownLitmusTest(
      "MP", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "MP+rel+acq", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "MP+rel+rlx", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "MP+rlx+acq", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "MP+fences", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .fence(.releasing), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .fence(.acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "LB", allowedBy: [],  // C11 and the kernel's model allow it; graphs of this kind do not reach it
      [
        [.load("x", into: "a", .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .store("x", 1, .relaxed)],
      ], asks: { $0[0, "a"] == 1 && $0[1, "a"] == 1 }),
    KnownLitmusTest(
      "IRIW", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed)], [.store("y", 1, .relaxed)],
        [.load("x", into: "a", .relaxed), .load("y", into: "b", .relaxed)],
        [.load("y", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[2, "a"] == 1 && $0[2, "b"] == 0 && $0[3, "a"] == 1 && $0[3, "b"] == 0 }),
    KnownLitmusTest(
      "IRIW+acq", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .releasing)], [.store("y", 1, .releasing)],
        [.load("x", into: "a", .acquiring), .load("y", into: "b", .acquiring)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .acquiring)],
      ], asks: { $0[2, "a"] == 1 && $0[2, "b"] == 0 && $0[3, "a"] == 1 && $0[3, "b"] == 0 }),
    KnownLitmusTest(
      "IRIW+sc", allowedBy: [],
      [
        [.store("x", 1, .sequentiallyConsistent)], [.store("y", 1, .sequentiallyConsistent)],
        [.load("x", into: "a", .sequentiallyConsistent), .load("y", into: "b", .sequentiallyConsistent)],
        [.load("y", into: "a", .sequentiallyConsistent), .load("x", into: "b", .sequentiallyConsistent)],
      ], asks: { $0[2, "a"] == 1 && $0[2, "b"] == 0 && $0[3, "a"] == 1 && $0[3, "b"] == 0 }),
    KnownLitmusTest(
      "IRIW+fences", allowedBy: [],
      [
        [.store("x", 1, .relaxed)], [.store("y", 1, .relaxed)],
        [.load("x", into: "a", .relaxed), .fence(.sequentiallyConsistent), .load("y", into: "b", .relaxed)],
        [.load("y", into: "a", .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "b", .relaxed)],
      ], asks: { $0[2, "a"] == 1 && $0[2, "b"] == 0 && $0[3, "a"] == 1 && $0[3, "b"] == 0 }),
    KnownLitmusTest(
      "2+2W", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 2, .relaxed)],
        [.store("y", 1, .relaxed), .store("x", 2, .relaxed)],
      ], asks: { $0["x"] == 1 && $0["y"] == 1 }),
    KnownLitmusTest(
      "2+2W+rel", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .releasing), .store("y", 2, .releasing)],
        [.store("y", 1, .releasing), .store("x", 2, .releasing)],
      ], asks: { $0["x"] == 1 && $0["y"] == 1 }),
    KnownLitmusTest(
      "2+2W+sc", allowedBy: [],
      [
        [.store("x", 1, .sequentiallyConsistent), .store("y", 2, .sequentiallyConsistent)],
        [.store("y", 1, .sequentiallyConsistent), .store("x", 2, .sequentiallyConsistent)],
      ], asks: { $0["x"] == 1 && $0["y"] == 1 }),
    KnownLitmusTest(
      "CoRR", allowedBy: [],
      [
        [.store("x", 1, .relaxed)],
        [.load("x", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "CoRR2", allowedBy: [],
      [
        [.store("x", 1, .relaxed)], [.store("x", 2, .relaxed)],
        [.load("x", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
        [.load("x", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[2, "a"] == 1 && $0[2, "b"] == 2 && $0[3, "a"] == 2 && $0[3, "b"] == 1 }),
    KnownLitmusTest(
      "CoWR", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .load("x", into: "a", .relaxed)],
        [.store("x", 2, .relaxed)],
      ], asks: { $0[0, "a"] == 0 }),
    KnownLitmusTest(
      "ISA2", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .relaxed), .store("z", 1, .relaxed)],
        [.load("z", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "ISA2+rel+acq-rel+acq", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .store("z", 1, .releasing)],
        [.load("z", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "WRC", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed)],
        [.load("x", into: "a", .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "WRC+rel+acq", allowedBy: [],
      [
        [.store("x", 1, .relaxed)],
        [.load("x", into: "a", .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "R", allowedBy: allButSC,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .relaxed)],
        [.store("y", 2, .relaxed), .load("x", into: "a", .relaxed)],
      ], asks: { $0["y"] == 2 && $0[1, "a"] == 0 }),
    KnownLitmusTest(
      "R+fences", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .fence(.sequentiallyConsistent), .store("y", 1, .relaxed)],
        [.store("y", 2, .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "a", .relaxed)],
      ], asks: { $0["y"] == 2 && $0[1, "a"] == 0 }),
    KnownLitmusTest(
      "S", allowedBy: relaxedOnly,
      [
        [.store("x", 2, .relaxed), .store("y", 1, .relaxed)],
        [.load("y", into: "a", .relaxed), .store("x", 1, .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0["x"] == 2 }),
    KnownLitmusTest(
      "S+rel+acq", allowedBy: [],
      [
        [.store("x", 2, .relaxed), .store("y", 1, .releasing)],
        [.load("y", into: "a", .acquiring), .store("x", 1, .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0["x"] == 2 }),
    KnownLitmusTest(
      "Z6", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .relaxed)],
        [.store("y", 2, .relaxed), .store("z", 1, .relaxed)],
        [.load("z", into: "a", .relaxed), .load("x", into: "b", .relaxed)],
      ], asks: { $0["y"] == 2 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "Z6+rel+acq", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.store("y", 2, .relaxed), .store("z", 1, .releasing)],
        [.load("z", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0["y"] == 2 && $0[2, "a"] == 1 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "RMW chain", allowedBy: [],
      [
        [.fetchAdd("x", 1, into: "a", .relaxed)], [.fetchAdd("x", 1, into: "a", .relaxed)],
        [.fetchAdd("x", 1, into: "a", .relaxed)],
      ], asks: { $0["x"] != 3 || $0[0, "a"] == $0[1, "a"] }),
    KnownLitmusTest(
      "MP through an update (release sequence)", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.fetchAdd("y", 1, into: "a", .relaxed)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 1 && $0[2, "a"] == 2 && $0[2, "b"] == 0 }),
    KnownLitmusTest(
      "MP through a later store (no release sequence in C++20)", allowedBy: relaxedOnly,
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing), .store("y", 2, .relaxed)],
        [.load("y", into: "a", .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "a"] == 2 && $0[1, "b"] == 0 }),
    KnownLitmusTest(
      "lock keeps out", allowedBy: [],
      [
        [.lock("l"), .load("x", into: "a", .relaxed), .store("x", 1, .relaxed), .unlock("l")],
        [.lock("l"), .load("x", into: "a", .relaxed), .store("x", 1, .relaxed), .unlock("l")],
      ], asks: { $0[0, "a"] == $0[1, "a"] }),
    KnownLitmusTest(
      "await sees the release", allowedBy: [],
      [
        [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
        [.await("y", is: 1, .acquiring), .load("x", into: "b", .relaxed)],
      ], asks: { $0[1, "b"] == 0 }),
  ]
}
