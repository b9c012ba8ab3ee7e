import AddonMemory

/// A litmus test as the core runs it: instructions as trivial steps, places and registers by number.
final class LitmusProgram: ExploredProgram {
  private let test: LitmusTest
  private let names: (places: [String], registers: [[String]])
  private let steps: [UnsafeMutableBufferPointer<Step>]
  private let registers: [UnsafeMutableBufferPointer<UInt64>]
  /// By thread: the begins and ends of sections so far.
  private let sections: UnsafeMutableBufferPointer<UInt64>
  /// Each place is a block of its own.
  private static let stride: UInt = 32

  init(_ test: LitmusTest) {
    self.test = test
    var compiler = Compiler()
    steps = test.threads.map { compiler.compile($0) }.map { steps in
      let buffer = UnsafeMutableBufferPointer<Step>.allocate(capacity: steps.count)
      _ = buffer.initialize(from: steps)
      return buffer
    }
    names = (compiler.places, compiler.registers)
    registers = compiler.registers.map { .allocate(capacity: max(1, $0.count)) }
    sections = .allocate(capacity: test.threads.count)
    super.init(
      racerCount: test.threads.count,
      layout: Layout(staticSize: compiler.places.count * Int(Self.stride) + 8 * test.threads.count),
      twins: test.threads.indices.map { $0 > 0 && test.threads[$0] == test.threads[$0 - 1] ? $0 - 1 : -1 })
  }

  deinit {
    for thread in steps { thread.deallocate() }
    for thread in registers { thread.deallocate() }
    sections.deallocate()
  }

  override func prepare() {
    for thread in registers { thread.initialize(repeating: 0) }
    sections.initialize(repeating: 0)
    for place in names.places.indices where compilerLocks.contains(place) {
      execution.writePlain(0, address(place), 8, Lock.unlockedValue)
    }
  }

  private lazy var compilerLocks: Set<Int> = Set(steps.flatMap { $0.filter { $0.code == .lock }.map(\.place) })

  private func address(_ place: Int) -> UInt { base + UInt(place) * Self.stride }

  override func race(_ racer: Int) {
    LitmusThread(
      execution: execution, base: base, steps: steps[racer], registers: registers[racer], sections: sections,
      sectionWords: address(names.places.count)
    ).run(racer)
  }

  func outcome() -> LitmusOutcome {
    LitmusOutcome(
      registers: names.registers.indices.map { thread in
        Dictionary(uniqueKeysWithValues: zip(names.registers[thread], registers[thread]))
      },
      places: Dictionary(
        uniqueKeysWithValues: names.places.indices.map { (names.places[$0], execution.readPlain(0, address($0), 8)) }))
  }
}

extension Lock {
  fileprivate static var unlockedValue: UInt64 { UInt64(unlocked) }
  fileprivate static var lockedValue: UInt64 { UInt64(locked) }
}

/// One instruction, trivial.
struct Step {
  enum Code {
    case load, store, exchange, add, compareExchange, fence, read, write, loadThrough, readThrough, skipUnless,
      pauseUnless, lock, unlock, beginSection, endSection, synchronize
  }
  /// A constant, a register or the address of a place.
  struct Operand {
    enum Kind { case constant, register, address }
    var kind = Kind.constant
    var value: UInt64 = 0
  }
  var code: Code
  var place = 0
  var register = 0
  var first = Operand()
  var second = Operand()
  var ordering = EventOrdering.relaxed
  var failure = EventOrdering.relaxed
  /// Steps to skip, or to go back.
  var distance = 0
}

/// Runs one thread's steps. Holds trivial values only.
private struct LitmusThread {
  let execution: Execution
  let base: UInt
  let steps: UnsafeMutableBufferPointer<Step>
  let registers: UnsafeMutableBufferPointer<UInt64>
  let sections: UnsafeMutableBufferPointer<UInt64>
  let sectionWords: UInt

  func run(_ racer: Int) {
    var index = 0
    while index < steps.count {
      let step = steps[index]
      index += 1
      let address = base + UInt(step.place) * 32
      switch step.code {
      case .load: registers[step.register] = execution.load(racer, address, 8, step.ordering)
      case .store: execution.store(racer, address, 8, value(step.first), step.ordering)
      case .exchange, .add:
        registers[step.register] = execution.update(
          racer, address, 8, step.code == .add ? .add : .exchange, operand: value(step.first), step.ordering,
          failure: step.failure)
      case .compareExchange:
        registers[step.register] = execution.update(
          racer, address, 8, .compareExchange, expected: value(step.first), operand: value(step.second),
          step.ordering, failure: step.failure)
      case .fence: execution.fence(racer, step.ordering)
      case .read: registers[step.register] = execution.readPlain(racer, address, 8)
      case .write: execution.writePlain(racer, address, 8, value(step.first))
      case .loadThrough:
        let pointer = UInt(registers[step.place])
        if pointer != 0 { registers[step.register] = execution.load(racer, pointer, 8, step.ordering) }
      case .readThrough:
        let pointer = UInt(registers[step.place])
        if pointer != 0 { registers[step.register] = execution.readPlain(racer, pointer, 8) }
      case .skipUnless: if registers[step.register] != step.first.value { index += step.distance }
      case .pauseUnless:
        if registers[step.register] != step.first.value {
          execution.pause(racer)
          index -= step.distance
        }
      case .lock:
        _ = execution.lock(racer, address, 8, unlocked: Lock.unlockedValue, locked: Lock.lockedValue)
      case .unlock: execution.store(racer, address, 8, Lock.unlockedValue, .releases)
      case .beginSection:
        sections[racer] += 1
        execution.beginSection(racer, word: sectionWords + UInt(8 * racer), value: sections[racer])
      case .endSection:
        sections[racer] += 1
        execution.endSection(racer, word: sectionWords + UInt(8 * racer), value: sections[racer])
      case .synchronize: execution.gracePeriod(racer, words: sectionWords, count: sections.count)
      }
    }
  }

