/// Faulty: a lock that was added to the inode's list is never removed.
public enum LocksLeaked: LockRelease {
  @inlinable public static var removesLock: Bool { false }  // the fault
  public static var suffix: String { "-leaked-lock" }
  public static var fault: Fault? {
    Fault(
      "lock left on the list", happenedAs: "what \"leaked locks\" warns of", caught: .by(["no-leak"]),
      may: ["losers-freed"])
  }
}
