import RaceModel

// MARK: Heap

extension Execution {
  /// Allocates a block of so many bytes, filled with `fill`. The arena of number `racerCount` is for what nobody's visit
  /// allocates. Nil, and the end of the run, where the layout has no room for it.
  /// `isUnwritten`: to read it before somebody has written there is a finding.
  package func allocate(_ racer: Int, _ size: Int, fill: UInt64, isUnwritten: Bool = false) -> UInt? {
    let next = racers[racer].nextBlock
    let moment = racers[racer].done + 1
    guard
      let number = space.makeBlock(
        racer, count: next, bytes: &racers[racer].heapBytes, size: size, moment: moment)
    else {
      noteFullHeap(racer, next)
      if state.pointee.isRunning { stop(state.pointee.current, .stopped) }
      return nil
    }
    racers[racer].nextBlock = next + 1
    racers[state.pointee.isRunning ? state.pointee.current : racer].changes += 1
    let address = space.blocks[number].address
    let rounded = max(8, (size + 7) & ~7)
    self.fill(address, size, fill)
    if state.pointee.labels != nil { Labels.set(address, size, 0) }
    space.forgetLocations(space.offset(address), rounded)
    let writer = racer < state.pointee.racerCount ? racer : nil
    state.pointee.shadow.start(space.offset(address), rounded, writer: writer, moment: moment, isUnwritten: isUnwritten)
    if !state.pointee.isQuiescent { record(racer, .allocate, address, size, UInt64(address), .isPlain) }
    return address
  }

  @inline(never) private func noteFullHeap(_ racer: Int, _ allocations: Int) {
    note(.stuck, [racer], "racer \(racer) made \(allocations) allocations, and its heap has no room for one more")
  }

  /// Takes a block back. Answers its number, or nil where the address is no block's.
  package func free(_ racer: Int, _ address: UInt, poison: UInt64) -> Int? {
    guard let number = space.block(at: address) else { return nil }
    let block = space.blocks[number]
    let isAlive = block.state == .live
    let size = block.size
    if !state.pointee.isQuiescent {
      if !isAlive { state.pointee.trace?.markNext(racer) }
      if isAlive, block.isShared || block.racer != racer { checkFree(racer, address, size) }
      record(racer, .free, address, 0, UInt64(address), .isPlain)
    }
    guard isAlive else { return number }
    space.blocks[number].state = .freed
    fill(address, size, poison)
    return number
  }

  private func fill(_ address: UInt, _ size: Int, _ value: UInt64) {
    var word = address
    while word < address + UInt(size) {
      space.write(word, 8, value)
      word += 8
    }
  }

  /// A free is a write of the whole block: everything else there must come before.
  private func checkFree(_ racer: Int, _ address: UInt, _ size: Int) {
    let offset = space.offset(address)
    var byte = 0
    while byte < size {
      let step = min(8, size - byte)
      let other =
        state.pointee.shadow.unorderedWriter(
          offset + byte, step, by: racer, isBefore: { isBefore(racer, address, isWrite: true, $0, $1, wrote: true) })
        ?? state.pointee.shadow.unorderedReader(
          offset + byte, step, by: racer, isBefore: { isBefore(racer, address, isWrite: true, $0, $1, wrote: false) })
        ?? unorderedAtomic(racer, address + UInt(byte), step)
      if let other {
        note(
          .useAfterFree, [other, racer],
          "racer \(racer) frees what racer \(other) still accesses: nothing orders the two", address + UInt(byte))
        return
      }
      byte += step
    }
  }

  private func unorderedAtomic(_ racer: Int, _ address: UInt, _ bytes: Int) -> Int? {
    let graph = graph.pointee
    var location: Int32 = -1
    for byte in 0..<bytes {
      let here = space.existingLocation(at: address + UInt(byte))
      if here < 0 || here == location { continue }
      location = here
      guard Int(here) < graph.locationCount else { continue }
      var access = graph.heads[Int(here)].lastAccess
      while access >= 0 {
        let event = graph.events[Int(access)]
        let id = Int(access)
        access = event.previousAccess
        guard Int(event.racer) != racer, racers[Int(event.racer)].done > event.index else { continue }
        if !isBefore(racer, write: address, event: id) { return Int(event.racer) }
      }
    }
    return nil
  }
}

// MARK: At the end

extension Execution {
  /// Blocks that were allocated and not freed.
  package func forEachLiveBlock(_ body: (Int) -> Void) {
    for racer in 0...state.pointee.racerCount {
      let first = space.firstBlock(of: racer)
      for block in first..<first + racers[racer].nextBlock where space.blocks[block].state == .live { body(block) }
    }
  }

  /// The number of a block among all allocations of the execution, as traces have it.
  package func allocationNumber(ofBlock block: Int) -> Int? {
    guard space.isHeapBlock(block), space.blocks[block].state != .unused else { return nil }
    let owner = space.owner(ofBlock: block)
    return (0..<owner).reduce(0) { $0 + racers[$1].nextBlock } + block - space.firstBlock(of: owner)
  }

  /// Whose fiber's stack an address lies in.
  package func stackOwner(of address: UInt) -> Int? { space.others.pointee.stack(of: address) }

  /// See ``OtherRegions/findUntoldWrites()``.
  package func findUntoldWrites() { space.others.pointee.findUntoldWrites() }
}
