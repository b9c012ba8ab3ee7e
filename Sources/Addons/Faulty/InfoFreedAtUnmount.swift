import AddonMemory

/// Faulty: unmount frees the info as soon as nothing is watched. An event of FS_ERROR may still be reading it.
public enum InfoFreedAtUnmount: SuperblockInfoVariant {
  @inlinable public static var freesWhenUnmounted: Bool { true }  // the fault
  public static var suffix: String { "-freed-at-unmount" }
  public static var fault: Fault? {
    Fault(
      "container freed before its users", happenedAs: "kernel 795bb82d12a1", caught: .by(["no-use-after-free"]),
      may: ["initialised"], racers: [("watch", 1), ("unmount", 1), ("hook", 1)])
  }
}
