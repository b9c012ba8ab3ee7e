import AddonMemory

/// Faulty: readers load the slot relaxed, and rely on nothing. x86 cannot show it.
@frozen public enum RelaxedRead: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "relaxed-read", "Readers load without acquire.", rightIn: .allButC11,
      fault: Fault(
        "relaxed read of the slot", happenedAs: "synthetic; right in the kernel's model", caught: .byThreadSanitizer,
        racers: [("allocate", 1), ("read", 1)]))
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    memory.load(slot, .relaxed)  // the fault: no acquire
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
