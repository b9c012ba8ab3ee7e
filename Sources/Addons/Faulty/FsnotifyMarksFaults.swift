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
      "freed without a grace period", happenedAs: "fsverity hash fix", caught: .by(["no-use-after-free"]),
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
      "revived after teardown", happenedAs: "shrinker_info, uprobes, coreclr 18782", caught: .by(["aggregate"]),
      may: ["history", "single-winner", "no-use-after-free", "initialised"], racers: [("add-and-remove", 2)])
  }
}

/// Faulty: a hook follows the connector's back pointer, which a detach clears under a lock that the hook does not hold.
public enum FollowsBackPointer: MarksVariant {
  public static var suffix: String { "-back-pointer" }
  public static var fault: Fault? {
    Fault(
      "detach against use", happenedAs: "kernel d90a10e2444b", caught: .by(["initialised"]),
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
  public static var suffix: String { "-recalculation-skipped" }
  public static var fault: Fault? {
    Fault(
      "stale aggregate mask", happenedAs: "fsnotify fix of 2026", caught: .by(["aggregate"]),
      racers: [("add-and-remove", 1), ("add", 1)])
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for marks: UInt64, adding mark: UInt64, cached: UInt64, in memory: M
  ) {
    if cached & Marks.mask(of: mark) == Marks.mask(of: mark) { return }  // the fault
    memory.store(mask, Marks.mask(of: marks), .relaxed)
  }
}

/// Faulty: a mark's events are added to the mask after the lock was given back, by a load and a store.
public enum MaskWithoutLock: MarksVariant {
  public static var suffix: String { "-mask-without-lock" }
  public static var fault: Fault? {
    Fault(
      "lost mask update", happenedAs: "kernel recalc fix", caught: .by(["aggregate"]),
      racers: [("add", 1), ("destroy", 1)])
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for marks: UInt64, adding mark: UInt64, cached: UInt64, in memory: M
  ) {}

  @inlinable @inline(__always)
  public static func addWithoutLock<M: Memory>(_ bits: UInt64, to mask: Word64, in memory: M) {
    let before = memory.load(mask, .relaxed)  // the fault
    memory.window()
    memory.store(mask, before | bits, .relaxed)
  }
}

/// Faulty: nothing orders the clearing of the mask before the clearing of the slot. Whoever finds the slot NULL may attach
/// a connector, under a lock of its own, and have its mask cleared by the old one's detach.
public enum MaskClearedLate: MarksVariant {
  @inlinable public static var ordersMaskBeforeSlot: Bool { false }  // the fault
  public static var suffix: String { "-mask-cleared-late" }
  public static var fault: Fault? {
    Fault(
      "lost mask update, by reordering",
      happenedAs: "found by this tool in the model: Linux has a barrier there by chance",
      caught: .byExploration(["aggregate"]), racers: [("add-and-remove", 1), ("add", 1)], rightIn: .strongOnly)
  }
}

/// Faulty: it is seen under the lock that no mark is left, and the connector is detached after it was given back. Two see
/// the same, and tear it down twice.
public enum DetachUnlocked: MarksVariant {
  @inlinable public static var detachesLocked: Bool { false }  // the fault
  public static var suffix: String { "-detach-unlocked" }
  public static var fault: Fault? {
    Fault(
      "two tear-downers", happenedAs: "kernel 5d800f87d0a5", caught: .by(["history", "no-use-after-free"]),
      may: ["single-winner", "aggregate", "initialised", "no-leak", "visible-once"], explored: ["history"],
      racers: [("add", 1), ("destroy", 2)])
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
