import AddonMemory

/// One instruction, trivial.
struct Step {
  enum Code {
    case load, store, exchange, add, or, and, xor, compareExchange, compute, fence, read, write, skipUnless, skipIf,
      skip, pauseUnless, lock,
      unlock, beginSection, endSection, synchronize
  }
  /// A constant, a register or the address of a place.
  struct Operand {
    enum Kind { case constant, register, address }
    var kind = Kind.constant
    var value: UInt64 = 0
  }
  var code: Code
  /// What is accessed: an address, or a register that holds one.
  var location = Operand()
  var register = 0
  var first = Operand()
  var second = Operand()
  var ordering = EventOrdering.relaxed
  var failure = EventOrdering.relaxed
  var operation = LitmusTest.Operation.add
  /// Steps to skip, or to go back.
  var distance = 0
  /// Steps from a condition to where its two ways join.
  var join = 0
  /// Of sections and grace periods.
  var domain = 0
}

/// A test with names as numbers.
struct CompiledLitmus {
  var places: [String] = []
  var domains: [String] = []
  /// By thread.
  var registers: [[String]] = []
  var steps: [[Step]] = []
  /// By place.
  var initial: [Step.Operand] = []
  /// By thread: the one before it with the same instructions, or -1.
  var twins: [Int] = []
  /// What a graph cannot do.
  var unsupported: String?

  var initialOutcome: [String: LitmusOutcome.Value] {
    Dictionary(
      uniqueKeysWithValues: zip(places, initial).map { place, value in
        (place, value.kind == .address ? .address(places[Int(value.value)]) : .number(value.value))
      })
  }
}

/// Numbers places and registers, flattens conditions, and finds names that are most likely misspelt.
struct LitmusCompiler {
  private let test: LitmusTest
  private var result = CompiledLitmus()
  private var written: Set<String> = []
  private var read: Set<String> = []
  private var locks: Set<String> = []
  /// Of the thread at hand: registers that something has written.
  private var defined: Set<String> = []
  private var complaint: String?

  static func compile(_ test: LitmusTest) throws(LitmusTest.Invalid) -> CompiledLitmus {
    var compiler = LitmusCompiler(test: test)
    return try compiler.compile()
  }

  private init(test: LitmusTest) { self.test = test }

  private mutating func compile() throws(LitmusTest.Invalid) -> CompiledLitmus {
    for place in test.initial.keys.sorted() { _ = self.place(place) }
    for (number, thread) in test.threads.enumerated() {
      result.registers.append([])
      defined = []
      result.steps.append(thread.flatMap { compile($0) })
      if let complaint { throw LitmusTest.Invalid(description: "\(test.name), thread \(number): \(complaint)") }
      result.twins.append(number > 0 && thread == test.threads[number - 1] ? number - 1 : -1)
    }
    for value in test.initial.values { _ = operand(value) }
    complaint = nil
    let onlyRead = read.subtracting(written).subtracting(test.initial.keys).subtracting(locks)
    if let place = onlyRead.sorted().first {
      throw LitmusTest.Invalid(
        description:
          "\(test.name): place '\(place)' is read, and nothing writes it; name it under 'initial' if that is meant")
    }
    result.initial = try result.places.map { name throws(LitmusTest.Invalid) in try initial(name) }
    return result
  }

  private mutating func initial(_ name: String) throws(LitmusTest.Invalid) -> Step.Operand {
    switch test.initial[name] {
    case .constant(let value): return Step.Operand(kind: .constant, value: value)
    case .address(let other): return Step.Operand(kind: .address, value: UInt64(place(other)))
    case .register(let register):
      throw LitmusTest.Invalid(
        description: "\(test.name): place '\(name)' cannot have register '\(register)' as its initial value")
    case nil: return Step.Operand(kind: .constant, value: locks.contains(name) ? UInt64(Lock.unlocked) : 0)
    }
  }

