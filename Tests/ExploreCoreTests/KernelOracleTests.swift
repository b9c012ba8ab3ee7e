import AddonMemory
import ExploreCore
import Foundation
import Testing

/// The graphs' kernel model against every candidate execution judged by the axioms, without load buffering: on thousands of
/// generated programs the same outcomes, as often, and the same races.
@Suite struct KernelOracleTests {
  /// What generated programs have besides marked accesses and barriers.
  struct Features {
    var plain = false
    var sections = false
    var locks = false
    /// Values, addresses and branches that depend on what was read; without them only updates depend on anything.
    var dependencies = false
  }

  private struct Generator {
    var random: ProgramGenerator
    let has: Features
    private var hasAdded = false
    /// Registers of the thread at hand.
    private var registers: [String] = []

    init(_ seed: Int, _ features: Features) {
      random = ProgramGenerator(seed: UInt64(seed))
      has = features
    }

    mutating func program(threads: Int, accesses: Int) -> LitmusTest {
      var hasLock = false
      let threads = (0..<threads).map { _ in thread(accesses, &hasLock) }
      var initial: [String: LitmusTest.Value] = ["x": 0, "y": 0, "z": 0]
      if has.dependencies { initial["p"] = .address("x") }
      if hasLock { initial["lock"] = .constant(UInt64(Lock.unlocked)) }
      return LitmusTest("generated", initial: initial, threads: threads)
    }

