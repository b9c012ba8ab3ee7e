/// Faulty: whoever removes its lock from the list keeps the list's own lock.
public enum ContextLockKept: LockRelease {
  @inlinable public static var removesLock: Bool { true }
  @inlinable public static var unlocksContext: Bool { false }  // the fault
  public static var suffix: String { "-kept" }
  public static var fault: Fault? {
    Fault("lock never given back", happenedAs: "synthetic", caught: .byWatchdog)
  }
}
