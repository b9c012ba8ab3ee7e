import AddonMemory

/// Faulty: the loser frees its own twice.
@frozen public enum LoserFreesTwice: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "loser-frees-twice", "The loser frees its own, and again on the common way out.", rightIn: [],
      fault: Fault(
        "loser freed twice", happenedAs: "synthetic", caught: .by(["no-use-after-free", "losers-freed"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      memory.free(mine)  // the fault: once more
      return .lost(to: winner)
    }
  }
}
