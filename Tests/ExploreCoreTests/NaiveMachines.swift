import AddonMemory
import ExploreCore
import Machine

/// An operational machine that runs litmus tests by trying every next step from every state: nothing of the explorer's
/// is in it. With store buffers it is x86-TSO, without them it is sequential consistency.
struct NaiveMachine {
  struct Thread: Hashable {
    var position = 0
    var registers: [String: UInt64] = [:]
    /// Stores on their way, oldest first. A fence in the kernel's sense is none here: the buffer has to be empty for it.
    var buffer: [Store] = []
    /// How many sections it has begun and ended.
    var sections = 0
    /// The grace period under way: which sections of which threads it waits for.
    var awaited: [Int: Int]?
  }
  struct Store: Hashable {
    var place: String
    var value: UInt64
  }
  struct State: Hashable {
    var threads: [Thread]
    var memory: [String: UInt64] = [:]
  }

  let test: LitmusTest
  let hasBuffers: Bool

  /// Every way in which the test can end.
  func outcomes() -> Set<LitmusOutcome> {
    var seen: Set<State> = []
    var ends: Set<LitmusOutcome> = []
    var pending = [State(threads: test.threads.map { _ in Thread() })]
    while let state = pending.popLast() {
      guard seen.insert(state).inserted else { continue }
      let next = successors(of: state)
      if next.isEmpty { ends.insert(outcome(of: state)) }
      pending += next
    }
    return ends
  }

  private func outcome(of state: State) -> LitmusOutcome {
    LitmusOutcome(
      registers: state.threads.map { $0.registers.mapValues { .number($0) } },
      places: state.memory.mapValues { .number($0) })
  }

  private func successors(of state: State) -> [State] {
    state.threads.indices.flatMap { flushes(state, $0) + steps(state, $0) }
  }

  private func flushes(_ state: State, _ thread: Int) -> [State] {
    guard let store = state.threads[thread].buffer.first else { return [] }
    var state = state
    state.threads[thread].buffer.removeFirst()
    state.memory[store.place] = store.value
    return [state]
  }

  private func steps(_ state: State, _ number: Int) -> [State] {
    let thread = state.threads[number]
    guard thread.position < test.threads[number].count else { return [] }
    let instruction = test.threads[number][thread.position]
    var next = state
    next.threads[number].position += 1

    func name(_ location: LitmusTest.Location) -> String {
      if case .place(let name) = location { name } else { "" }
    }
    func seen(_ place: String) -> UInt64 {
      thread.buffer.last { $0.place == place }?.value ?? state.memory[place] ?? 0
    }
    func value(_ operand: LitmusTest.Value) -> UInt64 {
      switch operand {
      case .constant(let value): value
      case .register(let name): thread.registers[name] ?? 0
      case .address: 0
      }
    }
    let isDrained = thread.buffer.isEmpty

    switch instruction {
    case .load(let location, let register, _):
      next.threads[number].registers[register] = seen(name(location))
      return [next]
    case .store(let location, let operand, let ordering):
      if hasBuffers, ordering != .sequentiallyConsistent {
        next.threads[number].buffer.append(Store(place: name(location), value: value(operand)))
        return [next]
      }
      guard isDrained else { return [] }
      next.memory[name(location)] = value(operand)
      return [next]
    case .exchange(let location, let operand, let register, _):
      guard isDrained else { return [] }
      next.threads[number].registers[register] = seen(name(location))
      next.memory[name(location)] = value(operand)
      return [next]
    case .fetchAdd(let location, let operand, let register, _):
      guard isDrained else { return [] }
      next.threads[number].registers[register] = seen(name(location))
      next.memory[name(location)] = seen(name(location)) &+ value(operand)
      return [next]
    case .compareExchange(let location, let expected, let desired, let register, _, _):
      let found = seen(name(location))
      if found == value(expected) {
        guard isDrained else { return [] }
        next.memory[name(location)] = value(desired)
      }
      next.threads[number].registers[register] = found
      return [next]
    case .fence(let ordering):
      return isDrained || ordering != .sequentiallyConsistent ? [next] : []
    case .when(let register, let wanted, let body, _):
      // One level, one instruction: what the generator makes.
      guard thread.registers[register] ?? 0 == value(wanted), let only = body.first else { return [next] }
      var inlined = test.threads
      inlined[number][thread.position] = only
      return NaiveMachine(test: LitmusTest("", threads: inlined), hasBuffers: hasBuffers).steps(state, number)
    case .beginSection:
      next.threads[number].sections += 1
      return [next]
    case .endSection:
      // A section has ended when what it stored can be seen.
      guard isDrained else { return [] }
      next.threads[number].sections += 1
      return [next]
    case .synchronize(of: _): return gracePeriod(state, number, next)
    default: return []
    }
  }

