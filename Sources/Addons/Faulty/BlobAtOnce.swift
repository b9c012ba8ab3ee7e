import AddonMemory

/// Faulty: the blob is freed at once, while a path walk under RCU may be reading it.
public enum BlobAtOnce: BlobFreeing {
  public static var suffix: String { "-freed-at-once" }
  public static var fault: Fault? {
    Fault(
      "freed without a grace period", happenedAs: "guarded: security_inode_free uses call_rcu",
      caught: .by(["no-use-after-free"]), may: ["initialised"], racers: [("walk", 1), ("destroy", 1)])
  }
  @inlinable @inline(__always) public static func free<M: Memory>(_ blob: Addon, in memory: M) {
    memory.free(blob)  // the fault
  }
}
