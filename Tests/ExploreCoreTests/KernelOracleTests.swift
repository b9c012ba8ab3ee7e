import AddonMemory
import ExploreCore
import Foundation
import Testing

/// The graphs' kernel model against every candidate execution judged by the axioms, without load buffering: on thousands of
/// generated programs the same outcomes, as often, and the same races.
@Suite struct KernelOracleTests {
  /// Instructions of the kernel, with constants alone, so that there are no dependencies but those of updates.
  private struct Generator {
    var random: ProgramGenerator
    let hasPlain: Bool
    let hasSections: Bool
    let hasLocks: Bool
    private var hasAdded = false

    init(_ seed: Int, hasPlain: Bool, hasSections: Bool, hasLocks: Bool) {
      random = ProgramGenerator(seed: UInt64(seed))
      self.hasPlain = hasPlain
      self.hasSections = hasSections
      self.hasLocks = hasLocks
    }

    mutating func program(threads: Int, accesses: Int) -> LitmusTest {
      var hasLock = false
      let threads = (0..<threads).map { _ in thread(accesses, &hasLock) }
      var initial: [String: LitmusTest.Value] = ["x": 0, "y": 0, "z": 0]
      if hasLock { initial["lock"] = .constant(UInt64(Lock.unlocked)) }
      return LitmusTest("generated", initial: initial, threads: threads)
    }

    private mutating func thread(_ accesses: Int, _ hasLock: inout Bool) -> [LitmusTest.Instruction] {
      var instructions: [LitmusTest.Instruction] = []
      for index in 0..<1 + random.number(accesses) {
        if index > 0, let barrier = barrier() { instructions.append(barrier) }
        instructions.append(access(index))
      }
      func around(_ first: LitmusTest.Instruction, _ last: LitmusTest.Instruction, _ random: inout ProgramGenerator) {
        let begin = random.number(instructions.count + 1)
        let end = begin + random.number(instructions.count - begin + 1)
        instructions.insert(last, at: end)
        instructions.insert(first, at: begin)
      }
      if hasSections, random.number(2) == 0 {
        if random.number(2) == 0 {
          instructions.insert(.synchronize, at: random.number(instructions.count + 1))
        } else {
          around(.beginSection, .endSection, &random)
        }
      }
      if hasLocks, random.number(3) > 0 {
        hasLock = true
        around(.lock("lock"), .unlock("lock"), &random)
      }
      return instructions
    }

    private mutating func barrier() -> LitmusTest.Instruction? {
      switch random.number(8) {
      case 0, 1: .fence(.sequentiallyConsistent)
      case 2: .barrier(.read)
      case 3: .barrier(.write)
      default: nil
      }
    }

    private mutating func access(_ index: Int) -> LitmusTest.Instruction {
      let place = LitmusTest.Location.place(["x", "y", "z"][random.number(3)])
      let register = "r\(index)"
      let value = LitmusTest.Value.constant(UInt64(1 + random.number(2)))
      let update: [UpdateOrdering] = [.relaxed, .acquiring, .releasing, .full]
      switch random.number(hasPlain ? 12 : 9) {
      case 0, 1, 2: return .load(place, into: register, random.number(3) == 0 ? .acquiring : .relaxed)
      case 3, 4, 5: return .store(place, value, random.number(2) == 0 ? .releasing : .relaxed)
      case 6: return .exchange(place, value, into: register, update[random.number(4)])
      case 7 where !hasAdded:
        // One a program: each more multiplies the values that the oracle has to try.
        hasAdded = true
        return .fetchAdd(place, value, into: register, update[random.number(4)])
      case 7, 8:
        return .compareExchange(
          place, .constant(UInt64(random.number(2))), value, into: register, update[random.number(4)],
          failure: .relaxed)
      case 9, 10: return .write(place, value)
      default: return .read(place, into: register)
      }
    }
  }

  private func compare(
    _ seeds: Range<Int>, threads: Int, accesses: Int, hasPlain: Bool = false, hasSections: Bool = false,
    hasLocks: Bool = false
  ) {
    var tooLarge = 0
    for seed in seeds {
      var generator = Generator(
        seed, hasPlain: hasPlain, hasSections: hasSections, hasLocks: hasLocks)
      let test = generator.program(threads: threads, accesses: accesses)
      let graphs = test.explored(.kernel)
      guard let oracle = try? test.enumerateKernelExecutions(withLoadBuffering: false) else {
        tooLarge += 1
        continue
      }
      #expect((graphs.races > 0) == (oracle.races > 0), "seed \(seed), races: \(test.threads)")
      // Where there is a race, the race is the answer.
      if oracle.races > 0 { continue }
      #expect(Set(graphs.outcomes.keys) == Set(oracle.outcomes.keys), "seed \(seed): \(test.threads)")
      // On graphs a grace period and a section may come either way round, which is no difference in reads-from.
      if !hasSections { #expect(graphs.executions == oracle.executions, "seed \(seed): \(test.threads)") }
      #expect(graphs.duplicates == 0, "seed \(seed)")
    }
    #expect(tooLarge <= 1 + seeds.count / 100)
  }

  /// `ADDONRACE_PROGRAMS` says how many of each kind.
  private static let seeds =
    0..<(ProcessInfo.processInfo.environment["ADDONRACE_PROGRAMS"].flatMap { Int($0) } ?? 50 / ProgramGenerator.thinning)

  @Test func twoThreads() { compare(Self.seeds, threads: 2, accesses: 4) }
  @Test func threeThreads() { compare(Self.seeds, threads: 3, accesses: 3) }
  @Test func fourThreads() { compare(Self.seeds, threads: 4, accesses: 2) }
  @Test func plainAccesses() { compare(Self.seeds, threads: 3, accesses: 3, hasPlain: true) }
  @Test func sections() { compare(Self.seeds, threads: 3, accesses: 3, hasSections: true) }
  @Test func locks() { compare(Self.seeds, threads: 3, accesses: 3, hasLocks: true) }
}
