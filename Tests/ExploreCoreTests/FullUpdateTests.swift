import AddonMemory
import ExploreCore
import Testing

/// A full update is a relaxed one between two strong fences: the same outcomes as with fences written out.
@Suite struct FullUpdateTests {
  /// Full exchanges and additions written out. (A compare-exchange has its fences only where it succeeds, so it cannot be.)
  private func writtenOut(_ instruction: LitmusTest.Instruction) -> [LitmusTest.Instruction] {
    switch instruction {
    case .exchange(let place, let value, let register, .full):
      [
        .fence(.sequentiallyConsistent), .exchange(place, value, into: register, .relaxed),
        .fence(.sequentiallyConsistent),
      ]
    case .fetchAdd(let place, let value, let register, .full):
      [
        .fence(.sequentiallyConsistent), .fetchAdd(place, value, into: register, .relaxed),
        .fence(.sequentiallyConsistent),
      ]
    default: [instruction]
    }
  }

  private func made(full instruction: LitmusTest.Instruction) -> LitmusTest.Instruction {
    switch instruction {
    case .exchange(let place, let value, let register, _): .exchange(place, value, into: register, .full)
    case .fetchAdd(let place, let value, let register, _): .fetchAdd(place, value, into: register, .full)
    default: instruction
    }
  }

  /// How many programs had a full update.
  private func compare(_ seeds: Range<Int>, threads: Int, instructions: Int) -> Int {
    var compared = 0
    for seed in seeds {
      var generator = ProgramGenerator(seed: UInt64(seed))
      let plain = generator.program(threads: threads, instructions: instructions)
      let full = plain.threads.map { $0.map(made(full:)) }
      guard full.contains(where: { $0.contains { writtenOut($0).count > 1 } }) else { continue }
      compared += 1
      let one = LitmusTest("full", initial: ProgramGenerator.initial, threads: full)
      let other = LitmusTest(
        "fences", initial: ProgramGenerator.initial, threads: full.map { $0.flatMap(writtenOut) })
      for model in MemoryModel.allCases {
        let (a, b) = (one.explored(model), other.explored(model))
        #expect(Set(a.outcomes.keys) == Set(b.outcomes.keys), "\(model): \(full)")
        #expect(a.executions == b.executions && a.duplicates == 0, "\(model): \(full)")
      }
    }
    return compared
  }

  @Test(arguments: 0..<4) func twoThreads(_ part: Int) {
    let first = 5_000_000 + part * 500
    let count = 500 / ProgramGenerator.thinning
    #expect(compare(first..<first + count, threads: 2, instructions: 4) > count * 2 / 5)
  }

  @Test(arguments: 0..<4) func threeThreads(_ part: Int) {
    let first = 6_000_000 + part * 300
    let count = 300 / ProgramGenerator.thinning
    #expect(compare(first..<first + count, threads: 3, instructions: 3) > count / 2)
  }

  /// Whoever releases into the update is not ordered before what comes after the write in coherence: herd7 7.58 with the
  /// model of Linux 6.12 says "Sometimes" of both. A model in which the update is one event forbids them.
  @Test(arguments: [MemoryModel.c11, .kernel]) func theReleaseThatAFullUpdateReads(_ model: MemoryModel) {
    let updates: [LitmusTest.Instruction] = [
      .exchange("y", 2, into: "r", .full), .compareExchange("y", 1, 2, into: "r", .full, failure: .relaxed),
      .fetchAdd("y", 1, into: "r", .full),
    ]
    for update in updates {
      let test = LitmusTest(
        "release, full update, fence",
        threads: [
          [update], [.store("x", 1, .relaxed), .store("y", 1, .releasing)],
          [.store("y", 3, .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "r", .relaxed)],
        ], asks: { $0[0, "r"] == 1 && $0["y"] == 3 && $0[2, "r"] == 0 })
      #expect(test.explored(model).conclusion == .observed, "\(update)")
      #expect(test.explored(.tso).conclusion == .neverObserved)
    }
  }

  /// A full compare-exchange that fails is a relaxed load: no fences.
  @Test func theOneThatFails() {
    func test(_ expected: UInt64) -> LitmusTest {
      let update = LitmusTest.Instruction.compareExchange(
        "z", .constant(expected), 1, into: "o", .full, failure: .relaxed)
      return LitmusTest(
        "SB around a compare-exchange", initial: ["z": 0],
        threads: [
          [.store("x", 1, .relaxed), update, .load("y", into: "r", .relaxed)],
          [.store("y", 1, .relaxed), .fence(.sequentiallyConsistent), .load("x", into: "r", .relaxed)],
        ], asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 })
    }
    for model in [MemoryModel.c11, .kernel] {
      #expect(test(0).explored(model).conclusion == .neverObserved)
      #expect(test(7).explored(model).conclusion == .observed)
    }
  }
}
