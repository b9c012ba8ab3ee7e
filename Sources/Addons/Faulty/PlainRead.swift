import AddonMemory

/// Faulty: readers read the slot without an atomic operation. x86 cannot show it.
@frozen public enum PlainRead: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "plain-read", "Readers read the slot plainly.", rightIn: .strongOnly,
      fault: Fault(
        "plain read of the slot", happenedAs: "kernel 128a37852234, e37a784d8b6a", caught: .byThreadSanitizer,
        racers: [("allocate", 1), ("read", 1)]))
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    memory.read(slot)  // the fault: plain
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
