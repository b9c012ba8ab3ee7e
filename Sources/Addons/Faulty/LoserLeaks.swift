import AddonMemory

/// Faulty: the loser forgets its own addon.
@frozen public enum LoserLeaks: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "loser-leaks", "The loser does not free its own.", rightIn: [],
      fault: Fault(
        "loser leak", happenedAs: "kernel f77f281b6118 (folded-in fix)", caught: .by(["losers-freed", "no-leak"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner): return .lost(to: winner)  // the fault: mine is not freed
    }
  }
}
