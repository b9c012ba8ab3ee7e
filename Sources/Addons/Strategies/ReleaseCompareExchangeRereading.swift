import AddonMemory

/// Load-acquire, then `cmpxchg_release`; a loser frees its own and reads the slot again, acquiring.
@frozen public enum ReleaseCompareExchangeRereading: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "release-compare-exchange-rereading",
      "Load-acquire, then cmpxchg_release; a loser frees its own and re-reads with acquire.",
      source: "fs/verity/open.c fsverity_set_info", rightIn: .everyModel)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }  // smp_load_acquire
    let mine = try maker.make(in: memory)  // fsverity_create_info
    switch memory.compareExchange(slot, nil, mine, .releasing, failure: .relaxed) {  // cmpxchg_release
    case .won: return .won(mine)
    case .lost:
      maker.discard(mine, in: memory)  // fsverity_free_info
      return .lost(to: look(at: slot, of: inode, in: memory))  // fsverity_get_info: smp_load_acquire
    }
  }
}
