import RaceModel

// MARK: Locks and waiting

extension Execution {
  /// Takes a lock: waits while it holds `locked`. Answers what it found: `unlocked`, or something that is no lock's.
  package func lock(_ racer: Int, _ address: UInt, _ size: Int, unlocked: UInt64, locked: UInt64) -> UInt64 {
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    if !state.pointee.isQuiescent, space.contains(address, size),
      let location = space.location(at: address, size: size)
    {
      racers[racer].wantedLock = location
      racers[racer].lockedValue = locked
      racers[racer].initialLockValue = space.read(address, size)
    }
    let found = update(
      racer, address, size, .lockAttempt, expected: unlocked, operand: locked, .acquires, failure: .relaxed)
    if !state.pointee.isQuiescent { racers[racer].wantedLock = -1 }
    return found
  }

  /// The racer is in a loop that waits for a change of what it has read since its last pause.
  package func pause(_ racer: Int) {
    if state.pointee.isQuiescent { return }
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    defer { racers[racer].hasWrittenSincePause = false }
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    let hasRead = racers[racer].done > racers[racer].doneAtPause
    racers[racer].doneAtPause = racers[racer].done
    guard hasRead, !racers[racer].hasWrittenSincePause, racers[racer].cursor < 0 else { return }
    wait(racer)
  }

  /// After a run that ended blocked: the racers that wait for something that no racer will do. Empty if one of them
  /// only missed the change that it waits for, which makes the run no execution at all.
  package func stuckRacers() -> [Int] {
    var stuck: [Int] = []
    for racer in 0..<state.pointee.racerCount where racers[racer].phase == .waiting {
      var id = graph.pointee.last[racer]
      while id >= 0, graph.pointee.events[Int(id)].kind != .read { id = graph.pointee.events[Int(id)].poPrevious }
      guard id >= 0 else { continue }
      let read = graph.pointee.events[Int(id)]
      if read.readsFrom != graph.pointee.lastWrite(read.location) { return [] }
      stuck.append(racer)
    }
    return stuck
  }
}
