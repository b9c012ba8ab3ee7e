import RaceModel

// MARK: What may be accessed

extension Execution {
  /// The location of an atomic access; nil where there is none to be had.
  func access(
    _ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool, _ ordering: EventOrdering
  ) -> Int32? {
    guard space.contains(address, size), checkBlock(racer, address, size, isWrite) else {
      crash(racer, address, isWrite)
      return nil
    }
    let isNew = space.existingLocation(at: address) < 0
    guard let location = space.location(at: address, size: size) else {
      overlap(racer, address, size)
      return nil
    }
    let offset = space.offset(address)
    let isMixed = space.locations.pointee.all[Int(location)].isMixed
    if isNew, !isMixed, state.pointee.shadow.wasAccessed(offset, size, since: start(of: address)) {
      space.locations.pointee.all[Int(location)].isMixed = true
      state.pointee.needsRestart = true
      stop(racer, .stopped)
    }
    if state.pointee.onlyLearns { return location }
    // Its allocation counts as a write of the whole block.
    if let writer = state.pointee.shadow.unorderedWriter(
      offset, size, by: racer, isBefore: { isBefore(racer, address, isWrite: isWrite, $0, $1, wrote: true, ordering) })
    {
      race(racer, isWrite ? "writes" : "reads", writer, "writes", address, size)
    }
    return location
  }

  private func start(of address: UInt) -> (racer: Int, moment: Int32)? {
    let number = space.block(of: address)
    guard number >= 0 else { return nil }
    let block = space.blocks[number]
    return block.state == .unused || block.racer >= state.pointee.racerCount ? nil : (block.racer, block.moment)
  }

  /// Whether the address may be touched at all; notes the use of what was freed, and what lies behind a block.
  @inline(__always) func checkBlock(_ racer: Int, _ address: UInt, _ size: Int, _ isWrite: Bool) -> Bool {
    let number = space.block(of: address)
    guard number >= 0 else { return checkOutside(racer, address, size, isWrite) }
    let block = space.blocks + number
    if block.pointee.racer != racer { block.pointee.isShared = true }
    let end = address &- block.pointee.address &+ UInt(size)
    if block.pointee.state == .live, end <= UInt(block.pointee.size) { return true }
    return useOfDead(racer, address, size, number, isWrite)
  }

  /// Of an address that is in no block: whether it is in an image or a stack, or only just behind a block.
  @inline(never)
  private func checkOutside(_ racer: Int, _ address: UInt, _ size: Int, _ isWrite: Bool) -> Bool {
    if !space.others.pointee.isEmpty, space.others.pointee.noteAccess(address, size, isWrite: isWrite) { return true }
    guard let block = space.blockBefore(address), space.blocks[block].state != .unused else { return false }
    return useOfDead(racer, address, size, block, isWrite)
  }

  @inline(never)
  private func useOfDead(_ racer: Int, _ address: UInt, _ size: Int, _ number: Int, _ isWrite: Bool) -> Bool {
    let what = isWrite ? "writes" : "reads"
    let block = space.blocks[number]
    switch block.state {
    case .unused: return false
    case .freed: note(.useAfterFree, [racer], "racer \(racer) \(what) freed memory", address, block: number)
    case .live:
      let end = address - block.address + UInt(size)
      let kind = space.isHeapBlock(number) ? "an allocation" : "an object"
      note(
        .useAfterFree, [racer], "racer \(racer) \(what) byte \(end) of \(kind) of \(block.size)", address,
        block: number)
    }
    return true
  }

  /// A location with plain and atomic accesses: a plain one and another, one of them a write, must be ordered.
  @inline(__always) func checkMixed(_ racer: Int, _ location: Int32) {
    guard state.pointee.space.locations.pointee.all[Int(location)].isMixed,
      !state.pointee.rules.pointee.everyAccessSynchronises, !state.pointee.onlyLearns
    else { return }
    checkMixedAccesses(racer, location)
  }

  @inline(never) private func checkMixedAccesses(_ racer: Int, _ location: Int32) {
    let graph = graph.pointee
    let address = state.pointee.space.address(of: location)
    var mine = racers[racer].last
    while mine >= 0, graph.events[Int(mine)].location == location {
      let event = graph.events[Int(mine)]
      let clock = graph.happensBefore(Int(mine))
      let dependency = graph.rules.isLinuxKernel ? graph.dependency(of: Int(mine)) : nil
      var access = graph.heads[Int(location)].lastAccess
      while access >= 0 {
        let (id, other) = (Int(access), graph.events[Int(access)])
        access = other.previousAccess
        guard other.racer != event.racer, other.kind == .write || event.kind == .write,
          other.ordering.contains(.isPlain) || event.ordering.contains(.isPlain),
          racers[Int(other.racer)].done > other.index
        else { continue }
        if clock.covers(other) || dependency.map({ $0.covers(other) }) == true { continue }
        if state.pointee.rules.pointee.isLinuxKernel, KernelGraph(graph).isOrdered(id, before: Int(mine)) { continue }
        race(
          racer, event.kind == .write ? "writes" : "reads", Int(other.racer),
          other.kind == .write ? "writes" : "reads", address, Int(event.size))
      }
      // An update is two events.
      guard event.kind == .write, event.isSuccessfulRMW else { return }
      mine = event.poPrevious
    }
  }

  func readDirectly(_ address: UInt, _ size: Int) -> UInt64 {
    guard checkDirect(address, size, isWrite: false) else { return 0 }
    return state.pointee.space.read(address, size)
  }

  func writeDirectly(_ address: UInt, _ size: Int, _ value: UInt64) {
    guard checkDirect(address, size, isWrite: true) else { return }
    state.pointee.space.write(address, size, value)
    noteDirectWrite(address, size)
  }

  /// Of a write at quiescence: all that comes later is ordered after it.
  func noteDirectWrite(_ address: UInt, _ size: Int) {
    noteWriteOutside(address, size)
    state.pointee.shadow.start(space.offset(address), size, writer: nil, moment: 0)
  }

  func checkDirect(_ address: UInt, _ size: Int, isWrite: Bool) -> Bool {
    guard space.contains(address, size) else {
      noteDirect(.crash, "\(isWrite ? "writes to" : "reads") an address outside all objects and allocations")
      return false
    }
    let number = space.block(of: address)
    guard number >= 0 else { return checkDirectOutside(address, size, isWrite) }
    let block = space.blocks[number]
    switch block.state {
    case .live:
      let end = Int(address - block.address) + size
      if end <= block.size { return true }
      noteDirect(.useAfterFree, "\(isWrite ? "writes" : "reads") byte \(end) of an object of \(block.size)", number)
    case .freed: noteDirect(.useAfterFree, "\(isWrite ? "writes" : "reads") freed memory", number)
    case .unused: return false
    }
    return true
  }

  /// Of an address that is in no block.
  private func checkDirectOutside(_ address: UInt, _ size: Int, _ isWrite: Bool) -> Bool {
    if space.others.pointee.offset(of: address, size) != nil { return true }
    if let block = space.blockBefore(address) {
      noteDirect(
        .useAfterFree, "\(isWrite ? "writes" : "reads") behind an object of \(space.blocks[block].size)", block)
    }
    return false
  }

  /// Of what nobody's visit does: the teardown of a site, or a program as long as it has one racer.
  @inline(never) private func noteDirect(_ kind: Mishap.Kind, _ what: String, _ block: Int? = nil) {
    note(
      kind, [], "\(state.pointee.isRunning ? "the program, with no other thread running," : "the teardown") \(what)",
      block: block)
  }
}
