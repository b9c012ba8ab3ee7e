import AddonMemory
import RaceModel

// MARK: Locks and waiting

extension Execution {
  /// Takes a lock: waits while it holds `locked`. Answers what it found: `unlocked`, or something that is no lock's.
  package func lock(_ racer: Int, _ address: UInt, _ size: Int, unlocked: UInt64, locked: UInt64) -> UInt64 {
    take(racer, address, size, .lockAttempt, expected: unlocked, operand: locked)
  }

  /// Takes a readers-writer lock alone, or a share of it; `unlocked` is its word while nobody holds it. Answers what it found.
  package func lock(_ racer: Int, _ address: UInt, unlocked: UInt64, shared: Bool) -> UInt64 {
    shared
      ? take(racer, address, 4, .shareAttempt, expected: unlocked, operand: 1)
      : take(
        racer, address, 4, .aloneAttempt, expected: unlocked, operand: unlocked | UInt64(ReadersWriterLock.writer))
  }

  private func take(
    _ racer: Int, _ address: UInt, _ size: Int, _ kind: Event.ReadKind, expected: UInt64, operand: UInt64
  ) -> UInt64 {
    settle(racer)
    if !state.pointee.isQuiescent, space.contains(address, size) {
      var attempt = Event(.read, racer: racer, ordering: .acquires)
      attempt.readKind = kind
      attempt.expected = expected
      attempt.operand = operand
      racers[racer].wantedLock = space.location(at: address, size: size) ?? -1
      racers[racer].attempt = attempt
      racers[racer].initialLockValue = space.read(address, size)
    }
    let found = update(racer, address, size, kind, expected: expected, operand: operand, .acquires, failure: .relaxed)
    if !state.pointee.isQuiescent { racers[racer].wantedLock = -1 }
    return found
  }

  /// Whether the racer's last event is a compare-exchange from 0 that lost, at a word.
  package func isLostLock(_ racer: Int, _ address: UInt, _ size: Int) -> Bool {
    let last = racers[racer].last
    guard !state.pointee.isQuiescent, last >= 0, let location = space.location(at: address, size: size) else {
      return false
    }
    let event = graph.pointee.events[Int(last)]
    return event.kind == .read && event.readKind == .compareExchange && event.location == location
      && event.expected == 0 && event.value == event.operand
  }

  /// The racer's last event, a compare-exchange that lost, becomes the attempt to take a lock that another holds.
  package func waitForLostLock(_ racer: Int) {
    let event = graph.pointee.events + Int(racers[racer].last)
    event.pointee.readKind = .lockAttempt
    event.pointee.isWaiting = true
    wait(racer)
  }

  /// Reads a word, acquiring, and waits as long as its bits in `mask` are `value`.
  package func await(_ racer: Int, _ address: UInt, _ size: Int, mask: UInt64, value: UInt64) -> UInt64 {
    update(racer, address, size, .await, expected: value, operand: mask, .acquires, failure: .acquires)
  }

  /// The racer is in a loop that waits for a change of what it has read since its last pause.
  package func pause(_ racer: Int) {
    if state.pointee.isQuiescent { return }
    settle(racer)
    defer { racers[racer].changesAtPause = racers[racer].changes }
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    let start = racers[racer].doneAtPause
    racers[racer].doneAtPause = racers[racer].done
    guard racers[racer].done > start, racers[racer].changes == racers[racer].changesAtPause else { return }
    waitIdle(racer, since: start)
  }

  /// The racer has come through a turn of a loop, from its event number `start` on, that changed nothing: it is where it
  /// was. So the graph is that of an execution without the turn, and this one ends here: the racer waits for a change of
  /// what it has read.
  package func waitIdle(_ racer: Int, since start: Int32) {
    guard racers[racer].cursor < 0 else { return }
    racers[racer].idleSince = start
    state.pointee.labels?.noteIdle(racer, at: racers[racer].done, since: start)
    wait(racer)
  }

  /// The same, where an earlier run of the execution has found out that the racer is idle here.
  @inline(__always) package func waitIdleAgain(_ racer: Int) {
    guard let labels = state.pointee.labels, labels.window > 0,
      let start = labels.idleSince(racer, at: racers[racer].done)
    else { return }
    waitIdle(racer, since: start)
  }

  /// The racer's program says that it is in no execution from here on: it waits, and what others do may still give what it
  /// has read another source.
  package func giveUp(_ racer: Int) {
    if state.pointee.isQuiescent { stop(racer, .abandoned) }
    racers[racer].hasGivenUp = true
    wait(racer)
  }

  /// After a run that ended blocked: the racers that wait for something that no racer will do. Empty if one of them
  /// only missed the change that it waits for, which makes the run no execution at all.
  package func stuckRacers() -> [Int] {
    var stuck: [Int] = []
    for racer in 0..<state.pointee.racerCount {
      switch racers[racer].phase {
      case .joining: stuck.append(racer)
      case .waiting where racers[racer].hasGivenUp: return []
      case .waiting:
        guard let isStuck = seesLatest(racer) else { continue }
        if !isStuck { return [] }
        stuck.append(racer)
      case .unborn, .unstarted, .ready, .finished: break
      }
    }
    return stuck
  }

  /// Whether all that a waiting racer read, in the turn of its loop that changed nothing, is still what is there. Nil where
  /// it has read nothing.
  private func seesLatest(_ racer: Int) -> Bool? {
    var id = graph.pointee.last[racer]
    while id >= 0, graph.pointee.events[Int(id)].kind != .read { id = graph.pointee.events[Int(id)].poPrevious }
    guard id >= 0 else { return nil }
    let start = graph.pointee.events[Int(id)].isWaiting ? graph.pointee.events[Int(id)].index : racers[racer].idleSince
    while id >= 0, graph.pointee.events[Int(id)].index >= start {
      let event = graph.pointee.events[Int(id)]
      if event.kind == .read, !graph.pointee.isUnchanged(since: event.readsFrom, at: event.location) { return false }
      id = event.poPrevious
    }
    return true
  }
}

extension ExecutionGraph {
  /// Whether a location holds what a write has written, to this day: it is the last write, or only updates that wrote what
  /// they had read came after it.
  func isUnchanged(since write: Int32, at location: Int32) -> Bool {
    var latest = lastWrite(location)
    while latest != write {
      guard latest >= 0 else { return false }
      let event = events[Int(latest)]
      guard event.isSuccessfulRMW, events[Int(event.poPrevious)].value == event.value else { return false }
      latest = event.coPrevious
    }
    return true
  }
}
