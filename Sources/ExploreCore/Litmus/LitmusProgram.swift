import AddonMemory
import RaceModel

/// A litmus test as the core runs it: instructions as trivial steps, places and registers by number.
final class LitmusProgram: ExploredProgram {
  private let compiled: CompiledLitmus
  private let lookups: LitmusOutcome.Lookups
  private let steps: [UnsafeMutableBufferPointer<Step>]
  private let registers: [UnsafeMutableBufferPointer<UInt64>]
  /// By thread and register: the reads that its value depends on, as `Dependencies` has them.
  private let sources: [UnsafeMutableBufferPointer<UInt64>]
  /// By thread: conditions whose ways have not joined yet.
  private let conditions: [UnsafeMutableBufferPointer<LitmusThread.Condition>]
  /// By domain and thread: begins and ends of outermost sections so far, and how deep it is in them.
  private let sections: UnsafeMutableBufferPointer<UInt64>
  private let depths: UnsafeMutableBufferPointer<Int>
  /// Static objects: the places, then the words of each domain's sections.
  private var threads: Int { steps.count }

  init(_ compiled: CompiledLitmus, _ lookups: LitmusOutcome.Lookups) {
    self.compiled = compiled
    self.lookups = lookups
    steps = compiled.steps.map { steps in
      let buffer = UnsafeMutableBufferPointer<Step>.allocate(capacity: steps.count)
      _ = buffer.initialize(from: steps)
      return buffer
    }
    registers = compiled.registers.map { .allocate(capacity: max(1, $0.count)) }
    sources = compiled.registers.map { .allocate(capacity: max(1, $0.count)) }
    conditions = compiled.steps.map { steps in .allocate(capacity: max(1, steps.count { $0.code.isCondition })) }
    let words = compiled.domains.count * compiled.steps.count
    sections = .allocate(capacity: words)
    depths = .allocate(capacity: words)
    super.init(
      racerCount: compiled.steps.count,
      layout: AddressSpace.Layout(
        statics: compiled.places.map { _ in 8 } + compiled.domains.map { _ in 8 * compiled.steps.count }),
      twins: compiled.twins)
  }

  deinit {
    for thread in steps { thread.deallocate() }
    for thread in registers + sources { thread.deallocate() }
    for thread in conditions { thread.deallocate() }
    sections.deallocate()
    depths.deallocate()
  }

  override func prepare() {
    for thread in registers + sources { thread.initialize(repeating: 0) }
    sections.initialize(repeating: 0)
    depths.initialize(repeating: 0)
    for (place, value) in compiled.initial.enumerated() {
      let bits = value.kind == .address ? UInt64(address(ofStatic: Int(value.value))) : value.value
      execution.writePlain(0, address(ofStatic: place), 8, bits)
    }
  }

  override func race(_ racer: Int) {
    LitmusThread(
      execution: execution, steps: steps[racer], registers: registers[racer], sources: sources[racer],
      conditions: conditions[racer], sections: sections, depths: depths, threads: threads,
      firstDomain: compiled.places.count
    ).run(racer)
  }

  override func name(of racer: Int) -> String { "thread \(racer)" }

  func outcome() -> LitmusOutcome {
    LitmusOutcome(
      registers: compiled.registers.indices.map { thread in
        Dictionary(
          uniqueKeysWithValues: zip(compiled.registers[thread], registers[thread]).map { ($0, outcomeValue($1)) })
      },
      places: Dictionary(
        uniqueKeysWithValues: compiled.places.enumerated().map { number, name in
          (name, outcomeValue(execution.readPlain(0, address(ofStatic: number), 8)))
        }), lookups)
  }

  private func outcomeValue(_ bits: UInt64) -> LitmusOutcome.Value {
    place(at: UInt(truncatingIfNeeded: bits)).map { .address($0) } ?? .number(bits)
  }

  private func place(at address: UInt) -> String? {
    let object = execution.space.staticObject(ofBlock: execution.space.block(of: address))
    return object.flatMap { $0 < compiled.places.count ? compiled.places[$0] : nil }
  }
}

extension LitmusProgram: TraceNames {
  func place(of address: UInt, slots: [UInt: (slot: Int, inode: Int)]) -> Counterexample.Place? {
    if let name = place(at: address) { return .named(name) }
    let block = execution.space.block(of: address)
    guard execution.space.staticObject(ofBlock: block) != nil else { return nil }
    return .sections(racer: Int(address - execution.space.blocks[block].address) / 8)
  }

  func value(_ value: UInt64) -> Counterexample.Value? {
    switch value {
    case UInt64(Lock.unlocked): .unlocked
    case UInt64(Lock.locked): .locked
    default: nil
    }
  }
}

/// Runs one thread's steps. Holds trivial values only.
struct LitmusThread {
  let execution: Execution
  let steps: UnsafeMutableBufferPointer<Step>
  let registers: UnsafeMutableBufferPointer<UInt64>
  let sources: UnsafeMutableBufferPointer<UInt64>
  let conditions: UnsafeMutableBufferPointer<Condition>
  let sections: UnsafeMutableBufferPointer<UInt64>
  let depths: UnsafeMutableBufferPointer<Int>
  let threads: Int
  let firstDomain: Int

