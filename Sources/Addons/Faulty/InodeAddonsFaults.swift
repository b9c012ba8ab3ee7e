/// Faulty: whoever loses the race for the storage keeps its charge on the map.
public enum NeverUncharges: InodeAddonsVariant {
  @inlinable public static var unchargesOnLoss: Bool { false }  // the fault
  public static var suffix: String { "-never-uncharged" }
  public static var fault: Fault? {
    Fault(
      "accounting drift, loser", happenedAs: "kernel 4396a73115fc (fsnotify, 5.15-rc)", caught: .by(["accounting"]))
  }
}

/// Faulty: the inode goes and leaves the storage behind.
public enum StorageForgotten: InodeAddonsVariant {
  @inlinable public static var freesStorage: Bool { false }  // the fault
  public static var suffix: String { "-storage-forgotten" }
  public static var fault: Fault? {
    Fault("teardown forgets a door", happenedAs: "synthetic", caught: .by(["no-leak"]))
  }
}

/// Faulty: the container is freed first, and what hangs off it is looked for in freed memory.
public enum ContainerFreedFirst: InodeAddonsVariant {
  @inlinable public static var freesContainerFirst: Bool { true }  // the fault
  public static var suffix: String { "-container-freed-first" }
  public static var fault: Fault? {
    Fault(
      "container freed before its users", happenedAs: "kernel 74bd284537b3",
      caught: .by(["no-use-after-free", "no-leak"]))
  }
}

/// Faulty: a hook acquires what hangs off the container, and not the container itself.
public enum ContainerNotAcquired: InodeAddonsVariant {
  @inlinable public static var acquiresContainer: Bool { false }  // the fault
  public static var suffix: String { "-container-relaxed" }
  public static var fault: Fault? {
    Fault(
      "outer pointer relaxed, inner acquired", happenedAs: "synthetic; right in the kernel's model",
      caught: .byThreadSanitizer, racers: [("fsnotify", 1), ("hook", 1)], rightIn: .allButC11)
  }
}

/// Faulty: one allocation is published through both doors, and each frees it.
public enum MarksPublishedTwice: InodeAddonsVariant {
  @inlinable public static var marksAreStorage: Bool { true }  // the fault
  public static var suffix: String { "-published-twice" }
  public static var fault: Fault? {
    Fault(
      "one allocation published in two slots", happenedAs: "synthetic", caught: .by(["visible-once"]),
      may: ["initialised", "accounting", "single-winner", "no-use-after-free"], racers: [("fsnotify", 1), ("bpf", 1)])
  }
}
