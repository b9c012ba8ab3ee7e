import AddonMemory

/// Faulty: the winner frees what it has just published.
@frozen public enum WinnerFreed: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "winner-freed", "Whoever allocated frees, the winner too.", rightIn: [],
      fault: Fault(
        "winner freed", happenedAs: "synthetic", caught: .by(["visible-once", "no-use-after-free"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    let result = memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring)
    memory.free(mine)  // the fault: without asking who won
    switch result {
    case .won: return .won(mine)
    case .lost(let winner): return .lost(to: winner)
    }
  }
}
