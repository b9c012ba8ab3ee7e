import AddonMemory

/// Looks, takes the inode's lock, looks again, allocates without sleeping and publishes with a store-release.
///
/// Nobody ever loses: whoever waited for the lock finds the winner's.
@frozen public enum DoubleCheckedLock: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "double-checked-lock", "Looks again under the inode's lock, allocates there and publishes with store-release.",
      source: "the lock-published variant of the pattern", rightIn: .everyModel, usesInodeLock: true)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    memory.lock(inode.lock)
    if let addon = memory.load(slot, .relaxed) {
      memory.unlock(inode.lock)
      return .found(addon)
    }
    let mine: Addon
    do {
      mine = try maker.makeWithoutSleeping(in: memory)
    } catch {
      memory.unlock(inode.lock)
      throw error
    }
    memory.store(slot, mine, .releasing)
    memory.unlock(inode.lock)
    return .won(mine)
  }
}

extension Maker {
  /// Allocates with GFP_ATOMIC, and initialises.
  @inlinable @inline(__always)
  public func makeWithoutSleeping<M: Memory>(in memory: M) throws(OutOfMemory) -> Addon {
    let kind = kind
    let addon = try memory.allocate(
      AddonKind(size: kind.size, zeroed: kind.zeroed, populates: kind.populates, maySleep: false))
    initialise(addon, in: memory)
    return addon
  }
}
