import AddonMemory

/// One way through a thread: its events, with the values that its reads got, and what its registers hold then.
struct ThreadRun {
  var events: [KernelEvent] = []
  var registers: [String: UInt64] = [:]
}

/// All ways through one thread, whatever its reads get of the values that their places may hold. Dependencies are by syntax: a
/// register depends on the reads that went into it, and what stands in a branch on those of its condition, up to where the
/// two ways join.
struct ThreadRuns {
  /// Why a test cannot be enumerated.
  struct TooLarge: Error { let reason: String }

  private struct Frame {
    var instructions: [LitmusTest.Instruction]
    var next = 0
    var control: EventSet
  }
  private struct Register {
    var value: UInt64
    var reads: EventSet
    /// Where it is a cookie: the event that began the section.
    var section: Int?
  }
  private struct State {
    var run = ThreadRun()
    var frames: [Frame]
    var registers: [String: Register] = [:]

    func operand(_ value: LitmusTest.Value, _ places: PlaceNumbers) -> Register {
      switch value {
      case .constant(let number): Register(value: number, reads: 0)
      case .register(let name): registers[name] ?? Register(value: 0, reads: 0)
      case .address(let place): Register(value: places.address(place), reads: 0)
      }
    }
  }

  let thread: Int
  let places: PlaceNumbers
  /// By place: what it may hold.
  let values: [[UInt64]]
  private(set) var runs: [ThreadRun] = []
  /// What is written on any way, those included that end where an address is read that no place has yet.
  private(set) var written: Set<Written> = []
  struct Written: Hashable {
    var place: Int
    var value: UInt64
  }
  private static let mostRuns = 4096

  init(
    _ instructions: [LitmusTest.Instruction], thread: Int, _ places: PlaceNumbers, _ values: [[UInt64]]
  ) throws(TooLarge) {
    self.thread = thread
    self.places = places
    self.values = values
    try go(State(frames: [Frame(instructions: instructions, control: 0)]))
  }

  private mutating func go(_ start: State) throws(TooLarge) {
    var state = start
    while let frame = state.frames.last {
      guard frame.next < frame.instructions.count else {
        state.frames.removeLast()
        continue
      }
      state.frames[state.frames.count - 1].next += 1
      guard try perform(frame.instructions[frame.next], frame.control, &state) else { return noteWritten(state.run) }
    }
    noteWritten(state.run)
    state.run.registers = state.registers.mapValues(\.value)
    runs.append(state.run)
    if runs.count > Self.mostRuns { throw TooLarge(reason: "a thread has more than \(Self.mostRuns) ways through it") }
  }

  private mutating func noteWritten(_ run: ThreadRun) {
    for event in run.events where event.kind == .write {
      written.insert(Written(place: event.location, value: event.value))
    }
  }