  /// What the steps before number `join` depend on.
  struct Condition {
    let join: Int
    let reads: UInt64
  }

  func run(_ racer: Int) {
    var index = 0
    var open = 0
    while index < steps.count {
      let step = steps[index]
      while open > 0, conditions[open - 1].join <= index { open -= 1 }
      index += 1
      let address = UInt(truncatingIfNeeded: value(step.location))
      tellDependencies(of: step, racer, open: open)
      defer { noteSource(of: step, racer) }
      switch step.code {
      case .load: registers[step.register] = execution.load(racer, address, 8, step.ordering)
      case .store: execution.store(racer, address, 8, value(step.first), step.ordering)
      case .exchange, .add, .or, .and, .xor:
        registers[step.register] = execution.update(
          racer, address, 8, step.code.update, operand: value(step.first), step.ordering,
          failure: step.failure)
      case .compareExchange:
        registers[step.register] = execution.update(
          racer, address, 8, .compareExchange, expected: value(step.first), operand: value(step.second),
          step.ordering, failure: step.failure)
      case .compute: registers[step.register] = step.operation(value(step.first), value(step.second))
      case .fence: execution.fence(racer, step.ordering)
      case .read: registers[step.register] = execution.readPlain(racer, address, 8)
      case .write: execution.writePlain(racer, address, 8, value(step.first))
      case .skipUnless, .skipIf:
        let reads = sources[step.register] | source(of: step.first)
        if reads != 0 {
          conditions[open] = Condition(join: index + step.join, reads: reads)
          open += 1
        }
        let isEqual = registers[step.register] == value(step.first)
        if isEqual == (step.code == .skipIf) { index += step.distance }
      case .skip: index += step.distance
      case .pauseUnless:
        if registers[step.register] != step.first.value {
          execution.pause(racer)
          index -= step.distance
        }
      case .lock:
        _ = execution.lock(racer, address, 8, unlocked: UInt64(Lock.unlocked), locked: UInt64(Lock.locked))
      case .unlock: execution.store(racer, address, 8, UInt64(Lock.unlocked), .releases)
      case .beginSection: enter(step.domain, racer)
      case .endSection: leave(step.domain, racer)
      case .synchronize: execution.gracePeriod(racer, words: words(step.domain), count: threads)
      }
    }
  }

  // MARK: Dependencies

  private func tellDependencies(of step: Step, _ racer: Int, open: Int) {
    guard step.code.accesses else { return }
    var control: UInt64 = 0
    for condition in conditions[..<open] { control |= condition.reads }
    let written = step.code == .compareExchange ? step.second : step.first
    execution.state.pointee.racers[racer].dependencies = Dependencies(
      address: source(of: step.location), data: source(of: written), control: control)
  }

  private func noteSource(of step: Step, _ racer: Int) {
    if step.code == .compute {
      sources[step.register] = source(of: step.first) | source(of: step.second)
    } else if step.code.reads {
      sources[step.register] = Dependencies.bit(execution.state.pointee.racers[racer].lastRead)
    }
  }

  private func source(of operand: Step.Operand) -> UInt64 {
    operand.kind == .register ? sources[Int(operand.value)] : 0
  }

  // MARK: Sections

  private func enter(_ domain: Int, _ racer: Int) {
    let place = domain * threads + racer
    depths[place] += 1
    guard depths[place] == 1 else { return }
    sections[place] += 1
    execution.beginSection(racer, word: words(domain) + UInt(8 * racer), value: sections[place])
  }

  private func leave(_ domain: Int, _ racer: Int) {
    let place = domain * threads + racer
    depths[place] -= 1
    guard depths[place] == 0 else { return }
    sections[place] += 1
    execution.endSection(racer, word: words(domain) + UInt(8 * racer), value: sections[place])
  }

  private func words(_ domain: Int) -> UInt { execution.space.staticAddress(firstDomain + domain) }

  private func value(_ operand: Step.Operand) -> UInt64 {
    switch operand.kind {
    case .constant: operand.value
    case .register: registers[Int(operand.value)]
    case .address: UInt64(execution.space.staticAddress(Int(operand.value)))
    }
  }
}

extension Step.Code {
  fileprivate var isCondition: Bool { self == .skipUnless || self == .skipIf }

  /// Into a register.
  fileprivate var reads: Bool {
    switch self {
    case .load, .exchange, .add, .or, .and, .xor, .compareExchange, .read: true
    default: false
    }
  }
  /// As the program says, with operands.
  fileprivate var accesses: Bool { reads || self == .store || self == .write || self == .unlock }

  fileprivate var update: Event.ReadKind {
    switch self {
    case .add: .add
    case .or: .or
    case .and: .and
    case .xor: .xor
    default: .exchange
    }
  }
}
