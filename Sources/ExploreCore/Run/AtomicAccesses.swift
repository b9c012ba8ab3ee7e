// MARK: Atomic operations

extension Execution {
  package func load(_ racer: Int, _ address: UInt, _ size: Int, _ ordering: EventOrdering) -> UInt64 {
    if state.pointee.isQuiescent { return readDirectly(address, size) }
    var event = Event(.read, racer: racer, ordering: ordering)
    return read(racer, address, size, &event)
  }

  package func store(
    _ racer: Int, _ address: UInt, _ size: Int, _ value: UInt64, _ ordering: EventOrdering,
    role: Event.Role = .ordinary
  ) {
    racers[racer].changes += 1
    if state.pointee.isQuiescent { return writeDirectly(address, size, value) }
    let replayed = takeTurn(racer)
    defer { racers[racer].dependencies = Dependencies() }
    recall(racer, replayed)
    guard let location = access(racer, address, size, isWrite: true, ordering) else { return }
    if replayed >= 0 {
      guard isSame(replayed, .write, location) else { return diverge(racer, replayed, .write, address) }
      learnDependencies(racer, of: replayed)
      pass(racer, replayed, isReplay: true)
    } else {
      var event = Event(.write, racer: racer, ordering: ordering)
      event.location = location
      event.size = UInt8(size)
      event.value = value & event.mask
      event.role = role
      event.dependencies = racers[racer].dependencies
      state.pointee.labels?.need(racer)
      let place = state.pointee.guide?.place(racer, Int(racers[racer].done))
      let id =
        place.map { state.pointee.branch.pointee.addWrite(event, place: $0) }
        ?? state.pointee.branch.pointee.addWrite(event)
      pass(racer, Int32(id), isReplay: false)
    }
    checkMixed(racer, location)
    record(racer, .store(role), address, size, value, ordering, racers[racer].last)
  }

  /// An atomic read-modify-write operation. Answers the value that it read.
  package func update(
    _ racer: Int, _ address: UInt, _ size: Int, _ kind: Event.ReadKind, expected: UInt64 = 0, operand: UInt64,
    _ success: EventOrdering, failure: EventOrdering
  ) -> UInt64 {
    var event = Event(.read, racer: racer, ordering: failure)
    event.readKind = kind
    event.expected = expected
    event.operand = operand
    event.successOrdering = success
    event.failureOrdering = failure
    if state.pointee.isQuiescent {
      let value = readDirectly(address, size)
      event.size = UInt8(size)
      if let written = event.written(after: value) {
        if written != value { racers[racer].changes += 1 }
        writeDirectly(address, size, written)
      }
      return value
    }
    return read(racer, address, size, &event)
  }

  private func read(_ racer: Int, _ address: UInt, _ size: Int, _ event: inout Event) -> UInt64 {
    let replayed = takeTurn(racer)
    defer { racers[racer].dependencies = Dependencies() }
    recall(racer, replayed)
    guard
      let location = access(
        racer, address, size, isWrite: event.readKind.isRMW, event.ordering)
    else { return 0 }
    let id: Int32
    var promised: UInt64?
    if replayed >= 0 {
      guard isSame(replayed, .read, location) else {
        diverge(racer, replayed, .read, address)
        return 0
      }
      learnDependencies(racer, of: replayed)
      id = replayed
    } else {
      event.location = location
      event.size = UInt8(size)
      event.initial = state.pointee.space.read(address, size)
      event.dependencies = racers[racer].dependencies
      state.pointee.labels?.need(racer)
      if let guide = state.pointee.guide {
        let source = guide.source(racer, Int(racers[racer].done))
        promised = guide.promise(racer, Int(racers[racer].done))
        id = Int32(state.pointee.branch.pointee.addRead(event, source: source))
      } else {
        id = Int32(state.pointee.branch.pointee.addRead(event))
      }
    }
    pass(racer, id, isReplay: replayed >= 0)
    let read = graph.pointee.events + Int(id)
    let value = read.pointee.value
    racers[racer].lastRead = read.pointee.index
    if state.pointee.labels != nil { _ = label(racer, read: read.pointee.index) }
    if read.pointee.isSuccessfulRMW {
      let write = read.pointee.poNext
      if graph.pointee.events[Int(write)].value != value { racers[racer].changes += 1 }
      pass(racer, write, isReplay: replayed >= 0)
    }
    checkMixed(racer, location)
    if read.pointee.readsFrom < 0 { checkInitialised(racer, address, size) }
    if state.pointee.trace != nil { recordRead(racer, address, size, read.pointee, id) }
    if read.pointee.isWaiting { wait(racer) }
    return promised ?? value
  }