  private func value(_ operand: Step.Operand) -> UInt64 {
    switch operand.kind {
    case .constant: operand.value
    case .register: registers[Int(operand.value)]
    case .address: UInt64(base) + operand.value * 32
    }
  }
}

/// Numbers places and registers, and flattens conditions.
private struct Compiler {
  var places: [String] = []
  var registers: [[String]] = []

  mutating func compile(_ thread: [LitmusTest.Instruction]) -> [Step] {
    registers.append([])
    return compileBody(thread)
  }

  private mutating func compileBody(_ instructions: [LitmusTest.Instruction]) -> [Step] {
    instructions.flatMap { compile($0) }
  }

  private mutating func compile(_ instruction: LitmusTest.Instruction) -> [Step] {
    var step: Step
    switch instruction {
    case .load(let place, let register, let ordering):
      step = Step(code: .load, place: self.place(place), register: self.register(register))
      step.ordering = EventOrdering(ordering)
    case .store(let place, let value, let ordering):
      step = Step(code: .store, place: self.place(place), first: operand(value))
      step.ordering = EventOrdering(ordering)
    case .exchange(let place, let value, let register, let ordering):
      step = Step(code: .exchange, place: self.place(place), register: self.register(register), first: operand(value))
      step.ordering = EventOrdering(ordering)
    case .fetchAdd(let place, let value, let register, let ordering):
      step = Step(code: .add, place: self.place(place), register: self.register(register), first: operand(value))
      step.ordering = EventOrdering(ordering)
    case .compareExchange(let place, let expected, let desired, let register, let ordering, let failure):
      step = Step(
        code: .compareExchange, place: self.place(place), register: self.register(register),
        first: operand(expected), second: operand(desired))
      step.ordering = EventOrdering(ordering)
      step.failure = EventOrdering(failure)
    case .fence(let ordering): step = Step(code: .fence, ordering: EventOrdering(ordering))
    case .read(let place, let register):
      step = Step(code: .read, place: self.place(place), register: self.register(register))
    case .write(let place, let value): step = Step(code: .write, place: self.place(place), first: operand(value))
    case .loadThrough(let pointer, let register, let ordering):
      step = Step(code: .loadThrough, place: self.register(pointer), register: self.register(register))
      step.ordering = EventOrdering(ordering)
    case .readThrough(let pointer, let register):
      step = Step(code: .readThrough, place: self.register(pointer), register: self.register(register))
    case .when(let register, let value, let body):
      let steps = compileBody(body)
      step = Step(code: .skipUnless, register: self.register(register))
      step.first.value = value
      step.distance = steps.count
      return [step] + steps
    case .await(let place, let value, let ordering):
      let register = self.register("await \(place)")
      var load = Step(code: .load, place: self.place(place), register: register)
      load.ordering = EventOrdering(ordering)
      step = Step(code: .pauseUnless, register: register)
      step.first.value = value
      step.distance = 2
      return [load, step]
    case .lock(let place): step = Step(code: .lock, place: self.place(place))
    case .unlock(let place): step = Step(code: .unlock, place: self.place(place))
    case .beginSection: step = Step(code: .beginSection)
    case .endSection: step = Step(code: .endSection)
    case .synchronize: step = Step(code: .synchronize)
    }
    return [step]
  }

  private mutating func place(_ name: String) -> Int {
    if let index = places.firstIndex(of: name) { return index }
    places.append(name)
    return places.count - 1
  }

  private mutating func register(_ name: String) -> Int {
    let thread = registers.count - 1
    if let index = registers[thread].firstIndex(of: name) { return index }
    registers[thread].append(name)
    return registers[thread].count - 1
  }

  private mutating func operand(_ value: LitmusTest.Value) -> Step.Operand {
    switch value {
    case .constant(let value): Step.Operand(kind: .constant, value: value)
    case .register(let name): Step.Operand(kind: .register, value: UInt64(register(name)))
    case .address(let name): Step.Operand(kind: .address, value: UInt64(place(name)))
    }
  }
}