  /// Answers whether this way goes on here: where a read may get several values, there is a way for each.
  private mutating func perform(
    _ instruction: LitmusTest.Instruction, _ control: EventSet, _ state: inout State
  ) throws(TooLarge) -> Bool {
    switch instruction {
    case .load(let location, let register, let ordering):
      let tags: KernelEvent.Tags = ordering == .acquiring || ordering == .sequentiallyConsistent ? .acquire : .once
      try read(location, register, tags, control, state)
      return false
    case .read(let location, let register):
      try read(location, register, [], control, state)
      return false
    case .store(let location, let value, let ordering):
      return write(location, operand(value, state), ordering == .relaxed ? .once : .release, control, &state)
    case .write(let location, let value): return write(location, operand(value, state), [], control, &state)
    case .exchange(let location, let value, let register, let ordering):
      try update(location, register, ordering, control, state) { [places] in $1.operand(value, places) }
      return false
    case .fetchAdd(let location, let value, let register, let ordering):
      try fetch(.add, location, value, register, ordering, control, state)
      return false
    case .fetch(let bits, let location, let value, let register, let ordering):
      try fetch(LitmusTest.Operation(bits), location, value, register, ordering, control, state)
      return false
    case .compareExchange(let location, let expected, let desired, let register, let ordering, _):
      try update(location, register, ordering, control, state, takesLock: desired == .locked) { [places] found, state in
        found.value == state.operand(expected, places).value ? state.operand(desired, places) : nil
      }
      return false
    case .addUnless(let location, let value, let unless, let register, let ordering):
      try update(location, register, ordering, control, state) { [places] found, state in
        let (value, unless) = (state.operand(value, places), state.operand(unless, places))
        return found.value == unless.value
          ? nil : Register(value: found.value &+ value.value, reads: found.reads | value.reads)
      }
      return false
    case .unreturned(let update): return try unreturned(update, control, state)
    case .fence: fence(.fullBarrier, control, &state)
    case .barrier(let barrier): fence(barrier.tags, control, &state)
    case .compute(let register, let a, let operation, let b):
      let (a, b) = (operand(a, state), operand(b, state))
      state.registers[register] = Register(
        value: operation(a.value, b.value), reads: a.reads | b.reads, section: a.section ?? b.section)
    case .when(let register, let value, let body, let otherwise):
      branch(register, value, equal: body, otherwise, control, &state)
    case .unless(let register, let value, let body, let otherwise):
      branch(register, value, equal: otherwise, body, control, &state)
    case .lock(let place):
      try update(.place(place), nil, .acquiring, control, state, takesLock: true, waits: true) { found, _ in
        found.value == UInt64(Lock.unlocked) ? Register(value: UInt64(Lock.locked), reads: 0) : nil
      }
      return false
    case .unlock(let place):
      return write(
        .place(place), Register(value: UInt64(Lock.unlocked), reads: 0), [.release, .unlock], control, &state)
    case .beginSection(let domain, let cookie):
      if let cookie { state.registers[cookie] = Register(value: 0, reads: 0, section: state.run.events.count) }
      section(domain, .rcuLock, .srcuLock, control, &state)
    case .endSection(let domain, let cookie):
      section(domain, .rcuUnlock, .srcuUnlock, control, &state)
      if let cookie {
        let cookie = operand(cookie, state)
        state.run.events[state.run.events.count - 1].section = cookie.section
        state.run.events[state.run.events.count - 1].data = cookie.reads
      }
    case .synchronize(let domain): section(domain, .rcuGracePeriod, .srcuGracePeriod, control, &state)
    case .await: throw TooLarge(reason: "it waits")
    }
    return true
  }

  private mutating func branch(
    _ register: String, _ value: LitmusTest.Value, equal: [LitmusTest.Instruction], _ other: [LitmusTest.Instruction],
    _ control: EventSet, _ state: inout State
  ) {
    let (a, b) = (state.registers[register] ?? Register(value: 0, reads: 0), operand(value, state))
    state.frames.append(
      Frame(instructions: a.value == b.value ? equal : other, control: control | a.reads | b.reads))
  }

  private func operand(_ value: LitmusTest.Value, _ state: State) -> Register { state.operand(value, places) }

  /// The place, and the reads that its address depends on. Nil where a register holds none.
  private func place(_ location: LitmusTest.Location, _ state: State) -> (number: Int, reads: EventSet)? {
    switch location {
    case .place(let name): return (places.number(name), 0)
    case .through(let name):
      let register = state.registers[name] ?? Register(value: 0, reads: 0)
      return places.number(at: register.value).map { ($0, register.reads) }
    }
  }

  private mutating func read(
    _ location: LitmusTest.Location, _ register: String, _ tags: KernelEvent.Tags, _ control: EventSet,
    _ state: State
  ) throws(TooLarge) {
    guard let (place, address) = place(location, state) else { return }
    for value in values[place] {
      var state = state
      let number = state.run.events.count
      state.run.events.append(
        KernelEvent(
          kind: .read, tags: tags, thread: thread, location: place, value: value, address: address, control: control))
      state.registers[register] = Register(value: value, reads: 1 << EventSet(number))
      try go(state)
    }
  }

