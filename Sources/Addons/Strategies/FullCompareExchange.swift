import AddonMemory

/// The kernel's form: READ_ONCE, then `cmpxchg`; a loser frees its own and returns without looking.
///
/// Readers rely on the address dependency, which C11 does not keep: right in the kernel's model, not in C11, where
/// `CompareExchange` is its twin.
@frozen public enum FullCompareExchange: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "full-compare-exchange", "READ_ONCE, then a full cmpxchg; a loser frees its own and does not look again.",
      source: "fs/fcntl.c file_f_owner_allocate", rightIn: .allButC11)
  }

  @inlinable public static var callersLookAgain: Bool { true }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    memory.load(slot, .dependent)  // READ_ONCE
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)  // kzalloc, rwlock_init, f_owner->file = file
    switch memory.compareExchange(slot, nil, mine, .full, failure: .relaxed) {  // cmpxchg
    case .won: return .won(mine)
    case .lost:
      maker.discard(mine, in: memory)  // kfree; what is returned is 0, and no pointer
      return .lostWithoutLooking
    }
  }
}
