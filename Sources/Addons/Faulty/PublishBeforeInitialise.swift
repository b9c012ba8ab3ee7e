import AddonMemory

/// Faulty: the compare-exchange comes first and the initialisation after it.
@frozen public enum PublishBeforeInitialise: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "publish-before-initialise", "Initialises what is already visible.", rightIn: [],
      fault: Fault(
        "publish before init",
        happenedAs: "mctp_dev (6.12.113), siw QP (6.12.101), ext4 jinode (6.12.81), by their titles",
        caught: .by(["initialised"]), may: ["data-race"], explored: ["data-race"],
        racers: [("set-owner", 2)]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try memory.allocate(maker.kind)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won:
      memory.window()
      maker.initialise(mine, in: memory)  // the fault: after publication
      return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
