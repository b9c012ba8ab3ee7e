import AddonMemory

/// Faulty: everyone who made an info links one to the master key, winner or not.
public enum LoserLinks: KeyLinking {
  public static var suffix: String { "-linked-by-loser" }
  public static var fault: Fault? {
    Fault(
      "side effect done by a loser", happenedAs: "guarded: fscrypt",
      caught: .by(["winner-effects"]))
  }

  @inlinable @inline(__always)
  public static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M) {
    switch populated {
    case .won(let info): key.link(info, in: memory)
    case .lost, .lostKeeping, .lostWithoutLooking:
      memory.fetchAdd(key.references, 1, .relaxed)  // the fault: a loser counts itself too
    case .found: break
    }
  }
}

/// Faulty: the winner forgets to link what it published.
public enum NobodyLinks: KeyLinking {
  public static var suffix: String { "-never-linked" }
  public static var fault: Fault? {
    Fault("winner's effect never done", happenedAs: "synthetic", caught: .by(["winner-effects"]))
  }

  @inlinable @inline(__always)
  public static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M) {}  // the fault
}

/// Faulty: whoever has won lets go of the key's semaphore before it links: the key's removal misses what is visible.
public enum LinkedOutsideSemaphore: KeyLinking {
  @inlinable public static var linksInsideSemaphore: Bool { false }  // the fault
  public static var suffix: String { "-linked-outside" }
  public static var fault: Fault? {
    Fault(
      "winner's effect after its lock", happenedAs: "synthetic; guarded: setup_file_encryption_key keeps mk_sem",
      caught: .byChance(["winner-effects"]), racers: [("setup", 1), ("remove-key", 1)])
  }

  @inlinable @inline(__always)
  public static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M) {
    WinnerLinks.link(populated, to: key, in: memory)
  }
}
