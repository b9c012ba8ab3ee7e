import CFibers
import RaceModel

// MARK: Turns

extension Execution {
  /// Runs all racers. Their bodies were set with the fibers.
  package func run() {
    let graph = graph
    state.pointee.unreplayed = Int32(graph.pointee.count)
    state.pointee.isQuiescent = false
    state.pointee.end = .complete
    for racer in 0..<state.pointee.racerCount {
      racers[racer] = RacerProgress()
      racers[racer].cursor = graph.pointee.first[racer]
      cfiber_restart(state.pointee.fibers + racer)
    }
    let next = nextRacer()
    if next >= 0 { cfiber_resume(root, state.pointee.fibers + next) }
    state.pointee.isQuiescent = true
  }

  private var root: UnsafeMutablePointer<cfiber> { state.pointee.fibers + state.pointee.racerCount }

  /// The racer's body is about to end: its fiber goes on with somebody else then.
  package func finish(_ racer: Int) {
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    racers[racer].phase = .finished
    let next = nextRacer()
    if next < 0 { endRun(next) }
    state.pointee.fibers[racer].next = next < 0 ? root : state.pointee.fibers + next
  }

  /// Ends the whole run. Does not return to the racer.
  package func stop(_ racer: Int, _ end: ExecutionState.End) {
    state.pointee.end = end
    cfiber_resume(state.pointee.fibers + racer, root)
  }

  /// Goes on with another racer, or ends the run if nobody can.
  private func leave(_ racer: Int) {
    let next = nextRacer()
    if next < 0 { endRun(next) }
    cfiber_resume(state.pointee.fibers + racer, next < 0 ? root : state.pointee.fibers + next)
  }

  private func endRun(_ reason: Int) {
    if reason == Self.stuckInReplay {
      state.pointee.end = .diverged
    } else {
      for other in 0..<state.pointee.racerCount where racers[other].phase == .waiting { state.pointee.end = .blocked }
    }
  }

  private static var stuckInReplay: Int { -2 }

  private func nextRacer() -> Int {
    if state.pointee.unreplayed > 0 {
      for racer in 0..<state.pointee.racerCount where racers[racer].cursor >= 0 && canReplay(racers[racer].cursor) {
        if racers[racer].phase == .unstarted || racers[racer].phase == .ready { return racer }
      }
      return Self.stuckInReplay
    }
    var lastChoice = -1
    for racer in 0..<state.pointee.racerCount {
      switch racers[racer].phase {
      case .finished, .waiting: continue
      case .unstarted, .ready:
        if let guide = state.pointee.guide {
          if guide.isReady(racer, racers) { return racer }
          lastChoice = Self.stuckInReplay
          continue
        }
        if !isHeld(racer) { return racer }
        if lastChoice < 0 { lastChoice = racer }
      }
    }
    return lastChoice
  }

  /// Whether the racer is about to take a lock that another holds: it would only wait.
  private func isHeld(_ racer: Int) -> Bool {
    let lock = racers[racer].wantedLock
    if lock < 0 { return false }
    let latest = graph.pointee.lastWrite(lock)
    let value = latest < 0 ? racers[racer].initialLockValue : graph.pointee.events[Int(latest)].value
    return value == racers[racer].lockedValue
  }

  private func canReplay(_ id: Int32) -> Bool {
    let event = graph.pointee.events[Int(id)]
    guard event.kind == .read, event.readsFrom >= 0 else { return true }
    let source = graph.pointee.events[Int(event.readsFrom)]
    return racers[Int(source.racer)].done > source.index
  }

  /// Waits until it is this racer's turn to run its next event. Answers the event if the graph has it already, or -1.
  @inline(__always) func takeTurn(_ racer: Int) -> Int32 {
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    racers[racer].phase = .ready
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    while true {
      if state.pointee.unreplayed > 0 {
        let cursor = racers[racer].cursor
        if cursor >= 0, canReplay(cursor) { return cursor }
      }
      let next = nextRacer()
      if next == racer { return -1 }
      if next < 0 {
        stop(racer, .diverged)
      } else {
        cfiber_resume(state.pointee.fibers + racer, state.pointee.fibers + next)
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
