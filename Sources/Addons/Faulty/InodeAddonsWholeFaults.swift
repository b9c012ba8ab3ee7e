import AddonMemory

/// Faulty, as proposed: the container goes at once with its inode. A walk under RCU may still be at its mask.
public enum AtOnce: ContainerRelease {
  public static var suffix: String { "-freed-at-once" }
  public static var fault: Fault? {
    Fault(
      "freed without a grace period, as proposed", happenedAs: "the proposal of 2024",
      caught: .by(["no-use-after-free"]), may: ["initialised"], racers: [("watch", 1), ("walk", 1)])
  }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ container: Addon, in memory: M) {
    memory.free(container)  // the fault
  }
}

/// Faulty: the container waits for RCU, as the inode does, but its connectors wait for SRCU and point back to it.
public enum AfterRCUAlone: ContainerRelease {
  public static var suffix: String { "-freed-after-rcu" }
  public static var fault: Fault? {
    Fault(
      "container freed before its users", happenedAs: "kernel 74bd284537b3, and what follows for the proposal of 2024",
      caught: .by(["no-use-after-free"]), may: ["initialised"], racers: [("watch", 1), ("show", 1)])
  }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ container: Addon, in memory: M) {
    memory.freeAfterGracePeriod(container, .rcu)  // the fault
  }
}
