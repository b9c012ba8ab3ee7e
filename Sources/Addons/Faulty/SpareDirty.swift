import AddonMemory

/// Faulty: a loser's spare is used for the next level as it is, still filled for the first.
public enum SpareDirty: SpareCleaning {
  @inlinable @inline(__always) public static func clean<M: Memory>(_ spare: Addon, in memory: M) {
    // the fault: nothing is zeroed
  }
  public static var suffix: String { "-dirty" }
  public static var fault: Fault? {
    Fault("loser's spare reused dirty", happenedAs: "CVE-2024-47668", caught: .by(["initialised"]))
  }
}