    private mutating func thread(_ accesses: Int, _ hasLock: inout Bool) -> [LitmusTest.Instruction] {
      var instructions: [LitmusTest.Instruction] = []
      registers = []
      for index in 0..<1 + random.number(accesses) {
        if index > 0, let barrier = barrier() { instructions.append(barrier) }
        instructions += has.dependencies ? dependent(index) : [access(index)]
      }
      func around(_ first: LitmusTest.Instruction, _ last: LitmusTest.Instruction, _ random: inout ProgramGenerator) {
        let begin = random.number(instructions.count + 1)
        let end = begin + random.number(instructions.count - begin + 1)
        instructions.insert(last, at: end)
        instructions.insert(first, at: begin)
      }
      if has.sections, random.number(2) == 0 {
        if random.number(2) == 0 {
          instructions.insert(.synchronize, at: random.number(instructions.count + 1))
        } else {
          around(.beginSection, .endSection, &random)
        }
      }
      if has.locks, random.number(3) > 0 {
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

    /// An access to what `p` points to, of a value that was read, or on one of the ways of a branch.
    private mutating func dependent(_ index: Int) -> [LitmusTest.Instruction] {
      guard let register = registers.last else { return [noted(access(index), index)] }
      switch random.number(8) {
      case 0, 1:
        // Data.
        let place = LitmusTest.Location.place(["x", "y", "z"][random.number(3)])
        return [
          .compute(into: "d\(index)", .register(register), .xor, .register(register)),
          .compute(into: "e\(index)", .register("d\(index)"), .add, .constant(UInt64(1 + random.number(2)))),
          .store(place, .register("e\(index)"), .relaxed),
        ]
      case 2, 3:
        // Address.
        let through = random.number(2) == 0
        let pointer = "p\(index)"
        let target: LitmusTest.Value = .address(["y", "z"][random.number(2)])
        if random.number(3) == 0 { return [.store("p", target, random.number(2) == 0 ? .releasing : .relaxed)] }
        return [
          .load("p", into: pointer, .relaxed),
          through
            ? .load(.through(pointer), into: "q\(index)", .relaxed)
            : .store(.through(pointer), .constant(UInt64(1 + random.number(2))), .relaxed),
        ]
      case 4, 5:
        // Control, and what comes after the ways have joined.
        let one = [noted(access(index), index)]
        registers.removeAll { $0 == "r\(index)" }
        return random.number(2) == 0 ? [.when(register, is: 1, one)] : [.unless(register, is: 1, one)]
      default: return [noted(access(index), index)]
      }
    }

    private mutating func noted(_ instruction: LitmusTest.Instruction, _ index: Int) -> LitmusTest.Instruction {
      switch instruction {
      case .store, .write: break
      default: registers.append("r\(index)")
      }
      return instruction
    }

    private mutating func access(_ index: Int) -> LitmusTest.Instruction {
      let place = LitmusTest.Location.place(["x", "y", "z"][random.number(3)])
      let register = "r\(index)"
      let value = LitmusTest.Value.constant(UInt64(1 + random.number(2)))
      let update: [UpdateOrdering] = [.relaxed, .acquiring, .releasing, .full]
      switch random.number(has.plain ? 12 : 9) {
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

  /// What an outcome says, apart from registers that nobody has written.
  private func states(_ outcome: LitmusOutcome) -> String {
    (outcome.registers + [outcome.places]).map { values in
      values.filter { $0.value != 0 }.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
    }.joined(separator: "; ")
  }

  private func compare(_ seeds: Range<Int>, threads: Int, accesses: Int, _ features: Features = Features()) {
    var tooLarge = 0
    for seed in seeds {
      var generator = Generator(seed, features)
      let test = generator.program(threads: threads, accesses: accesses)
      let graphs = test.explored(.kernel)
      guard let oracle = try? test.enumerateKernelExecutions(withLoadBuffering: false) else {
        tooLarge += 1
        continue
      }
      #expect((graphs.races > 0) == (oracle.races > 0), "seed \(seed), races: \(test.threads)")
      // Where there is a race, the race is the answer.
      if oracle.races > 0 { continue }
      #expect(
        Set(graphs.outcomes.keys.map(states)) == Set(oracle.outcomes.keys.map(states)), "seed \(seed): \(test.threads)")
      // On graphs a grace period and a section may come either way round, which is no difference in reads-from.
      if !features.sections { #expect(graphs.executions == oracle.executions, "seed \(seed): \(test.threads)") }
      #expect(graphs.duplicates == 0, "seed \(seed)")
    }
    #expect(tooLarge <= 1 + seeds.count / 100)
  }

  /// What is said of load buffering, against whether there are executions with it: it is missed where several reads would have
  /// to read something else at once, and seen in vain where what is read then leads elsewhere.
  private func compareLoadBuffering(_ seeds: Range<Int>, threads: Int, accesses: Int) {
    var (right, missed, inVain) = (0, 0, 0)
    for seed in seeds {
      var generator = Generator(seed, Features(dependencies: true))
      let test = generator.program(threads: threads, accesses: accesses)
      guard let without = try? test.enumerateKernelExecutions(withLoadBuffering: false),
        let with = try? test.enumerateKernelExecutions()
      else { continue }
      let isPossible = with.executions > without.executions
      let isFound = !test.explored(.kernel).loadBuffering.isEmpty
      if isPossible == isFound { right += 1 } else if isPossible { missed += 1 } else { inVain += 1 }
    }
    #expect(missed <= 1 + right / 500, "\(missed) of \(right)")
    #expect(inVain <= 1 + right / 100, "\(inVain) of \(right)")
  }

  @Test func loadBuffering() {
    compareLoadBuffering(Self.seeds, threads: 2, accesses: 4)
    compareLoadBuffering(Self.seeds, threads: 3, accesses: 3)
  }

  /// `ADDONRACE_PROGRAMS` says how many of each kind.
  private static let seeds =
    0..<(ProcessInfo.processInfo.environment["ADDONRACE_PROGRAMS"].flatMap { Int($0) } ?? 50 / ProgramGenerator.thinning)

  @Test func twoThreads() { compare(Self.seeds, threads: 2, accesses: 4) }
  @Test func threeThreads() { compare(Self.seeds, threads: 3, accesses: 3) }
  @Test func fourThreads() { compare(Self.seeds, threads: 4, accesses: 2) }
  @Test func plainAccesses() { compare(Self.seeds, threads: 3, accesses: 3, Features(plain: true)) }
  @Test func sections() { compare(Self.seeds, threads: 3, accesses: 3, Features(sections: true)) }
  @Test func locks() { compare(Self.seeds, threads: 3, accesses: 3, Features(locks: true)) }
  @Test func dependencies() { compare(Self.seeds, threads: 3, accesses: 3, Features(dependencies: true)) }
  @Test func dependenciesOfTwo() { compare(Self.seeds, threads: 2, accesses: 5, Features(dependencies: true)) }
  @Test func dependenciesAndPlainAccesses() {
    compare(Self.seeds, threads: 2, accesses: 4, Features(plain: true, dependencies: true))
  }
}
