import AddonMemory

/// Faulty: a hook reads the slot inside its section, and uses what it found after it.
public enum UseAfterSection: MarksVariant {
  @inlinable public static var usesInsideSection: Bool { false }  // the fault
  public static var suffix: String { "-use-after-section" }
  public static var fault: Fault? {
    Fault(
      "reader outside its section, slot back to NULL", happenedAs: "CVE-2024-46801",
      caught: .by(["no-use-after-free"]), racers: [("add-and-remove", 1), ("hook", 1)])
  }
}

/// Faulty: the connector is freed as soon as it is detached.
public enum NoGracePeriod: MarksVariant {
  public static var suffix: String { "-no-grace-period" }
  public static var fault: Fault? {
    Fault(
      "freed without a grace period", happenedAs: "fsverity hash fix (7.2.11)",
      caught: .by(["no-use-after-free"]),
      may: ["initialised"], racers: [("add-and-remove", 1), ("hook", 1)])
  }

  @inlinable @inline(__always)
  public static func free<M: Memory>(_ connector: Addon, in memory: M) {
    memory.free(connector)  // the fault
  }
}

/// Faulty: whoever has locked the connector believes that it is still attached, and adds its mark to what is gone.
public enum DetachedUnchecked: MarksVariant {
  @inlinable public static var checksDetached: Bool { false }  // the fault
  public static var suffix: String { "-detached-unchecked" }
  public static var fault: Fault? {
    Fault(
      "revived after teardown",
      happenedAs: "shrinker_info (6.12.96), uprobes (6.12.19), by their titles; coreclr 18782",
      caught: .by(["no-use-after-free"]),
      may: ["history", "single-winner", "accounting", "aggregate", "initialised", "no-leak", "visible-once"],
      racers: [("add-and-remove", 2)])
  }
}

/// Faulty: a hook follows the connector's back pointer, which a detach clears under a lock that the hook does not hold.
public enum FollowsBackPointer: MarksVariant {
  public static var suffix: String { "-back-pointer" }
  public static var fault: Fault? {
    Fault(
      "detach against use", happenedAs: "synthetic: in Linux the lock guards it", caught: .by(["initialised"]),
      racers: [("add-and-remove", 1), ("hook", 1)])
  }

  @inlinable @inline(__always)
  public static func follow<M: Memory>(_ connector: Addon, of inode: Inode, in memory: M) {
    let object = memory.load(ConnectorMaker.object(connector), .relaxed)  // the fault
    if object != UInt64(inode.address) {
      memory.violated(
        .initialised, seen: object, expected: UInt64(inode.address), at: ConnectorMaker.object(connector).address)
    }
  }
}

/// Faulty: the mask is not recalculated for a mark whose events are in it already; by the time the lock is taken they
/// may have gone.
public enum RecalculationSkipped: MarksVariant {
  @inlinable public static var looksAtMaskFirst: Bool { true }
  public static var suffix: String { "-recalculation-skipped" }
  public static var fault: Fault? {
    Fault(
      "stale aggregate mask", happenedAs: "CVE-2026-89595 (6.12.110)", caught: .by(["aggregate"]),
      racers: [("add-and-remove", 1), ("add", 1)])
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for events: UInt64, adding: UInt64, cached: UInt64, isDetached: Bool, in memory: M
  ) {
    if isDetached || cached & adding == adding { return }  // the fault
    memory.store(mask, events, .relaxed)
  }
}

/// Faulty: a mark's events are added to the mask after the lock was given back, by a load and a store.
public enum MaskWithoutLock: MarksVariant {
  public static var suffix: String { "-mask-without-lock" }
  public static var fault: Fault? {
    Fault(
      "lost mask update", happenedAs: "synthetic", caught: .by(["aggregate"]),
      racers: [("add", 1), ("destroy", 1)])
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for events: UInt64, adding: UInt64, cached: UInt64, isDetached: Bool, in memory: M
  ) {}

  @inlinable @inline(__always)
  public static func addWithoutLock<M: Memory>(_ events: UInt64, to mask: Word64, in memory: M) {
    let before = memory.load(mask, .relaxed)  // the fault
    memory.window()
    memory.store(mask, before | events, .relaxed)
  }
}

/// Faulty: nothing orders the clearing of the mask before the clearing of the slot. Whoever finds the slot NULL may attach
/// a connector, under a lock of its own, and have its mask cleared by the old one's detach. (Linux has this fault, and a
/// plain store besides; here it stands alone.)
public enum MaskClearedLate: MarksVariant {
  @inlinable public static var detaching: Detaching { .marked }  // the fault
  public static var suffix: String { "-mask-cleared-late" }
  public static var fault: Fault? {
    Fault(
      "lost mask update, by reordering",
      happenedAs: "kernel c9d4603b054f (6.10, to this day), by reading; herd7: Sometimes",
      caught: .byExploration(["aggregate"]), racers: [("add-and-remove", 1), ("add", 1)], rightIn: .strongOnly)
  }
}

