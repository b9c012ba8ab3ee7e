import AddonMemory

/// Faulty: whoever loses frees its element and leaves it on the map's list.
public enum LosersElementLeft: BpfStorageVariant {
  @inlinable public static var loserUnlinksElement: Bool { false }  // the fault
  public static var suffix: String { "-element-left" }
  public static var fault: Fault? {
    Fault(
      "side effect done by a loser", happenedAs: "guarded: bpf_local_storage_alloc unlinks",
      caught: .byCrash, may: ["winner-effects", "no-use-after-free", "initialised"], racers: [("update", 2)])
  }
}

/// Faulty: whoever loses takes back the charge for its element, and not the one for its storage.
public enum UnchargedOnce: BpfStorageVariant {
  @inlinable public static var unchargesTwice: Bool { false }  // the fault
  public static var suffix: String { "-uncharged-once" }
  public static var fault: Fault? {
    Fault(
      "accounting drift, loser", happenedAs: "kernel 4396a73115fc (fsnotify, 5.15-rc)", caught: .by(["accounting"]),
      racers: [("update", 2)])
  }
}

/// Faulty: the inode's side and the map's both delete the element, without looking whether the other has.
public enum DeletedTwice: BpfStorageVariant {
  @inlinable public static var checksLinked: Bool { false }  // the fault
  public static var suffix: String { "-deleted-twice" }
  public static var fault: Fault? {
    Fault(
      "two tear-downers, one from each side", happenedAs: "synthetic; guarded: a state word, 5d800f87d0a5",
      caught: .by(["no-use-after-free", "accounting"]),
      may: ["history", "single-winner", "initialised", "winner-effects"],
      racers: [("update", 1), ("delete", 1), ("free-map", 1)])
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
