import AddonMemory

/// As `CompareExchange`, but a loser keeps its own block, as a spare for its caller, who must use or free it.
@frozen public enum CompareExchangeKeepingSpare: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "compare-exchange-keeping-spare", "As compare-exchange; a loser keeps its own block for its next allocation.",
      source: "lib/generic-radix-tree.c __genradix_ptr_alloc", rightIn: .everyModel)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner): return .lostKeeping(mine, to: winner)
    }
  }
}
