import AddonMemory

/// Faulty: whoever sets the flag does not order that before its look at the slot.
public enum SetterUnfenced: PendingFlagVariant {
  @inlinable public static var fencesSetter: Bool { false }  // the fault
  public static var suffix: String { "-unfenced" }
  public static var fault: Fault? {
    Fault(
      "publish-then-look against set-then-look", happenedAs: "synthetic; break_lease since 6.12 has the shape",
      caught: .byChance(["assertion"]), racers: [("publish", 1), ("set", 1)], rightIn: [.sc])
  }
}

/// Faulty: the tag is set whatever is in the slot, and an empty one is then neither NULL nor a pointer.
public enum TaggedEmpty: TaggedSlotVariant {
  public static var suffix: String { "-tagged-empty" }
  public static var fault: Fault? {
    Fault(
      "a tag set on an empty slot", happenedAs: "synthetic", caught: .by(["initialised"]), may: ["single-winner"],
      racers: [("populate", 1), ("tag", 1)])
  }
  @inlinable @inline(__always)
  public static func tag<M: Memory>(_ slot: Word64, _ tag: UInt64, in memory: M) {
    memory.fetchOr(slot, tag, .relaxed)  // the fault
  }
}

/// Faulty: the timer is armed first. It may run before the addon is published, finds nothing to take out, and drops the
/// reference that the table does not have yet.
public enum ArmedFirst: ArmedTimerVariant {
  @inlinable public static var armsFirst: Bool { true }  // the fault
  public static var suffix: String { "-armed-first" }
  public static var fault: Fault? {
    Fault(
      "callback armed before publication", happenedAs: "CVE-2026-74662 (inet_frag_create)",
      caught: .byChance(["no-use-after-free"]),
      may: ["accounting", "single-winner", "initialised", "history", "visible-once"],
      racers: [("create", 1), ("expire", 1)])
  }
}

/// Faulty: the timer runs twice, and each run takes out what the other has taken out already.
public enum ExpiresTwice: ArmedTimerVariant {
  @inlinable public static var disarmsFirst: Bool { false }  // the fault
  public static var suffix: String { "-expires-twice" }
  public static var fault: Fault? {
    Fault(
      "two tear-downers, one after the other", happenedAs: "synthetic; guarded: del_timer says whether it was armed",
      caught: .by(["history"]), may: ["single-winner", "no-use-after-free", "initialised", "accounting"],
      racers: [("create", 1), ("expire", 2)])
  }
}

/// Faulty: an entry is marked without the lock, in a table that has just been copied: in the copy it is not.
public enum MarkedWithoutLock: GrowingTableVariant {
  @inlinable public static var locksToMark: Bool { false }  // the fault
  public static var suffix: String { "-marked-unlocked" }
  public static var fault: Fault? {
    Fault(
      "copy on grow that loses", happenedAs: "synthetic", caught: .byChance(["winner-effects"]),
      racers: [("add", 2), ("mark", 1)])
  }
}

/// Faulty: an entry is removed without the lock, from a table that has just been copied: in the copy it lives on.
public enum RemovedWithoutLock: GrowingTableVariant {
  @inlinable public static var locksToRemove: Bool { false }  // the fault
  public static var suffix: String { "-removed-unlocked" }
  public static var fault: Fault? {
    Fault(
      "copy on grow that revives", happenedAs: "synthetic", caught: .byChance(["winner-effects"]),
      racers: [("add", 2), ("remove", 1)])
  }
}

/// Faulty: the head of the list of free addons is the pointer alone. One that was taken and put back looks as if it had
/// never been away, and what comes behind it now is put in its place although it is in use.
public enum UncountedHead: FreeListVariant {
  @inlinable @inline(__always) public static func changed(_ head: UInt64, to address: UInt64) -> UInt64 {
    address  // the fault
  }
  public static var suffix: String { "-uncounted" }
  public static var fault: Fault? {
    Fault(
      "free-list ABA", happenedAs: "synthetic", caught: .byChance(["assertion"]), may: ["data-race"],
      racers: [("fill", 3)])
  }
}