/// Faulty: a hook that found a connector never leaves its section. What is detached can never be freed.
public enum SectionKept: MarksVariant {
  @inlinable public static var leavesSection: Bool { false }  // the fault
  public static var suffix: String { "-section-kept" }
  public static var fault: Fault? {
    Fault(
      "section never left", happenedAs: "synthetic", caught: .byWatchdog,
      racers: [("add-and-remove", 1), ("hook", 1)])
  }
}

/// Faulty: who waits for a grace period is itself inside a section that it waits for.
public enum WaitsForItself: MarksVariant {
  @inlinable public static var waitsInsideSection: Bool { true }  // the fault
  public static var suffix: String { "-waits-for-itself" }
  public static var fault: Fault? {
    Fault(
      "grace period inside its own section", happenedAs: "synthetic; what synchronize_srcu warns of",
      caught: .byWatchdog, racers: [("destroy-group", 1), ("hook", 1)])
  }
}

/// Faulty: who destroys all marks detaches a connector whose attacher has not come to adding its mark, and leaves it: it is
/// freed with its last mark, and there will be none. (Linux 6.12.117 does this, by reading: nobody has reported it.)
public enum EmptyConnectorLeft: MarksVariant {
  @inlinable public static var freesEmptyConnector: Bool { false }  // the fault
  public static var suffix: String { "-empty-connector-left" }
  public static var fault: Fault? {
    Fault(
      "detached before its first mark, and never freed", happenedAs: "kernel 6.12.117, by reading",
      caught: .by(["no-leak"]), racers: [("add", 1), ("destroy", 1)])
  }
}

/// Faulty: while all marks are being destroyed, with the lock dropped at each, one more is let onto the connector, and
/// survives its detach. The slot is NULL, and nobody will ever come back for it.
public enum AddedWhileDestroyed: MarksVariant {
  @inlinable public static var refusesWhileDestroyed: Bool { false }  // the fault
  public static var suffix: String { "-added-while-destroyed" }
  public static var fault: Fault? {
    Fault(
      "attach during teardown", happenedAs: "fsnotify, fixed in 6.12.115 and 7.2.13", caught: .by(["no-leak"]),
      may: ["history", "accounting"], racers: [("destroy", 1), ("add", 2)])
  }
}

/// Faulty: whoever removes its mark forgets the reference that it has itself, as one that returns early. The mark stays.
public enum ReferenceForgotten: MarksVariant {
  @inlinable public static var putsOwnReference: Bool { false }  // the fault
  public static var suffix: String { "-reference-forgotten" }
  public static var fault: Fault? {
    Fault(
      "reference leaked on an early return", happenedAs: "CVE-2019-9857 (inotify, IN_MASK_CREATE)",
      caught: .by(["aggregate"]), may: ["accounting", "no-leak"], racers: [("add-and-remove", 2)])
  }
}

/// Faulty: the link of the list of what is to be freed shares its word with the list of marks, which hooks still walk.
public enum DeferralOverwrites: MarksVariant {
  public static var suffix: String { "-deferral-overwrites" }
  public static var fault: Fault? {
    Fault(
      "deferral overwrites what readers walk", happenedAs: "kernel d90a10e2444b (4.17)",
      caught: .by(["initialised"]), racers: [("add-and-remove", 1), ("hook", 1)])
  }

  @inlinable @inline(__always)
  public static func free<M: Memory>(_ connector: Addon, in memory: M) {
    // The fault. A list of the dead leads somewhere else: here to where a hook takes the back pointer for a mark's events.
    memory.store(ConnectorMaker.first(connector), UInt64(connector.address &- 8), .relaxed)
    memory.freeAfterGracePeriod(connector, .fsnotifyMarks)
  }
}

/// Faulty: the mask is built in place, from nothing: an event that comes meanwhile finds nobody watching.
public enum MaskBuiltInPlace: MarksVariant {
  public static var suffix: String { "-mask-in-place" }
  public static var fault: Fault? {
    Fault(
      "partial aggregate mask", happenedAs: "kernel 35ceae44742e (6.12-rc2)", caught: .byChance(["aggregate"]),
      racers: [("add-and-listen", 1), ("add", 1)])
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for events: UInt64, adding: UInt64, cached: UInt64, isDetached: Bool, in memory: M
  ) {
    if isDetached { return }
    memory.store(mask, 0, .relaxed)  // the fault
    memory.window()
    memory.fetchOr(mask, events, .relaxed)
  }
}

/// Faulty: whoever loses the race for the connector frees its own, and forgets that it came to add a mark.
public enum LosersMarkForgotten: MarksVariant {
  @inlinable public static var losersAddTheirMark: Bool { false }  // the fault
  public static var suffix: String { "-mark-forgotten" }
  public static var fault: Fault? {
    Fault(
      "loser forgets its own work", happenedAs: "synthetic; guarded: fsnotify_add_mark_list starts over",
      caught: .by(["no-leak"]), may: ["losers-freed"], racers: [("add", 2)])
  }
}
