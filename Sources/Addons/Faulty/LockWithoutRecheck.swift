import AddonMemory

/// Faulty: takes the lock and stores without a second look: two allocations become visible.
@frozen public enum LockWithoutRecheck: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "lock-without-recheck", "Does not look again once it has the lock.", rightIn: [], usesInodeLock: true,
      fault: Fault(
        "lock without re-check", happenedAs: "CommonLibSSE-NG 112",
        caught: .by(["single-winner", "no-leak"]), may: ["losers-freed", "agreement"]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    memory.window()
    memory.lock(inode.lock)
    let mine: Addon  // the fault: no second look
    do {
      mine = try maker.makeWithoutSleeping(in: memory)
    } catch {
      memory.unlock(inode.lock)
      throw error
    }
    memory.store(slot, mine, .releasing)
    memory.unlock(inode.lock)
    return .won(mine)
  }
}
