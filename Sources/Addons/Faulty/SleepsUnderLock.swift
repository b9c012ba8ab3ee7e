import AddonMemory

/// Faulty: the allocation under the lock may sleep.
@frozen public enum SleepsUnderLock: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "sleeps-under-lock", "Makes an allocation that may sleep while it holds the lock.", rightIn: [],
      usesInodeLock: true,
      fault: Fault(
        "sleeping allocation in atomic context",
        happenedAs: "kernel a96a44aba556 (bpf, on PREEMPT_RT); outright: synthetic",
        caught: .by(["atomic-context"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    memory.lock(inode.lock)
    if let addon = memory.load(slot, .relaxed) {
      memory.unlock(inode.lock)
      return .found(addon)
    }
    let mine: Addon
    do {
      mine = try maker.make(in: memory)  // the fault: GFP_KERNEL
    } catch {
      memory.unlock(inode.lock)
      throw error
    }
    memory.store(slot, mine, .releasing)
    memory.unlock(inode.lock)
    return .won(mine)
  }
}
