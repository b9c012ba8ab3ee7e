import AddonMemory

/// In which order a connector comes off its object. What orders mask = 0 before slot = NULL decides whether a new
/// connector, under a lock of its own, can have its mask cleared by the old one.
public enum Detaching {
  /// The slot, then the mask by a plain store. Linux 4.12 to 4.18.
  case slotFirst
  /// The mask by a plain store, the superblock's count down (a full barrier), the slot. Linux 5.15 to 6.9, since
  /// ec44610fe2b8.
  case countsBetween
  /// The mask by a plain store, the slot, and the count last. Linux 6.10 and later, since c9d4603b054f.
  case countsLast
  /// The mask by a plain store, off the superblock's list under its lock, the slot, the count. Inodes in Linux 7.0 and
  /// later, since 94bd01253c3d.
  case listLockBetween
  /// As `countsLast`, with the mask by WRITE_ONCE: no data race, and no order either.
  case marked
  /// The mask by WRITE_ONCE, and the slot by a store-release: right in every model.
  case released
}

/// Which fsnotify it is: the order of a version of Linux, or where a faulty one departs from the right one.
public protocol MarksVariant {
  static var detaching: Detaching { get }
  /// A hook tests the slot plainly, before the mask.
  static var testsSlotPlainly: Bool { get }
  /// A hook follows the slot inside its read-side section.
  static var usesInsideSection: Bool { get }
  /// A hook leaves its section at the end.
  static var leavesSection: Bool { get }
  /// Who waits for a grace period does so inside a section of its own.
  static var waitsInsideSection: Bool { get }
  /// Whoever has locked a connector looks whether it is still attached.
  static var checksDetached: Bool { get }
  /// A mark is refused while all marks are being destroyed. Linux 6.12.115 and 7.2.13.
  static var refusesWhileDestroyed: Bool { get }
  /// Who destroys all marks frees a connector that has none yet.
  static var freesEmptyConnector: Bool { get }
  /// An addition looks at the mask before it takes the lock.
  static var looksAtMaskFirst: Bool { get }
  /// Whoever removes its mark puts its own reference too.
  static var putsOwnReference: Bool { get }
  /// Whoever loses the race for the connector adds its mark to the winner's.
  static var losersAddTheirMark: Bool { get }
  static var suffix: String { get }
  static var summary: String { get }
  static var source: String { get }
  /// The versions of Linux that it is as.
  static var versions: LinuxVersions? { get }
  static var fault: Fault? { get }

  static func free<M: Memory>(_ connector: Addon, in memory: M)
  /// The mask after a mark was added, under the connector's lock: `events` is what the marks on it want. `cached` is what
  /// the mask held before, where the addition looked.
  static func recalculate<M: Memory>(
    _ mask: Word64, for events: UInt64, adding: UInt64, cached: UInt64, isDetached: Bool, in memory: M)
  static func addWithoutLock<M: Memory>(_ events: UInt64, to mask: Word64, in memory: M)
  /// What else a hook does with the connector.
  static func follow<M: Memory>(_ connector: Addon, of inode: Inode, in memory: M)
}

extension MarksVariant {
  @inlinable public static var detaching: Detaching { .released }
  @inlinable public static var testsSlotPlainly: Bool { false }
  @inlinable public static var usesInsideSection: Bool { true }
  @inlinable public static var leavesSection: Bool { true }
  @inlinable public static var waitsInsideSection: Bool { false }
  @inlinable public static var checksDetached: Bool { true }
  @inlinable public static var refusesWhileDestroyed: Bool { true }
  @inlinable public static var freesEmptyConnector: Bool { true }
  @inlinable public static var looksAtMaskFirst: Bool { false }
  @inlinable public static var putsOwnReference: Bool { true }
  @inlinable public static var losersAddTheirMark: Bool { true }
  public static var summary: String {
    "What watches an inode: a connector that comes with the first mark, and goes with the last."
  }
  public static var source: String { "fs/notify/mark.c, Linux 6.12.117, with its two stores ordered" }
  public static var versions: LinuxVersions? { nil }

  @inlinable @inline(__always)
  public static func free<M: Memory>(_ connector: Addon, in memory: M) {
    memory.freeAfterGracePeriod(connector, .fsnotifyMarks)
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for events: UInt64, adding: UInt64, cached: UInt64, isDetached: Bool, in memory: M
  ) {
    if !isDetached { memory.store(mask, events, .relaxed) }
  }