  /// What an event that is on the graph is known to depend on.
  @inline(__always) private func recall(_ racer: Int, _ replayed: Int32) {
    guard replayed >= 0, state.pointee.labels != nil else { return }
    racers[racer].dependencies.formUnion(graph.pointee.events[Int(replayed)].dependencies)
  }

  /// Of an event that is on the graph: what only this run has labels for.
  @inline(__always) private func learnDependencies(_ racer: Int, of id: Int32) {
    guard let labels = state.pointee.labels, labels.window > 0 else { return }
    graph.pointee.learn(Int(id), racers[racer].dependencies)
  }

  package func fence(_ racer: Int, _ ordering: EventOrdering, role: Event.Role = .ordinary) {
    if state.pointee.isQuiescent { return }
    let replayed = takeTurn(racer)
    if replayed >= 0 {
      guard isSame(replayed, .fence, -1) else { return diverge(racer, replayed, .fence, 0) }
      pass(racer, replayed, isReplay: true)
    } else {
      var event = Event(.fence, racer: racer, ordering: ordering)
      event.role = role
      pass(racer, Int32(state.pointee.branch.pointee.addFence(event)), isReplay: false)
    }
    record(racer, .fence(role), 0, 0, 0, ordering)
  }

  /// Goes one way or the other: true for the other one, as long as the limit for such choices allows it.
  package func choose(_ racer: Int, _ kind: Event.Choice) -> Bool {
    let limit = kind == .allocation ? state.pointee.mostFailures : state.pointee.mostSpuriousFailures
    if state.pointee.isQuiescent || limit == 0 { return false }
    if kind == .allocation, let failing = state.pointee.failingRacer, failing != racer { return false }
    let taken = kind == .allocation ? graph.pointee.failures : graph.pointee.spuriousFailures
    guard let outcome = choose(racer, kind, outcomes: taken < limit ? 2 : 1) else { return false }
    if outcome != 0 { record(racer, kind == .allocation ? .refusal : .spuriousFailure, 0, 0, 0, .relaxed) }
    return outcome != 0
  }

  /// One of so many outcomes that the program asks for.
  package func choose(_ racer: Int, among outcomes: Int) -> Int {
    if state.pointee.isQuiescent { return 0 }
    return Int(choose(racer, .program, outcomes: outcomes) ?? 0)
  }

  private func choose(_ racer: Int, _ kind: Event.Choice, outcomes: Int) -> UInt64? {
    let replayed = takeTurn(racer)
    let id: Int32
    if replayed >= 0 {
      guard isSame(replayed, .choice, -1) else {
        diverge(racer, replayed, .choice, 0)
        return nil
      }
      id = replayed
    } else {
      var event = Event(.choice, racer: racer, ordering: .relaxed)
      event.choice = kind
      event.value = state.pointee.guide?.outcome(racer, Int(racers[racer].done)) ?? 0
      id = Int32(state.pointee.branch.pointee.addChoice(event, outcomes: outcomes))
    }
    pass(racer, id, isReplay: replayed >= 0)
    return graph.pointee.events[Int(id)].value
  }

  /// The racer comes to something else than the graph has. Does not return to it.
  func diverge(_ racer: Int, _ replayed: Int32, _ now: Divergence.Step, _ address: UInt) {
    noteDivergence(racer, replayed, now, address)
    stop(racer, .diverged)
  }

  func noteDivergence(_ racer: Int, _ replayed: Int32, _ now: Divergence.Step, _ address: UInt) {
    guard state.pointee.guide == nil, state.pointee.divergence == nil else { return }
    let before = graph.pointee.events[Int(replayed)]
    let step: Divergence.Step =
      switch before.kind {
      case .read: .read
      case .write: .write
      case .fence: .fence
      case .choice: .choice
      }
    state.pointee.divergence = Divergence(
      racer: racer, number: Int(racers[racer].done), before: step, now: now,
      addressBefore: space.address(of: before.location), address: address, pc: state.pointee.pc)
  }

  private func isSame(_ id: Int32, _ kind: Event.Kind, _ location: Int32) -> Bool {
    let event = graph.pointee.events[Int(id)]
    return event.kind == kind && event.location == location
  }
}
