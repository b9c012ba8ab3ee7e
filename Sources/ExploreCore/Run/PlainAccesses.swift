import RaceModel

// MARK: Plain accesses

extension Execution {
  @inline(__always) package func readPlain(_ racer: Int, _ address: UInt, _ size: Int) -> UInt64 {
    if state.pointee.isQuiescent { return readDirectly(address, size) }
    if isOnGraph(address, size) { return load(racer, address, size, .isPlain) }
    guard plainAccess(racer, address, size, isWrite: false) else { return 0 }
    let value = state.pointee.space.read(address, size)
    record(racer, .load, address, size, value, .isPlain)
    return value
  }

  @inline(__always) package func writePlain(_ racer: Int, _ address: UInt, _ size: Int, _ value: UInt64) {
    if state.pointee.isQuiescent { return writeDirectly(address, size, value) }
    if isOnGraph(address, size) { return store(racer, address, size, value, .isPlain) }
    guard plainAccess(racer, address, size, isWrite: true) else { return }
    state.pointee.space.write(address, size, value)
    record(racer, .store(.ordinary), address, size, value, .isPlain)
  }

  /// Whether the word is one that is accessed atomically too. Its first plain access decides that all are on the graph.
  @inline(__always) func isOnGraph(_ address: UInt, _ size: Int) -> Bool {
    guard space.contains(address, size) else { return false }
    guard let location = space.knownLocation(at: address, size: size) else { return false }
    return space.locations.pointee.all[Int(location)].isMixed
  }

  @inline(__always) func plainAccess(_ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool) -> Bool {
    guard space.contains(address, size), checkBlock(racer, address, size, isWrite) else {
      crash(racer, address, isWrite)
      return false
    }
    if let location = space.firstLocation(in: address, size) { meetLocation(racer, location, address, size) }
    let offset = space.offset(address)
    let moment = racers[racer].done + 1
    if state.pointee.onlyLearns {
      if isWrite { state.pointee.shadow.noteWrite(offset, size, by: racer, at: moment) }
      return true
    }
    if isOwn(racer, address) {
      if isWrite {
        state.pointee.shadow.noteWrite(offset, size, by: racer, at: moment)
      } else {
        state.pointee.shadow.noteRead(offset, size, by: racer, at: moment)
      }
      return true
    }
    if let writer = state.pointee.shadow.unorderedWriter(
      offset, size, by: racer, isBefore: { isBefore(racer, address, isWrite: isWrite, $0, $1, wrote: true) })
    {
      race(racer, isWrite ? "writes" : "reads", writer, "writes", address, size)
    }
    if isWrite {
      if let reader = state.pointee.shadow.unorderedReader(
        offset, size, by: racer, isBefore: { isBefore(racer, address, isWrite: true, $0, $1, wrote: false) })
      {
        race(racer, "writes", reader, "reads", address, size)
      }
      state.pointee.shadow.noteWrite(offset, size, by: racer, at: moment)
    } else {
      state.pointee.shadow.noteRead(offset, size, by: racer, at: moment)
    }
    return true
  }

  /// Whether nobody but the racer has accessed the block, so that there is nothing to race with: what an addon is filled
  /// with before it is published.
  @inline(__always) private func isOwn(_ racer: Int, _ address: UInt) -> Bool {
    let number = space.block(of: address)
    return number >= 0 && space.blocks[number].racer == racer && !space.blocks[number].isShared
  }

  /// A plain access to a word that was taken for purely atomic.
  @inline(never) private func meetLocation(_ racer: Int, _ location: Int32, _ address: UInt, _ size: Int) {
    let known = state.pointee.space.locations.pointee.all[Int(location)]
    if known.isMixed || known.size != size || known.address != address {
      overlap(racer, address, size)
    } else {
      state.pointee.space.locations.pointee.all[Int(location)].isMixed = true
      state.pointee.needsRestart = true
      stop(racer, .stopped)
    }
  }

  func overlap(_ racer: Int, _ address: UInt, _ size: Int) {
    noteOverlap(racer, address, size)
    stop(racer, .stopped)
  }

  @inline(never) private func noteOverlap(_ racer: Int, _ address: UInt, _ size: Int) {
    note(
      .dataRace, [racer],
      "racer \(racer) accesses \(size) bytes that overlap atomic accesses of another size or place", address)
  }

  /// What happens before the racer's next access; nil before its first event.
  @inline(__always) func clock(_ racer: Int) -> VectorClock? {
    let last = racers[racer].last < 0 ? graph.pointee.births[racer] : racers[racer].last
    return last < 0 ? nil : graph.pointee.happensBefore(Int(last))
  }

  /// What the fence behind a full update learns, where that is the racer's last event.
  @inline(__always) func clockOfFence(_ racer: Int) -> VectorClock? {
    let last = racers[racer].last
    guard last >= 0, graph.pointee.events[Int(last)].isFullRMW else { return nil }
    return graph.pointee.acquirable(Int(last))
  }

  @inline(__always) func dependency(_ racer: Int, _ address: UInt) -> VectorClock? {
    guard state.pointee.rules.pointee.isLinuxKernel else { return nil }
    return graph.pointee.dependency(
      upTo: racers[racer].last, on: address, racers[racer].dependencies)
  }

  /// Whether another racer's plain access, which came at this moment, is ordered before the racer's access at hand.
  @inline(__always)
  func isBefore(
    _ racer: Int, _ address: UInt, isWrite: Bool, _ other: Int, _ moment: Int32, wrote: Bool,
    _ ordering: EventOrdering = .isPlain
  ) -> Bool {
    if let clock = clock(racer), clock[other] >= moment { return true }
    if let clock = clockOfFence(racer), clock[other] >= moment { return true }
    if let dependency = dependency(racer, address), dependency[other] >= moment { return true }
    guard state.pointee.rules.pointee.isLinuxKernel else { return false }
    return isOrderedByAxioms(
      racer, address, isWrite: isWrite, ordering,
      after: KernelGraph.Access(racer: other, eventsBefore: moment - 1, isWrite: wrote, address: address))
  }

  /// What clocks do not know of the kernel's model: barriers of reads or writes alone, and orders through reads and writes
  /// that release nothing.
  @inline(never)
  private func isOrderedByAxioms(
    _ racer: Int, _ address: UInt, isWrite: Bool, _ ordering: EventOrdering, after earlier: KernelGraph.Access
  ) -> Bool {
    let now = KernelGraph.Access(
      racer: racer, eventsBefore: racers[racer].done, isWrite: isWrite, address: address, ordering: ordering,
      dependencies: racers[racer].dependencies)
    return KernelGraph(graph.pointee, extra: [earlier, now]).isOrdered()
  }

  /// Whether an event of the graph is ordered before the racer's plain write at hand.
  func isBefore(_ racer: Int, write address: UInt, event: Int) -> Bool {
    let other = graph.pointee.events[event]
    if clock(racer)?.covers(other) == true || clockOfFence(racer)?.covers(other) == true { return true }
    guard state.pointee.rules.pointee.isLinuxKernel else { return false }
    let now = KernelGraph.Access(
      racer: racer, eventsBefore: racers[racer].done, isWrite: true, address: address,
      dependencies: racers[racer].dependencies)
    return KernelGraph(graph.pointee, extra: [now]).isOrdered(event)
  }
}
