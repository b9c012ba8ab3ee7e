import AddonMemory

/// Faulty: a plain check and store where the compare-exchange should be. The first winner is overwritten and lost.
@frozen public enum StoreAfterCheck: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "store-after-check", "Checks, then stores: a second racer overwrites the first.", rightIn: [],
      fault: Fault(
        "winner overwritten, leak", happenedAs: "CVE-2024-56613; amdkfd doorbells (6.12.117)",
        caught: .by(["single-winner", "no-leak"]), may: ["losers-freed"]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    memory.store(slot, mine, .releasing)  // the fault: no compare-exchange
    return .won(mine)
  }
}