  private mutating func compile(_ instruction: LitmusTest.Instruction) -> [Step] {
    var step: Step
    switch instruction {
    case .load(let location, let register, let ordering):
      step = Step(code: .load, location: self.read(location), register: define(register))
      step.ordering = EventOrdering(ordering)
    case .store(let location, let value, let ordering):
      step = Step(code: .store, location: write(location), first: operand(value))
      step.ordering = EventOrdering(ordering)
    case .exchange(let location, let value, let register, let ordering):
      step = Step(code: .exchange, location: write(location), first: operand(value))
      step.register = define(register)
      step.ordering = EventOrdering(ordering)
      step.failure = step.ordering
    case .fetchAdd(let location, let value, let register, let ordering):
      step = Step(code: .add, location: write(location), first: operand(value))
      step.register = define(register)
      step.ordering = EventOrdering(ordering)
      step.failure = step.ordering
    case .fetch(let bits, let location, let value, let register, let ordering):
      let code: Step.Code =
        switch bits {
        case .or: .or
        case .and: .and
        case .xor: .xor
        }
      step = Step(code: code, location: write(location), first: operand(value))
      step.register = define(register)
      step.ordering = EventOrdering(ordering)
      step.failure = step.ordering
    case .compute(let register, let a, let operation, let b):
      step = Step(code: .compute, first: operand(a), second: operand(b))
      step.register = define(register)
      step.operation = operation
    case .compareExchange(let location, let expected, let desired, let register, let ordering, let failure):
      step = Step(
        code: .compareExchange, location: write(location), first: operand(expected), second: operand(desired))
      step.register = define(register)
      step.ordering = EventOrdering(ordering)
      step.failure = EventOrdering(failure)
    case .addUnless(let location, let value, let unless, let register, let ordering):
      result.unsupported = "an addition that depends on what it finds"
      step = Step(code: .add, location: write(location), first: operand(value), second: operand(unless))
      step.register = define(register)
      step.ordering = EventOrdering(ordering)
    case .unreturned(let instruction): return compile(instruction)
    case .barrier(let barrier):
      guard let ordering = barrier.ordering else { return [] }
      step = Step(code: .fence, ordering: ordering)
    case .fence(let ordering): step = Step(code: .fence, ordering: EventOrdering(ordering))
    case .read(let location, let register):
      step = Step(code: .read, location: self.read(location), register: define(register))
    case .write(let location, let value): step = Step(code: .write, location: write(location), first: operand(value))
    case .when(let register, let value, let body, let otherwise):
      return branch(.skipUnless, register, value, body, otherwise)
    case .unless(let register, let value, let body, let otherwise):
      return branch(.skipIf, register, value, body, otherwise)
    case .await(let location, let value, let ordering):
      let register = define("await \(location)")
      var load = Step(code: .load, location: self.read(location), register: register)
      load.ordering = EventOrdering(ordering)
      step = Step(code: .pauseUnless, register: register)
      step.first.value = value
      step.distance = 2
      return [load, step]
    case .lock(let place):
      locks.insert(place)
      step = Step(code: .lock, location: write(.place(place)))
    case .unlock(let place):
      locks.insert(place)
      step = Step(code: .unlock, location: write(.place(place)))
    case .beginSection(let domain, let cookie):
      step = Step(code: .beginSection, domain: self.domain(domain))
      if let cookie { return [step, Step(code: .compute, register: define(cookie))] }
    case .endSection(let domain, _): step = Step(code: .endSection, domain: self.domain(domain))
    case .synchronize(let domain): step = Step(code: .synchronize, domain: self.domain(domain))
    }
    return [step]
  }

  private mutating func branch(
    _ code: Step.Code, _ register: String, _ value: LitmusTest.Value, _ body: [LitmusTest.Instruction],
    _ otherwise: [LitmusTest.Instruction]
  ) -> [Step] {
    var condition = Step(code: code, register: use(register))
    condition.first = operand(value)
    let before = defined
    let steps = body.flatMap { compile($0) }
    let after = defined
    defined = before
    var others = otherwise.flatMap { compile($0) }
    // What either way writes may be asked about.
    defined.formUnion(after)
    if !others.isEmpty { others.insert(Step(code: .skip, distance: others.count), at: 0) }
    condition.distance = steps.count + (others.isEmpty ? 0 : 1)
    condition.join = steps.count + others.count
    return [condition] + steps + others
  }

  // MARK: Names

  private mutating func place(_ name: String) -> Int {
    if let index = result.places.firstIndex(of: name) { return index }
    result.places.append(name)
    return result.places.count - 1
  }

  private mutating func domain(_ name: String) -> Int {
    if let index = result.domains.firstIndex(of: name) { return index }
    result.domains.append(name)
    return result.domains.count - 1
  }

  private mutating func location(_ location: LitmusTest.Location) -> Step.Operand {
    switch location {
    case .place(let name): Step.Operand(kind: .address, value: UInt64(place(name)))
    case .through(let register): Step.Operand(kind: .register, value: UInt64(use(register)))
    }
  }

  private mutating func read(_ location: LitmusTest.Location) -> Step.Operand {
    if case .place(let name) = location { read.insert(name) }
    return self.location(location)
  }

  private mutating func write(_ location: LitmusTest.Location) -> Step.Operand {
    if case .place(let name) = location { written.insert(name) }
    return self.location(location)
  }

  private mutating func define(_ name: String) -> Int {
    defined.insert(name)
    return register(name)
  }

  private mutating func use(_ name: String) -> Int {
    if !defined.contains(name) {
      complaint =
        "register '\(name)' is used, and nothing has written it; written so far: "
        + (defined.isEmpty ? "none" : defined.sorted().joined(separator: ", "))
    }
    return register(name)
  }

  private mutating func register(_ name: String) -> Int {
    let thread = result.registers.count - 1
    if let index = result.registers[thread].firstIndex(of: name) { return index }
    result.registers[thread].append(name)
    return result.registers[thread].count - 1
  }

  private mutating func operand(_ value: LitmusTest.Value) -> Step.Operand {
    switch value {
    case .constant(let value): return Step.Operand(kind: .constant, value: value)
    case .register(let name): return Step.Operand(kind: .register, value: UInt64(use(name)))
    case .address(let name):
      // Whoever has the address may write there.
      written.insert(name)
      return Step.Operand(kind: .address, value: UInt64(place(name)))
    }
  }
}

extension LitmusTest.Barrier {
  fileprivate var ordering: EventOrdering? {
    switch self {
    case .read: [.acquires, .isReadBarrier]
    case .write: [.releases, .isWriteBarrier]
    case .beforeAtomic, .afterAtomic, .afterSpinlock, .afterUnlockLock, .afterSleepableUnlock:
      EventOrdering(FenceOrdering.sequentiallyConsistent)
    case .compiler: nil
    }
  }
}
