import AddonMemory

/// As `CompareExchange`, but a racer whose allocation fails looks once more and takes a winner's if there is one.
@frozen public enum CompareExchangeRecovering: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "compare-exchange-recovering",
      "As compare-exchange; when its allocation fails it looks again before it says -ENOMEM.",
      source: "the robust form of the error path", rightIn: .everyModel, looksAgainAfterFailure: true)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    do {
      return try CompareExchange.populate(slot, of: inode, in: memory, maker)
    } catch {
      guard let winner = look(at: slot, of: inode, in: memory) else { throw error }
      return .found(winner)
    }
  }
}
