import AddonMemory

/// Populates a slot with one compare-exchange; a loser frees its own and uses the winner's.
///
/// Publication is acquiring and releasing; the first read and a loser's are acquiring. Right in C11, and so everywhere.
@frozen public enum CompareExchange: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "compare-exchange", "One acquire-release compare-exchange; a loser frees its own and uses the winner's.",
      source: "the C11 form of the pattern", rightIn: .everyModel)
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
      maker.discard(mine, in: memory)
      return .lost(to: winner)
    }
  }
}
