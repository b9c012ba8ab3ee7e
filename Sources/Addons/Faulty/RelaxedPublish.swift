import AddonMemory

/// Faulty: no release on publication: what was initialised may come after the pointer. x86 cannot show it.
@frozen public enum RelaxedPublish: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "relaxed-publish", "Publishes without release.", rightIn: .strongOnly,
      fault: Fault(
        "relaxed publish", happenedAs: "synthetic; as a plain store under a lock, CVE-2026-93138",
        caught: .byThreadSanitizer,
        racers: [("set-owner", 2)]))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiring, failure: .acquiring) {  // the fault: no release
    case .won: return .won(mine)
    case .lost(let winner):
      memory.free(mine)
      return .lost(to: winner)
    }
  }
}