  @inlinable @inline(__always)
  public static func addWithoutLock<M: Memory>(_ events: UInt64, to mask: Word64, in memory: M) {}

  @inlinable @inline(__always)
  public static func follow<M: Memory>(_ connector: Addon, of inode: Inode, in memory: M) {}
}

/// Right in every model: as Linux 6.12, with the mask cleared by WRITE_ONCE and the slot by a store-release.
public enum MarksOrdered: MarksVariant {
  public static var suffix: String { "-ordered" }
  public static var fault: Fault? { nil }
}

/// Linux 6.10 to 6.19, and to this day what is not an inode.
public enum MarksOfLinux6_10: MarksVariant {
  @inlinable public static var detaching: Detaching { .countsLast }
  @inlinable public static var testsSlotPlainly: Bool { true }
  @inlinable public static var freesEmptyConnector: Bool { false }
  public static var suffix: String { "" }
  public static var source: String { "fs/notify/mark.c, Linux 6.12.117" }
  public static var versions: LinuxVersions? { LinuxVersions("6.10", "6.19", of: "fsnotify-marks") }
  public static var fault: Fault? {
    Fault(
      "old detach clears the new mask",
      happenedAs: "kernel c9d4603b054f (6.10, to this day), by reading; herd7: Sometimes",
      caught: .byThreadSanitizer, may: ["aggregate"], explored: ["data-race"],
      racers: [("add-and-remove", 1), ("add", 1)],
      rightIn: .strongOnly)
  }
}

/// Inodes in Linux 7.0 and later.
public enum MarksOfLinux7_0: MarksVariant {
  @inlinable public static var detaching: Detaching { .listLockBetween }
  @inlinable public static var testsSlotPlainly: Bool { true }
  @inlinable public static var freesEmptyConnector: Bool { false }
  public static var suffix: String { "-7.0" }
  public static var source: String { "fs/notify/mark.c, Linux 7.2.13, inodes" }
  public static var versions: LinuxVersions? { LinuxVersions("7.0", nil, of: "fsnotify-marks") }
  public static var fault: Fault? {
    Fault(
      "old detach clears the new mask", happenedAs: "kernel 94bd01253c3d (7.0), by reading; herd7: Sometimes",
      caught: .byThreadSanitizer, may: ["aggregate"], explored: ["data-race"],
      racers: [("add-and-remove", 1), ("add", 1)],
      rightIn: .strongOnly)
  }
}

/// Linux 5.15 to 6.9: the count comes down between the two stores, and is a full barrier. Hooks race with the plain store.
public enum MarksOfLinux5_15: MarksVariant {
  @inlinable public static var detaching: Detaching { .countsBetween }
  @inlinable public static var testsSlotPlainly: Bool { true }
  @inlinable public static var freesEmptyConnector: Bool { false }
  @inlinable public static var refusesWhileDestroyed: Bool { false }
  public static var suffix: String { "-5.15" }
  public static var source: String { "fs/notify/mark.c, Linux 5.15" }
  public static var versions: LinuxVersions? { LinuxVersions("5.15", "6.9", of: "fsnotify-marks") }
  public static var fault: Fault? {
    Fault(
      "mask cleared by a plain store", happenedAs: "kernel ec44610fe2b8 (5.15 to 6.9), by reading",
      caught: .byThreadSanitizer, racers: [("add-and-remove", 1), ("hook", 1)], rightIn: .strongOnly)
  }
}

/// Linux 4.12 to 4.18: the slot first.
public enum MarksOfLinux4_14: MarksVariant {
  @inlinable public static var detaching: Detaching { .slotFirst }
  @inlinable public static var testsSlotPlainly: Bool { true }
  @inlinable public static var freesEmptyConnector: Bool { false }
  @inlinable public static var refusesWhileDestroyed: Bool { false }
  public static var suffix: String { "-4.14" }
  public static var source: String { "fs/notify/mark.c, Linux 4.14" }
  public static var versions: LinuxVersions? { LinuxVersions("4.12", "4.18", of: "fsnotify-marks") }
  public static var fault: Fault? {
    Fault(
      "old detach clears the new mask, even in order", happenedAs: "kernel 4.12 to 4.18, by reading",
      caught: .byChance(["aggregate"]), racers: [("add-and-remove", 1), ("add", 1)])
  }
}
