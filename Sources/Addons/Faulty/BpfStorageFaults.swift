import AddonMemory

/// Faulty: whoever loses frees its element and leaves it on the map's list.
public enum LosersElementLeft: BpfStorageVariant {
  @inlinable public static var unlinksLosers: Bool { false }  // the fault
  public static var suffix: String { "-element-left" }
  public static var fault: Fault? {
    Fault(
      "side effect done by a loser", happenedAs: "guarded: bpf_local_storage_alloc unlinks",
      caught: .by(["winner-effects"]), may: ["no-use-after-free", "initialised"], racers: [("update", 2)])
  }
}

/// Faulty: whoever loses takes back the charge for its element, and not the one for its storage.
public enum UnchargedOnce: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var unchargesStorage: Bool { false }  // the fault
  public static var suffix: String { "-uncharged-once" }
  public static var fault: Fault? {
    Fault(
      "accounting drift, loser", happenedAs: "kernel 4396a73115fc (fsnotify, 5.15-rc)", caught: .by(["accounting"]),
      racers: [("update", 2)])
  }
}

/// Faulty: the owner goes with all that hangs off it, and is still charged for it.
public enum DestroyedCharged: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var unchargesAtDestruction: Bool { false }  // the fault
  public static var suffix: String { "-destroyed-charged" }
  public static var fault: Fault? {
    Fault(
      "accounting drift, teardown", happenedAs: "kernel 55d49f750b1c (bpf, when the socket dies)",
      caught: .by(["accounting"]), racers: [("update", 1), ("destroy", 1)])
  }
}

/// Faulty: the owner's side and the map's both delete the element, without looking whether the other has.
public enum DeletedTwice: BpfStorageVariant {
  @inlinable public static var checksLinked: Bool { false }  // the fault
  public static var suffix: String { "-deleted-twice" }
  public static var fault: Fault? {
    Fault(
      "two tear-downers, one from each side", happenedAs: "synthetic; guarded: selem_linked_to_storage under the lock",
      caught: .byChance(["no-use-after-free"]),
      may: ["history", "single-winner", "initialised", "winner-effects"],
      racers: [("update", 1), ("destroy", 1), ("free-map", 1)])
  }
}

/// Faulty: of an owner and a map that go at once, each frees what it has taken off a list.
public enum StateIgnored: BpfStorageVariant {
  @inlinable public static var exchangesUnderBucketLock: Bool { true }
  @inlinable public static var meetsInState: Bool { true }
  @inlinable public static var freesByPlaces: Bool { true }  // the fault
  public static var suffix: String { "-state-ignored" }
  public static var source: String { "kernel/bpf/bpf_local_storage.c, Linux 7.2" }
  public static var fault: Fault? {
    Fault(
      "two tear-downers", happenedAs: "synthetic; guarded: a state word, 5d800f87d0a5",
      caught: .byChance(["no-use-after-free"]), may: ["initialised", "winner-effects", "accounting"],
      racers: [("update", 1), ("destroy", 1), ("free-map", 1)])
  }
}

/// Faulty: a look-up caches what it has found, though it may have been replaced meanwhile.
public enum CachedWhenGone: BpfStorageVariant {
  @inlinable public static var cachesLinkedOnly: Bool { false }  // the fault
  public static var suffix: String { "-cached-when-gone" }
  public static var fault: Fault? {
    Fault(
      "stale fill of a slot that was emptied meanwhile",
      happenedAs: "synthetic; guarded: __bpf_local_storage_insert_cache looks under the lock",
      caught: .byChance(["aggregate"]), may: ["no-use-after-free", "initialised"],
      racers: [("update", 2), ("use", 1)])
  }
}

/// Faulty: an update puts its element onto a storage from which the last one has just been deleted.
public enum AddedWhileDeleted: BpfStorageVariant {
  @inlinable public static var looksAgain: Bool { false }  // the fault
  public static var suffix: String { "-added-while-deleted" }
  public static var fault: Fault? {
    Fault(
      "revived after teardown", happenedAs: "synthetic; guarded: bpf_local_storage_update looks again under the lock",
      caught: .byChance(["no-leak"]),
      may: ["winner-effects", "no-use-after-free", "initialised", "history", "single-winner"],
      racers: [("update", 1), ("update-other", 1), ("delete", 1)])
  }
}

/// Faulty: element and storage are freed as soon as they are unlinked, under the eyes of those who read them under RCU.
public enum FreedUnderReaders: BpfStorageVariant {
  public static var suffix: String { "-freed-under-readers" }
  public static var fault: Fault? {
    Fault(
      "freed without a grace period", happenedAs: "fsverity hash fix (7.2.11)", caught: .by(["no-use-after-free"]),
      may: ["initialised"], racers: [("update", 1), ("delete", 1), ("use", 1)])
  }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ addon: Addon, in memory: M) {
    memory.free(addon)  // the fault
  }
}

/// Faulty: a socket that goes takes nothing along, and its map follows the storage's pointer to it later.
public enum OwnerFreedFirst: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var destroysStorage: Bool { false }  // the fault
  public static var suffix: String { "-owner-freed-first" }
  public static var fault: Fault? {
    Fault(
      "owner freed before its storage", happenedAs: "kernel b0fd1852bcc2 (bpf, a failed fork)",
      caught: .byChance(["no-use-after-free"]), may: ["accounting", "no-leak"],
      racers: [("update", 1), ("destroy", 1), ("free-map", 1)])
  }
}

/// Faulty: the last element's charge is taken back after the slot was emptied, from where the socket may be freed.
public enum UnchargedTooLate: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var unchargesFirst: Bool { false }  // the fault
  public static var suffix: String { "-uncharged-too-late" }
  public static var fault: Fault? {
    Fault(
      "owner used after its storage let go of it",
      happenedAs: "synthetic; guarded: \"all uncharging on the owner must be done first\"",
      caught: .byChance(["no-use-after-free"]), may: ["accounting"],
      racers: [("update", 1), ("destroy", 1), ("free-map", 1)])
  }
}

/// Faulty: a map goes as soon as its list is empty, though whoever emptied it may still hold its lock.
public enum MapFreedAtOnce: BpfStorageVariant {
  @inlinable public static var isSocket: Bool { true }
  @inlinable public static var waitsForUsers: Bool { false }  // the fault
  public static var suffix: String { "-map-freed-at-once" }
  public static var fault: Fault? {
    Fault(
      "map freed under those who use it",
      happenedAs: "synthetic; guarded: the second synchronize_rcu of bpf_local_storage_map_free",
      caught: .byChance(["no-use-after-free"]), may: ["accounting", "crash"],
      racers: [("update", 1), ("destroy", 1), ("free-map", 1)])
  }
}
