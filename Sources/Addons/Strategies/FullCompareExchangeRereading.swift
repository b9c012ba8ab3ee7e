import AddonMemory

/// Load-acquire, then a full `cmpxchg`; a loser frees its own and reads the slot again, acquiring.
///
/// The second read is needed because a failed `cmpxchg` orders nothing. Right in every model.
@frozen public enum FullCompareExchangeRereading: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "full-compare-exchange-rereading",
      "Load-acquire, then a full cmpxchg; a loser frees its own and re-reads with acquire.",
      source: "fs/locks.c locks_get_lock_context", rightIn: .everyModel)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }  // smp_load_acquire
    let mine = try maker.make(in: memory)  // kmem_cache_alloc, spin_lock_init, INIT_LIST_HEAD
    switch memory.compareExchange(slot, nil, mine, .full, failure: .relaxed) {  // cmpxchg
    case .won: return .won(mine)
    case .lost:
      maker.discard(mine, in: memory)  // kmem_cache_free
      return .lost(to: look(at: slot, of: inode, in: memory))  // smp_load_acquire
    }
  }
}
