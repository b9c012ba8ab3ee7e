import CFibers

// MARK: Racers that create others, and wait for their end

/// What a program with threads of its own does. It begins with racer 0 alone: no events, memory is read and written
/// directly, as before a race. So it ends, too, once racer 0 has joined all others.
extension Execution {
  /// Racers `first` and on are created. What they begin with is the client's.
  package func create(_ racer: Int, first: Int, count: Int = 1) {
    if state.pointee.holdsFinalValues {
      // It was alone only for a while: what it did then has to be on the graph.
      state.pointee.endsAlone = false
      state.pointee.needsRestart = true
      stop(racer, .stopped)
    }
    state.pointee.isQuiescent = false
    let replayed = takeTurn(racer)
    if replayed >= 0 {
      guard isSame(replayed, .create, first) else { return diverge(racer, replayed, .fence, 0) }
      pass(racer, replayed, isReplay: true)
    } else {
      var event = Event(.fence, racer: racer, ordering: .relaxed)
      event.role = .create
      event.value = UInt64(first)
      event.operand = UInt64(count)
      pass(racer, Int32(state.pointee.branch.pointee.addFence(event)), isReplay: false)
    }
    for child in first..<first + count { racers[child].phase = .unstarted }
    racers[racer].changes += 1
    record(racer, .fence(.create), 0, 0, UInt64(first), .relaxed, racers[racer].last)
  }

  /// Waits for the end of another racer. The event comes with the racer's next one: many ends are waited for in a row, and
  /// after the last of them nobody else may be there.
  package func join(_ racer: Int, target: Int) {
    if state.pointee.isQuiescent { return }
    settleAccess(racer)
    racers[racer].joinTarget = target
    let pc = state.pointee.pc
    while racers[target].phase != .finished {
      racers[racer].phase = .joining
      leave(racer)
    }
    state.pointee.pc = pc
    racers[racer].phase = .ready
    racers[racer].pendingJoins |= 1 << UInt64(target)
    racers[racer].joined |= 1 << UInt64(target) | racers[target].joined
    racers[racer].changes += 1
    record(racer, .fence(.join), 0, 0, UInt64(target), .relaxed)
    if racer == 0, state.pointee.endsAlone, isAlone { beAlone() }
  }

  package func isBorn(_ racer: Int) -> Bool { racers[racer].phase != .unborn }

  /// Whether racer 0 has waited for the end of every other.
  private var isAlone: Bool {
    state.pointee.unreplayed == 0
      && (1..<state.pointee.racerCount).allSatisfy {
        racers[$0].phase == .unborn || racers[0].joined >> UInt64($0) & 1 != 0
      }
  }

  private func beAlone() {
    racers[0].pendingJoins = 0
    holdFinalValues()
    state.pointee.isQuiescent = true
  }

  /// Puts the last value of each location into memory.
  package func holdFinalValues() {
    if state.pointee.holdsFinalValues { return }
    state.pointee.holdsFinalValues = true
    for location in 0..<graph.pointee.locationCount {
      let last = graph.pointee.heads[location].lastWrite
      guard last >= 0 else { continue }
      let place = space.locations.pointee.all[location]
      noteWriteOutside(place.address, place.size)
      space.write(place.address, place.size, graph.pointee.events[Int(last)].value)
      state.pointee.shadow.start(space.offset(place.address), place.size, writer: nil, moment: 0)
    }
  }

  /// The events of ends that were waited for.
  @inline(never) func join(_ racer: Int) {
    let targets = racers[racer].pendingJoins
    racers[racer].pendingJoins = 0
    for target in 0..<state.pointee.racerCount where targets >> UInt64(target) & 1 != 0 {
      let replayed = takeTurn(racer)
      if replayed >= 0 {
        guard isSame(replayed, .join, target) else { return diverge(racer, replayed, .fence, 0) }
        pass(racer, replayed, isReplay: true)
      } else {
        var event = Event(.fence, racer: racer, ordering: .relaxed)
        event.role = .join
        event.value = UInt64(target)
        pass(racer, Int32(state.pointee.branch.pointee.addFence(event)), isReplay: false)
      }
    }
  }

  private func isSame(_ id: Int32, _ role: Event.Role, _ value: Int) -> Bool {
    let event = graph.pointee.events[Int(id)]
    return event.kind == .fence && event.role == role && event.value == UInt64(value)
  }
}
