import AddonMemory

/// Faulty: a failed `cmpxchg` orders nothing, yet the loser goes on with what it returned. The kernel's address dependency
/// covers the addon, not what was initialised elsewhere.
@frozen public enum FailedExchangeUnordered: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "failed-exchange-unordered", "A loser uses what a failed cmpxchg returned, at once.", rightIn: .allButC11,
      fault: Fault(
        "failed compare-exchange orders nothing", happenedAs: "kernel f3db0bed4583, its second half, by inspection",
        caught: .byThreadSanitizer,
        racers: [("set-owner", 2)]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .full, failure: .relaxed) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)  // the fault: without reading again
    }
  }
}
