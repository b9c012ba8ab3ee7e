import AddonMemory

/// Faulty: a weak compare-exchange without a loop. Where it fails for no reason the slot stays NULL. Never on x86.
@frozen public enum WeakWithoutLoop: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "weak-without-loop", "Takes a spurious failure of a weak compare-exchange for a loss.", rightIn: [],
      fault: Fault(
        "weak compare-exchange without a loop", happenedAs: "swiftlang/swift issue 40540",
        caught: .byExploration(["single-winner"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.weakCompareExchange(slot, nil, mine) {  // the fault: weak, and no loop
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
