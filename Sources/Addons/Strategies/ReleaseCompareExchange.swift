import AddonMemory

/// Load-acquire, then `cmpxchg_release`; a loser frees its own and returns without looking.
@frozen public enum ReleaseCompareExchange: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "release-compare-exchange", "Load-acquire, then cmpxchg_release; a loser frees its own and does not look again.",
      source: "fs/crypto/keysetup.c fscrypt_setup_encryption_info", rightIn: .everyModel)
  }

  @inlinable public static var callersLookAgain: Bool { true }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }  // smp_load_acquire
    let mine = try maker.make(in: memory)  // kmem_cache_zalloc, and the key's secret
    switch memory.compareExchange(slot, nil, mine, .releasing, failure: .relaxed) {  // cmpxchg_release
    case .won: return .won(mine)
    case .lost:
      maker.discard(mine, in: memory)  // put_crypt_info
      return .lostWithoutLooking
    }
  }
}