  private func write(
    _ location: LitmusTest.Location, _ value: Register, _ tags: KernelEvent.Tags, _ control: EventSet,
    _ state: inout State
  ) -> Bool {
    guard let (place, address) = place(location, state) else { return false }
    state.run.events.append(
      KernelEvent(
        kind: .write, tags: tags, thread: thread, location: place, value: value.value, address: address,
        data: value.reads, control: control, section: value.section))
    return true
  }

  private mutating func fetch(
    _ operation: LitmusTest.Operation, _ location: LitmusTest.Location, _ value: LitmusTest.Value,
    _ register: String, _ ordering: UpdateOrdering, _ control: EventSet, _ state: State, noReturn: Bool = false
  ) throws(TooLarge) {
    try update(location, register, ordering, control, state, noReturn: noReturn) { [places] found, state in
      let operand = state.operand(value, places)
      return Register(value: operation(found.value, operand.value), reads: found.reads | operand.reads)
    }
  }

  private mutating func unreturned(
    _ instruction: LitmusTest.Instruction, _ control: EventSet, _ state: State
  ) throws(TooLarge) -> Bool {
    switch instruction {
    case .fetchAdd(let location, let value, let register, let ordering):
      try fetch(.add, location, value, register, ordering, control, state, noReturn: true)
    case .fetch(let bits, let location, let value, let register, let ordering):
      try fetch(LitmusTest.Operation(bits), location, value, register, ordering, control, state, noReturn: true)
    default: throw TooLarge(reason: "an update without a result is of a kind that is not known")
    }
    return false
  }

  /// `written` answers what is written for what was found; nil is an update that fails, and then a read and nothing else. A
  /// full one that does not fail stands between two full barriers.
  private mutating func update(
    _ location: LitmusTest.Location, _ register: String?, _ ordering: UpdateOrdering, _ control: EventSet,
    _ state: State, noReturn: Bool = false,
    takesLock: Bool = false, waits: Bool = false,
    written: (Register, State) -> Register?
  ) throws(TooLarge) {
    guard let (place, address) = place(location, state) else { return }
    let isFull = ordering == .full || ordering == .sequentiallyConsistent
    for value in values[place] {
      var state = state
      let found = Register(value: value, reads: 0)
      let fails = written(found, state) == nil
      if fails, waits { continue }  // for another value
      if isFull, !fails { fence(.fullBarrier, control, &state) }
      let number = state.run.events.count
      let acquires = ordering == .acquiring || ordering == .acquiringAndReleasing
      let releases = ordering == .releasing || ordering == .acquiringAndReleasing
      var tags: KernelEvent.Tags = noReturn ? .noReturn : acquires && !fails ? .acquire : .once
      // One that fails is a load, next to which smp_mb__after_atomic() counts all the same; not so a lock that is not got.
      if takesLock, !fails { tags.formUnion([.update, .lockRead]) }
      if !takesLock { tags.insert(.update) }
      state.run.events.append(
        KernelEvent(
          kind: .read, tags: tags, thread: thread, location: place, value: value, address: address,
          control: control))
      let got = Register(value: value, reads: 1 << EventSet(number))
      if let new = written(got, state) {
        var tags: KernelEvent.Tags = releases ? .release : .once
        tags.formUnion(takesLock ? [.update, .lockWrite] : .update)
        state.run.events.append(
          KernelEvent(
            kind: .write, tags: tags, thread: thread, location: place,
            value: new.value, address: address, data: new.reads, control: control, partner: number))
        if isFull { fence(.fullBarrier, control, &state) }
      }
      if let register { state.registers[register] = got }
      try go(state)
    }
  }

  private func fence(_ tags: KernelEvent.Tags, _ control: EventSet, _ state: inout State) {
    state.run.events.append(KernelEvent(kind: .fence, tags: tags, thread: thread, control: control))
  }