  /// Two steps: it notes which sections are open, and ends once they have ended. A full barrier, at each.
  private func gracePeriod(_ state: State, _ number: Int, _ next: State) -> [State] {
    guard state.threads[number].buffer.isEmpty else { return [] }
    guard let awaited = state.threads[number].awaited else {
      var started = state
      started.threads[number].awaited = Dictionary(
        uniqueKeysWithValues: state.threads.indices.filter { state.threads[$0].sections % 2 == 1 }.map {
          ($0, state.threads[$0].sections)
        })
      return [started]
    }
    guard awaited.allSatisfy({ state.threads[$0].sections > $1 }) else { return [] }
    var ended = next
    ended.threads[number].awaited = nil
    return [ended]
  }
}

/// Small programs, each a function of its seed.
struct ProgramGenerator {
  /// Under a sanitizer, which looks at the explorer's memory and takes ten times as long, a fifth of the programs will do.
  static let thinning = BuildKind.current == .plain ? 1 : 5
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func number(_ below: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % below
  }

  mutating func program(threads: Int, instructions: Int) -> LitmusTest {
    LitmusTest("generated", initial: Self.initial, threads: (0..<threads).map { _ in thread(instructions) })
  }

  /// Generated programs may read what nobody writes.
  static let initial: [String: LitmusTest.Value] = ["x": 0, "y": 0, "z": 0]

  mutating func thread(_ most: Int) -> [LitmusTest.Instruction] {
    // What a condition is about.
    [.load("x", into: "r0", .relaxed)] + (1...1 + number(max(1, most - 1))).map { instruction($0) }
  }

  /// Accesses and grace periods, some of them around a section.
  mutating func threadWithSections(_ most: Int) -> [LitmusTest.Instruction] {
    var instructions = (0..<1 + number(most)).map { index -> LitmusTest.Instruction in
      let place = LitmusTest.Location.place(["x", "y", "z"][number(3)])
      switch number(5) {
      case 0, 1: return .load(place, into: "r\(index)", .relaxed)
      case 2, 3: return .store(place, .constant(UInt64(1 + number(2))), .relaxed)
      default: return .synchronize
      }
    }
    if number(2) == 0 {
      instructions.removeAll { $0 == .synchronize }
      let begin = number(instructions.count + 1)
      let end = begin + number(instructions.count - begin + 1)
      instructions.insert(.endSection, at: end)
      instructions.insert(.beginSection, at: begin)
    }
    return instructions
  }

  private mutating func instruction(_ index: Int) -> LitmusTest.Instruction {
    let place = LitmusTest.Location.place(["x", "y"][number(2)])
    let register = "r\(index)"
    let value = LitmusTest.Value.constant(UInt64(1 + number(2)))
    let update: [UpdateOrdering] = [.relaxed, .acquiringAndReleasing, .sequentiallyConsistent, .full]
    let load: [LoadOrdering] = [.relaxed, .acquiring, .sequentiallyConsistent]
    let store: [StoreOrdering] = [.relaxed, .releasing, .sequentiallyConsistent]
    switch number(10) {
    case 0, 1, 2: return .load(place, into: register, load[number(3)])
    case 3, 4, 5: return .store(place, value, store[number(3)])
    case 6: return .exchange(place, value, into: register, update[number(4)])
    case 7: return .fetchAdd(place, value, into: register, update[number(4)])
    case 8:
      return .compareExchange(
        place, .constant(UInt64(number(2))), value, into: register, update[number(4)], failure: .relaxed)
    default:
      return number(2) == 0
        ? .fence(.sequentiallyConsistent)
        : .when("r0", is: 0, [.store(place, value, .relaxed)])
    }
  }
}
