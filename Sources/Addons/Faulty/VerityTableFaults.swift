import AddonMemory

/// Faulty: the info is freed right after its removal, while others may be coming past it.
public enum RemovedAndFreed: VerityTableVariant {
  public static var suffix: String { "-freed-at-once" }
  public static var fault: Fault? {
    Fault(
      "freed without a grace period", happenedAs: "fsverity hash fix (7.2.11)", caught: .by(["no-use-after-free"]),
      may: ["initialised"], racers: [("open", 1), ("pass", 1)])
  }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ info: Addon, in memory: M) {
    memory.free(info)  // the fault
  }
}

/// Faulty: eviction leaves the info in the table, and the next inode at the same address takes it for its own.
public enum LeftForNextInode: VerityTableVariant {
  @inlinable public static var removesAtEviction: Bool { false }  // the fault
  public static var suffix: String { "-left-behind" }
  public static var fault: Fault? {
    Fault(
      "stale after address reuse", happenedAs: "synthetic; what a table keyed by address must guard against",
      caught: .by(["initialised"]), racers: [("open", 2)])
  }
}

/// Faulty: the flag is set before the insertion, and who sees it finds nothing.
public enum FlaggedBeforeInsertion: VerityTableVariant {
  @inlinable public static var flagsFirst: Bool { true }  // the fault
  public static var suffix: String { "-flagged-first" }
  public static var fault: Fault? {
    Fault(
      "flag before data", happenedAs: "CVE-2024-26984", caught: .by(["initialised"]),
      racers: [("open", 1), ("verify", 1)])
  }
}
