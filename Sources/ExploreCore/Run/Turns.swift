import CFibers
import RaceModel

// MARK: Turns

extension Execution {
  /// Runs all racers. Their bodies were set with the fibers.
  package func run() {
    let graph = graph
    let startsAlone = state.pointee.startsAlone
    state.pointee.unreplayed = Int32(graph.pointee.count)
    state.pointee.isQuiescent = startsAlone
    state.pointee.isRunning = true
    state.pointee.holdsFinalValues = false
    state.pointee.end = .complete
    for racer in 0..<state.pointee.racerCount {
      racers[racer] = RacerProgress()
      racers[racer].cursor = graph.pointee.first[racer]
      if startsAlone, racer > 0 { racers[racer].phase = .unborn }
      cfiber_restart(state.pointee.fibers + racer)
    }
    let next = startsAlone ? 0 : nextRacer()
    if next >= 0 {
      state.pointee.current = next
      cfiber_resume(root, state.pointee.fibers + next)
    }
    state.pointee.isQuiescent = true
    state.pointee.isRunning = false
  }

  private var root: UnsafeMutablePointer<cfiber> { state.pointee.fibers + state.pointee.racerCount }

  /// The racer's body is about to end: its fiber goes on with somebody else then.
  package func finish(_ racer: Int) {
    joinBeforeEnd(racer)
    state.pointee.fibers[racer].next = nextAfter(racer)
  }

  /// Ends the racer in the middle of its body. Does not return to it.
  package func finishHere(_ racer: Int) {
    joinBeforeEnd(racer)
    let next = nextAfter(racer)
    cfiber_resume(state.pointee.fibers + racer, next)
  }

  /// Whoever waits for the racer's end has waited, too, for those whose ends it has waited for.
  private func joinBeforeEnd(_ racer: Int) {
    settleAccess(racer)
    if racers[racer].pendingJoins != 0, !state.pointee.isQuiescent { join(racer) }
  }

  /// Who goes on once a racer has ended.
  private func nextAfter(_ racer: Int) -> UnsafeMutablePointer<cfiber> {
    settleAccess(racer)
    racers[racer].phase = .finished
    if state.pointee.isQuiescent { return root }
    let next = nextRacer()
    if next < 0 { endRun(next) }
    return fiber(next)
  }

  private func fiber(_ next: Int) -> UnsafeMutablePointer<cfiber> {
    if next < 0 { return root }
    state.pointee.current = next
    return state.pointee.fibers + next
  }

  /// Ends the whole run. Does not return to the racer.
  package func stop(_ racer: Int, _ end: ExecutionState.End) {
    state.pointee.end = end
    cfiber_resume(state.pointee.fibers + racer, root)
  }

  /// Goes on with another racer, or ends the run if nobody can.
  func leave(_ racer: Int) {
    let next = nextRacer()
    if next == racer { return }
    if next < 0 { endRun(next) }
    cfiber_resume(state.pointee.fibers + racer, fiber(next))
  }

  private func endRun(_ reason: Int) {
    if reason == Self.stuckInReplay {
      state.pointee.end = .diverged
      noteWhoDoesNothing()
    } else {
      for other in 0..<state.pointee.racerCount {
        switch racers[other].phase {
        case .waiting, .joining: state.pointee.end = .blocked
        case .unborn, .unstarted, .ready, .finished: break
        }
      }
    }
  }

  /// Who has events to run again, and has come to its end.
  private func noteWhoDoesNothing() {
    for racer in 0..<state.pointee.racerCount where racers[racer].phase == .finished && racers[racer].cursor >= 0 {
      noteDivergence(racer, racers[racer].cursor, .nothing, 0)
    }
  }

  private static var stuckInReplay: Int { -2 }

  /// Whether the racer could be resumed, replay and locks aside.
  private func canRun(_ racer: Int) -> Bool {
    switch racers[racer].phase {
    case .unstarted, .ready: true
    case .joining: racers[racers[racer].joinTarget].phase == .finished
    case .unborn, .waiting, .finished: false
    }
  }

  private func nextRacer() -> Int {
    if state.pointee.unreplayed > 0 {
      for racer in 0..<state.pointee.racerCount where racers[racer].cursor >= 0 && canReplay(racers[racer].cursor) {
        if canRun(racer) { return racer }
      }
      // Somebody may be waited for who has no events, and only has to come to its end.
      for racer in 0..<state.pointee.racerCount where racers[racer].phase == .unstarted && racers[racer].cursor < 0 {
        return racer
      }
      return Self.stuckInReplay
    }
    var lastChoice = -1
    for racer in 0..<state.pointee.racerCount where canRun(racer) {
      if let guide = state.pointee.guide {
        if guide.isReady(racer, racers) { return racer }
        lastChoice = Self.stuckInReplay
        continue
      }
      if !isHeld(racer) { return racer }
      if lastChoice < 0 { lastChoice = racer }
    }
    return lastChoice
  }

  /// Whether the racer is about to take a lock that another holds: it would only wait.
  private func isHeld(_ racer: Int) -> Bool {
    let lock = racers[racer].wantedLock
    if lock < 0 { return false }
    let latest = graph.pointee.lastWrite(lock)
    let value = latest < 0 ? racers[racer].initialLockValue : graph.pointee.events[Int(latest)].value
    return racers[racer].attempt.waits(after: value)
  }

  private func canReplay(_ id: Int32) -> Bool {
    let event = graph.pointee.events[Int(id)]
    guard event.kind == .read, event.readsFrom >= 0 else { return true }
    let source = graph.pointee.events[Int(event.readsFrom)]
    return racers[Int(source.racer)].done > source.index
  }

  /// Waits until it is this racer's turn to run its next event. Answers the event if the graph has it already, or -1.
  @inline(__always) func takeTurn(_ racer: Int) -> Int32 {
    settle(racer)
    racers[racer].phase = .ready
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    let pc = state.pointee.pc
    while true {
      if state.pointee.unreplayed > 0 {
        let cursor = racers[racer].cursor
        if cursor >= 0, canReplay(cursor) { return cursor }
      }
      let next = nextRacer()
      if next == racer { return -1 }
      if next < 0 {
        noteWhoDoesNothing()
        stop(racer, .diverged)
      } else {
        cfiber_resume(state.pointee.fibers + racer, fiber(next))
        state.pointee.pc = pc
      }
    }
  }

  /// Notes that an event of this racer has been run.
  @inline(__always) func pass(_ racer: Int, _ id: Int32, isReplay: Bool) {
    if isReplay {
      state.pointee.unreplayed -= 1
      racers[racer].cursor = graph.pointee.events[Int(id)].poNext
    }
    racers[racer].done += 1
    racers[racer].last = id
  }

  func endless(_ racer: Int) {
    noteEndless(racer)
    stop(racer, .stopped)
  }

  @inline(never) private func noteEndless(_ racer: Int) {
    note(.stuck, [racer], "racer \(racer) made \(state.pointee.mostSteps) steps and did not end")
  }

  func wait(_ racer: Int) {
    racers[racer].phase = .waiting
    leave(racer)
  }
}
