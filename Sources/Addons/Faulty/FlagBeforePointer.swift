import AddonMemory

/// Faulty: the flag bit is set first. Whoever sees it finds NULL.
@frozen public enum FlagBeforePointer: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "flag-before-pointer", "Sets the flag before it stores the pointer.", rightIn: [], usesInodeLock: true,
      fault: Fault(
        "flag before data", happenedAs: "CVE-2024-26984", caught: .byCrash))
  }

  /// Whoever sees the flag trusts it, and dereferences what it finds.
  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    if memory.load(inode.flags, .acquiring) & LockAndFlag.present == 0 { return nil }
    return memory.load(slot, .relaxed) ?? Addon(address: 0)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    memory.lock(inode.lock)
    let flags = memory.load(inode.flags, .relaxed)
    if flags & LockAndFlag.present == 0 {
      memory.store(inode.flags, flags | LockAndFlag.present, .releasing)  // the fault: before the pointer
      memory.window()
      memory.store(slot, mine, .relaxed)
      memory.unlock(inode.lock)
      return .won(mine)
    }
    memory.unlock(inode.lock)
    memory.free(mine)
    return .lost(to: look(at: slot, of: inode, in: memory))
  }

  @inlinable @inline(__always)
  public static func empty<M: Memory>(_ slot: Slot, of inode: Inode, in memory: M) {
    LockAndFlag.empty(slot, of: inode, in: memory)
  }
}
