import AddonMemory

/// Faulty: says -ENOMEM although another racer has installed an addon by then, which it promised to use.
@frozen public enum FailureIgnoresWinner: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "failure-ignores-winner", "Promises to look again when its allocation fails, and does not.", rightIn: [],
      looksAgainAfterFailure: true,
      fault: Fault(
        "ENOMEM ignores a winner", happenedAs: "synthetic", caught: .by(["allocation-failure"]),
        failures: .someOfOneRacer))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)  // the fault: no second look on failure
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
