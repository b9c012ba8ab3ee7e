import AddonMemory

/// Faulty: the flag bit is stored relaxed: a reader may see it and neither the pointer nor the addon. x86 cannot show it.
@frozen public enum FlagNotReleased: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "flag-not-released", "Sets the flag without release.", rightIn: .strongOnly, usesInodeLock: true,
      fault: Fault(
        "flag not released after the pointer", happenedAs: "CVE-2024-26984", caught: .byThreadSanitizer,
        racers: [("lock", 1), ("read", 1)]))
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    LockAndFlag.look(at: slot, of: inode, in: memory)
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
      memory.store(slot, mine, .relaxed)
      memory.store(inode.flags, flags | LockAndFlag.present, .relaxed)  // the fault: no release
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
