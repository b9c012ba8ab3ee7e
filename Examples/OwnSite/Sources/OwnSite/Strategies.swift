import AddonRace

/// Publishes with one compare-exchange; whoever loses frees its own, and takes the winner's.
@frozen public enum PublishOnce: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription("publish-once", "One compare-exchange; the loser frees.", rightIn: .everyModel)
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    memory.load(slot, .acquiring)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let found = look(at: slot, of: inode, in: memory) { return .found(found) }
    let made = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, made, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(made)
    case .lost(let winner):
      memory.free(made)
      return .lost(to: winner)
    }
  }
}

/// The same, with the loser's block forgotten.
@frozen public enum PublishAndForget: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "publish-and-forget", "One compare-exchange; the loser forgets its own.", rightIn: [],
      fault: Fault("loser leak", happenedAs: "synthetic", caught: .by(["losers-freed", "no-leak"])))
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    PublishOnce.look(at: slot, of: inode, in: memory)
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let found = look(at: slot, of: inode, in: memory) { return .found(found) }
    let made = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, made, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(made)
    case .lost(let winner): return .lost(to: winner)
    }
  }
}