  private func section(
    _ domain: String, _ rcu: KernelEvent.Tags, _ sleepable: KernelEvent.Tags, _ control: EventSet,
    _ state: inout State
  ) {
    fence(domain == "rcu" ? rcu : sleepable, control, &state)
    if domain != "rcu" { state.run.events[state.run.events.count - 1].location = places.number(domain) }
  }
}

extension LitmusTest.Operation {
  fileprivate init(_ bits: LitmusTest.Bits) {
    switch bits {
    case .or: self = .or
    case .and: self = .and
    case .xor: self = .xor
    }
  }
}

extension LitmusTest.Barrier {
  fileprivate var tags: KernelEvent.Tags {
    switch self {
    case .read: .readBarrier
    case .write: .writeBarrier
    case .beforeAtomic: .beforeAtomic
    case .afterAtomic: .afterAtomic
    case .afterSpinlock: .afterSpinlock
    case .afterUnlockLock: .afterUnlockLock
    case .afterSleepableUnlock: .afterSleepableUnlock
    case .compiler: .compilerBarrier
    }
  }
}

/// Places by number, and addresses that no number of a test is likely to be.
struct PlaceNumbers {
  let names: [String]
  private let numbers: [String: Int]
  private static let firstAddress: UInt64 = 0x7ace_0000_0000_0000

  init(_ names: [String]) {
    self.names = names
    numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
  }

  func number(_ name: String) -> Int { numbers[name] ?? 0 }
  func address(_ name: String) -> UInt64 { Self.firstAddress + UInt64(number(name)) * 8 }
  func number(at address: UInt64) -> Int? {
    guard address >= Self.firstAddress, (address - Self.firstAddress) % 8 == 0 else { return nil }
    let number = Int((address - Self.firstAddress) / 8)
    return names.indices.contains(number) ? number : nil
  }
  func outcome(_ value: UInt64) -> LitmusOutcome.Value {
    number(at: value).map { .address(names[$0]) } ?? .number(value)
  }
}

extension [LitmusTest.Instruction] {
  /// Constants that are written or computed with.
  var constants: Set<UInt64> {
    reduce(into: []) { constants, instruction in
      func note(_ values: LitmusTest.Value...) {
        for case .constant(let number) in values { constants.insert(number) }
      }
      switch instruction {
      case .store(_, let value, _), .write(_, let value), .exchange(_, let value, _, _), .fetchAdd(_, let value, _, _),
        .fetch(_, _, let value, _, _):
        note(value)
      case .compareExchange(_, let a, let b, _, _, _), .addUnless(_, let a, let b, _, _), .compute(_, let a, _, let b):
        note(a, b)
      case .unreturned(let update): constants.formUnion([update].constants)
      case .when(_, let value, let body, let otherwise), .unless(_, let value, let body, let otherwise):
        note(value)
        constants.formUnion(body.constants.union(otherwise.constants))
      default: break
      }
    }
  }

  /// Whether what is written depends on a register somewhere.
  var writesRegisters: Bool {
    contains { instruction in
      switch instruction {
      case .store(_, .register, _), .write(_, .register), .exchange(_, .register, _, _): true
      case .when(_, _, let body, let otherwise), .unless(_, _, let body, let otherwise):
        body.writesRegisters || otherwise.writesRegisters
      default: false
      }
    }
  }

  /// Writes on the way through them that has most.
  var mostWrites: Int {
    reduce(0) { sum, instruction in
      switch instruction {
      case .store, .write, .exchange, .fetchAdd, .fetch, .compareExchange, .addUnless, .unreturned, .lock, .unlock:
        sum + 1
      case .when(_, _, let body, let otherwise), .unless(_, _, let body, let otherwise):
        sum + Swift.max(body.mostWrites, otherwise.mostWrites)
      default: sum
      }
    }
  }
}

extension LitmusTest.Value {
  fileprivate static let locked = constant(UInt64(Lock.locked))
}
