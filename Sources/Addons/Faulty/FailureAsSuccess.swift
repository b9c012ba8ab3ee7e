import AddonMemory

/// Faulty: an allocation failure is reported as success, with the slot NULL.
@frozen public enum FailureAsSuccess: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "failure-as-success", "Says success although it could not allocate.", rightIn: [],
      fault: Fault(
        "ENOMEM reported as success", happenedAs: "synthetic",
        caught: .by(["allocation-failure", "single-winner"]), may: ["agreement"], failures: .all))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    guard let mine = try? maker.make(in: memory) else { return .lostWithoutLooking }  // the fault: no error
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
