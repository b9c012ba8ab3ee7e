import AddonMemory

/// Faulty, as proposed: storage and container go at once with their inode. A program under RCU may still be at them.
public protocol FreesAtOnce: WholeVariant {}
extension FreesAtOnce {
  @inlinable public static var freeing: ContainerFreeing { .atOnce }  // the fault
  public static var fault: Fault? {
    Fault(
      "freed without a grace period, as proposed", happenedAs: "the proposal of 2024; Song Liu's bpf series before v3",
      caught: .by(["no-use-after-free"]), may: ["initialised", "no-leak", "history", "single-winner"],
      racers: [("bpf", 1), ("program", 1)])
  }
}
public enum AtOnce: FreesAtOnce {
  public static var suffix: String { "-freed-at-once" }
}
public enum AtOnceMaskInInode: FreesAtOnce {
  @inlinable public static var keepsMaskInInode: Bool { true }
  public static var suffix: String { "-mask-inline-freed-at-once" }
}

/// Faulty, half a repair: storage and container are taken off at once, and freed after a grace period. A program that found
/// the inode alive fills what has been emptied, and nobody will ever take that off.
public protocol FreesAfterGracePeriod: WholeVariant {}
extension FreesAfterGracePeriod {
  @inlinable public static var freeing: ContainerFreeing { .afterGracePeriod }  // the fault
}
public enum EmptiedFirst: FreesAfterGracePeriod {
  public static var suffix: String { "-emptied-first" }
  public static var fault: Fault? { Self.filledAfterEviction(happenedAs: "shrinker_info (6.12.96), by its title") }
}
public enum EmptiedFirstMaskInInode: FreesAfterGracePeriod {
  @inlinable public static var keepsMaskInInode: Bool { true }
  public static var suffix: String { "-mask-inline-emptied-first" }
  public static var fault: Fault? { Self.filledAfterEviction(happenedAs: "shrinker_info (6.12.96), by its title") }
}

/// Faulty, the other half besides: the program looks whether the inode is still alive before it fills. It may be evicted
/// between the look and the filling.
public enum CheckedThenFilled: FreesAfterGracePeriod {
  @inlinable public static var checksBeforeFilling: Bool { true }
  public static var suffix: String { "-checked-then-filled" }
  public static var fault: Fault? { Self.filledAfterEviction(happenedAs: "synthetic") }
}

extension FreesAfterGracePeriod {
  static func filledAfterEviction(happenedAs: String) -> Fault {
    Fault(
      "filled after eviction", happenedAs: happenedAs, caught: .by(["no-leak"]), may: ["history", "single-winner"],
      racers: [("bpf", 1), ("program", 1)])
  }
}

/// Faulty: a connector is still attached when the container goes. Whoever destroys its mark after that writes the mask, and
/// NULL, into freed memory.
public protocol LeavesConnectorAttached: WholeVariant {}
extension LeavesConnectorAttached {
  @inlinable public static var destroysMarks: Bool { false }  // the fault
  public static var fault: Fault? {
    Fault(
      "container freed before its users", happenedAs: "kernel 795bb82d12a1 (superblock info), 74bd284537b3",
      caught: .by(["no-use-after-free"]), may: ["no-leak", "history", "initialised", "aggregate"],
      racers: [("watch", 1), ("bpf", 1)])
  }
}
public enum ConnectorLeftAttached: LeavesConnectorAttached {
  public static var suffix: String { "-connector-left" }
}
public enum ConnectorLeftAttachedMaskInInode: LeavesConnectorAttached {
  @inlinable public static var keepsMaskInInode: Bool { true }
  public static var suffix: String { "-mask-inline-connector-left" }
}
