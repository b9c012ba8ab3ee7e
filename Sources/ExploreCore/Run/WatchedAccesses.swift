/// A plain access of native code to a location: memory holds, for as long as the access takes, what it reads or writes.
struct PendingAccess {
  var address: UInt
  var size: Int
  var isWrite: Bool
  /// What memory holds otherwise: the location's initial value.
  var initial: UInt64
}

// MARK: Native code that accesses memory itself

/// A hook calls these before each plain access. What is on the graph is put into memory before a read, and taken from
/// there after a write: by the racer's next event, or its end.
extension Execution {
  package func willRead(_ racer: Int, _ address: UInt, _ size: Int) {
    if state.pointee.isQuiescent { return }
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    if isOnGraph(address, size) {
      let value = load(racer, address, size, .isPlain)
      begin(racer, address, size, isWrite: false)
      return space.write(address, size, value)
    }
    guard plainAccess(racer, address, size, isWrite: false) else { return }
    record(racer, .load, address, size, space.read(address, size), .isPlain)
  }

  package func willWrite(_ racer: Int, _ address: UInt, _ size: Int) {
    if state.pointee.isQuiescent { return }
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    if isOnGraph(address, size) { return begin(racer, address, size, isWrite: true) }
    _ = plainAccess(racer, address, size, isWrite: true)
  }

  /// Memory of an image is about to be written to.
  func noteWriteOutside(_ address: UInt, _ size: Int) {
    if !space.others.pointee.isEmpty { space.others.pointee.noteWrite(address, size) }
  }

  private func begin(_ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool) {
    racers[racer].pendingAccess = PendingAccess(
      address: address, size: size, isWrite: isWrite, initial: space.read(address, size))
    // Should the run end before the racer goes on, what it wrote is in memory.
    noteWriteOutside(address, size)
  }

  /// The racer has gone on: what it wrote is in memory.
  @inline(never) func completePendingAccess(_ racer: Int) {
    guard let access = racers[racer].pendingAccess else { return }
    racers[racer].pendingAccess = nil
    let value = space.read(access.address, access.size)
    space.write(access.address, access.size, access.initial)
    if access.isWrite { store(racer, access.address, access.size, value, .isPlain) }
  }
}
