import AddonMemory

/// Faulty: the winner starts the count after publication, over what others have counted by then.
public enum CountsFromPublication: SuperblockInfoVariant {
  public static var suffix: String { "-counted-late" }
  public static var fault: Fault? {
    Fault(
      "initial reference after publication", happenedAs: "guarded: futex private hash", caught: .by(["accounting"]))
  }

  @inlinable @inline(__always)
  public static func start<M: Memory>(_ populated: Populated, in memory: M) {
    if case .won(let info) = populated {
      memory.window()
      memory.store(SuperblockInfoMaker.watched(info), 0, .relaxed)  // the fault: after publication
    }
  }
}
