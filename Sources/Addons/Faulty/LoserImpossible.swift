import AddonMemory

/// Faulty: asserts that nobody else can be there.
@frozen public enum LoserImpossible: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "loser-impossible", "Asserts that its compare-exchange wins.", rightIn: [],
      fault: Fault(
        "loser believed impossible", happenedAs: "CVE-2025-71080", caught: .byCrash))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost: memory.bug("the slot was NULL a moment ago")  // the fault: it can happen
    }
  }
}
