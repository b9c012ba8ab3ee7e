import AddonMemory

/// Faulty: the loser returns its own, freed addon: the natural slip of this pattern.
@frozen public enum LoserKeepsOwn: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "loser-keeps-own", "The loser frees its own, and returns it.", rightIn: [],
      fault: Fault(
        "own pointer returned after losing", happenedAs: "synthetic", caught: .by(["agreement"]),
        may: ["no-use-after-free"]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    if case .lost = memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
      memory.free(mine)
    }
    return .won(mine)  // the fault: also after losing
  }
}
