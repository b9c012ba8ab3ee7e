/// A plain access of native code to a location: memory holds, for as long as the access takes, what it reads or writes.
struct PendingAccess {
  var address: UInt
  var size: Int
  var isWrite: Bool
  /// What memory holds otherwise: the location's initial value.
  var initial: UInt64
  var dependencies = Dependencies()
}

// MARK: Native code that accesses memory itself

/// A hook calls these before each plain access. What is on the graph is put into memory before a read, and taken from
/// there after a write: by the racer's next event, or its end.
extension Execution {
  /// `isCopy`: the value is only passed on, so that nobody minds where it was never written.
  package func willRead(_ racer: Int, _ address: UInt, _ size: Int, isCopy: Bool = false) {
    if state.pointee.isQuiescent { return willReadDirectly(address, size, isCopy) }
    settle(racer)
    if isOnGraph(address, size) {
      let value = load(racer, address, size, .isPlain)
      begin(racer, address, size, isWrite: false)
      if let labels = state.pointee.labels { Labels.set(address, size, labels.last(racer)) }
      return space.write(address, size, value)
    }
    defer { racers[racer].dependencies = Dependencies() }
    guard plainAccess(racer, address, size, isWrite: false) else { return }
    clearForeignLabels(racer, address, size)
    if !isCopy { checkInitialised(racer, address, size) }
    record(racer, .load, address, size, space.read(address, size), .isPlain)
  }

  package func willWrite(_ racer: Int, _ address: UInt, _ size: Int) {
    // Its own stack is looked at when it is asked whether the racer has changed.
    if !isOnOwnStack(racer, address) { racers[racer].changes += 1 }
    if state.pointee.isQuiescent {
      if checkDirect(address, size, isWrite: true) { noteDirectWrite(address, size) }
      return
    }
    settle(racer)
    if isOnGraph(address, size) { return begin(racer, address, size, isWrite: true) }
    defer { racers[racer].dependencies = Dependencies() }
    guard plainAccess(racer, address, size, isWrite: true) else { return }
    guard state.pointee.trace != nil else { return }
    // Its value is there at the racer's next step.
    record(racer, .store(.ordinary), address, size, 0, .isPlain)
    racers[racer].writeToShow = PendingAccess(address: address, size: size, isWrite: true, initial: 0)
  }

  @inline(__always) func isOnOwnStack(_ racer: Int, _ address: UInt) -> Bool {
    let fiber = state.pointee.fibers + racer
    return address &- UInt(bitPattern: fiber.pointee.stack_bottom) < UInt(fiber.pointee.stack_size)
  }

  /// Where a racer's stack begins, at its upper end.
  package func stackTop(of racer: Int) -> UInt { UInt(bitPattern: state.pointee.fibers[racer].stack_top) }

  private func willReadDirectly(_ address: UInt, _ size: Int, _ isCopy: Bool) {
    guard checkDirect(address, size, isWrite: false), !isCopy else { return }
    checkInitialised(state.pointee.current, address, size)
  }

  /// The racer goes on: what it was about to do to memory is done.
  @inline(__always) func settle(_ racer: Int) {
    settleAccess(racer)
    if racers[racer].pendingJoins != 0 { join(racer) }
  }

  @inline(__always) func settleAccess(_ racer: Int) {
    if racers[racer].pendingAccess != nil { completePendingAccess(racer) }
    if state.pointee.trace != nil { showWrite(racer) }
  }

  private func showWrite(_ racer: Int) {
    guard let write = racers[racer].writeToShow else { return }
    racers[racer].writeToShow = nil
    state.pointee.trace?.setLastValue(racer, space.read(write.address, write.size))
  }

  /// Memory of an image is about to be written to.
  package func noteWriteOutside(_ address: UInt, _ size: Int) {
    if !space.others.pointee.isEmpty { _ = space.others.pointee.noteAccess(address, size, isWrite: true) }
  }

  private func begin(_ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool) {
    racers[racer].pendingAccess = PendingAccess(
      address: address, size: size, isWrite: isWrite, initial: space.read(address, size),
      dependencies: racers[racer].dependencies)
    racers[racer].dependencies = Dependencies()
    // Should the run end before the racer goes on, what it wrote is in memory.
    noteWriteOutside(address, size)
  }

  /// The racer has gone on: what it wrote is in memory.
  @inline(never) func completePendingAccess(_ racer: Int) {
    guard let access = racers[racer].pendingAccess else { return }
    racers[racer].pendingAccess = nil
    let value = space.read(access.address, access.size)
    let data = access.isWrite ? dataOfPlainWrite(racer, access.address, access.size) : 0
    space.write(access.address, access.size, access.initial)
    guard access.isWrite else { return }
    let next = racers[racer].dependencies
    racers[racer].dependencies = access.dependencies
    racers[racer].dependencies.data = data
    store(racer, access.address, access.size, value, .isPlain)
    racers[racer].dependencies = next
  }
}

// MARK: What nobody wrote

extension Execution {
  /// A plain read of allocated bytes of which nobody has written any. (Where some were written, the rest may be padding.)
  @inline(__always) func checkInitialised(_ racer: Int, _ address: UInt, _ size: Int) {
    guard state.pointee.watchesInitialisation, state.pointee.shadow.isUnwritten(space.offset(address), size) else {
      return
    }
    noteUnwritten(racer, address, size)
  }

  @inline(never) func noteUnwritten(_ racer: Int, _ address: UInt, _ size: Int) {
    note(
      .uninitialised, [racer], "racer \(racer) reads \(size) bytes that nobody has written since their allocation",
      address)
  }
}
