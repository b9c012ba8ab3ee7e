import AddonMemory

/// Faulty: after an allocation failure a sentinel is stored blindly, over a winner if there is one.
@frozen public enum FailureOverwrites: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "failure-overwrites", "Stores a failure sentinel over whatever is there.", rightIn: [],
      fault: Fault(
        "ENOMEM overwrites a winner", happenedAs: "slab obj_exts fix (6.12.56)",
        caught: .by(["allocation-failure"]), may: ["agreement", "no-leak", "single-winner", "no-use-after-free"],
        failures: .someOfOneRacer))
  }

  /// OBJEXTS_ALLOC_FAIL.
  @inlinable public static var sentinel: UInt { 1 }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    let addon = memory.load(slot, .acquiring)
    return addon?.address == sentinel ? nil : addon
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine: Addon
    do {
      mine = try maker.make(in: memory)
    } catch {
      memory.store(slot, Addon(address: sentinel), .relaxed)  // the fault: over anything
      throw error
    }
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
