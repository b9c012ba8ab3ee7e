import AddonMemory

/// Faulty: the compare-exchange acquires only on success, yet the loser dereferences what it returned.
@frozen public enum RelaxedFailure: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "relaxed-failure", "The failure ordering is relaxed, and its result dereferenced.", rightIn: .allButC11,
      fault: Fault(
        "relaxed failure order, then use", happenedAs: "once_cell issue 175 and two more",
        caught: .byThreadSanitizer, racers: [("set-owner", 2)]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .relaxed) {  // the fault
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
