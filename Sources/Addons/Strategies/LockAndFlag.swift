import AddonMemory

/// The slot is stored under the inode's lock, then a flag bit in another word is set with release; readers load the
/// flag with acquire and only then the slot. The allocation stands before the lock.
@frozen public enum LockAndFlag: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "lock-and-flag", "Stores the slot under the inode's lock, then releases a flag bit that readers acquire.",
      source: "fs/locks.c locks_get_lock_context (Linux 7.2)", rightIn: .everyModel,
      usesInodeLock: true)
  }

  /// IOP_FLCTX.
  @inlinable public static var present: UInt32 { 1 }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    if memory.load(inode.flags, .acquiring) & present == 0 { return nil }
    return memory.load(slot, .relaxed)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    memory.lock(inode.lock)  // spin_lock(&inode->i_lock)
    let flags = memory.load(inode.flags, .relaxed)
    if flags & present == 0 {
      memory.store(slot, mine, .relaxed)
      memory.store(inode.flags, flags | present, .releasing)  // smp_store_release
      memory.unlock(inode.lock)
      return .won(mine)
    }
    memory.unlock(inode.lock)
    maker.discard(mine, in: memory)
    return .lost(to: look(at: slot, of: inode, in: memory))
  }

  @inlinable @inline(__always)
  public static func empty<M: Memory>(_ slot: Slot, of inode: Inode, in memory: M) {
    memory.store(slot, nil, .relaxed)
    memory.store(inode.flags, 0, .relaxed)
  }
}
