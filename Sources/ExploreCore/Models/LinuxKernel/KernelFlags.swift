/// What the kernel's model flags in a consistent execution, besides data races: what is wrong with the program's sections
/// and locks. By the names in linux-kernel.bell and lock.cat.
struct KernelFlags: OptionSet {
  let rawValue: UInt8

  static let unmatchedLock = KernelFlags(rawValue: 1 << 0)
  static let unmatchedUnlock = KernelFlags(rawValue: 1 << 1)
  static let unmatchedSleepableLock = KernelFlags(rawValue: 1 << 2)
  static let unmatchedSleepableUnlock = KernelFlags(rawValue: 1 << 3)
  /// Two ends have one beginning.
  static let multipleMatches = KernelFlags(rawValue: 1 << 4)
  /// A grace period inside a section of RCU.
  static let invalidSleep = KernelFlags(rawValue: 1 << 5)
  /// A spinlock is given back by a thread that does not hold it.
  static let unmatchedSpinUnlock = KernelFlags(rawValue: 1 << 6)

  private static let all: [(flag: KernelFlags, name: String)] = [
    (.unmatchedLock, "unmatched-rcu-lock"), (.unmatchedUnlock, "unmatched-rcu-unlock"),
    (.unmatchedSleepableLock, "unmatched-srcu-lock"), (.unmatchedSleepableUnlock, "unmatched-srcu-unlock"),
    (.multipleMatches, "multiple-srcu-matches"), (.invalidSleep, "invalid-sleep"),
    (.unmatchedSpinUnlock, "unmatched-unlock"),
  ]

  var names: [String] { Self.all.filter { contains($0.flag) }.map(\.name) }
}

extension LinuxKernelModel {
  func flags(rf: Relation) -> KernelFlags {
    var flags: KernelFlags = []
    let srcuRscs = srcuRscs(rf: rf)
    for (number, event) in events.enumerated() where !event.tags.isDisjoint(with: .flagged) {
      func hasBeginning(_ sections: Relation) -> Bool { events.indices.contains { sections.has($0, number) } }
      if event.tags.contains(.rcuLock), rcuRscs.rows[number].isEmpty { flags.insert(.unmatchedLock) }
      if event.tags.contains(.rcuUnlock), !hasBeginning(rcuRscs) { flags.insert(.unmatchedUnlock) }
      if event.tags.contains(.srcuUnlock), !hasBeginning(srcuRscs) { flags.insert(.unmatchedSleepableUnlock) }
      if event.tags.contains(.srcuLock) {
        var ends = 0
        srcuRscs.rows[number].forEachEvent { _ in ends += 1 }
        if ends == 0 { flags.insert(.unmatchedSleepableLock) }
        if ends > 1 { flags.insert(.multipleMatches) }
      }
      if !event.tags.isDisjoint(with: [.rcuGracePeriod, .srcuGracePeriod]) {
        let surrounds = events.indices.contains { begin in
          po.has(begin, number) && !(rcuRscs.rows[begin] & po.rows[number]).isEmpty
        }
        if surrounds { flags.insert(.invalidSleep) }
      }
      if event.tags.contains(.unlock), !isHeld(at: number) { flags.insert(.unmatchedSpinUnlock) }
    }
    return flags
  }

  /// Whether the thread has taken the lock since it gave it back last.
  private func isHeld(at unlock: Int) -> Bool {
    let last = events.indices.last { earlier in
      po.has(earlier, unlock) && events[earlier].location == events[unlock].location
        && !events[earlier].tags.isDisjoint(with: [.lockWrite, .unlock])
    }
    return last.map { events[$0].tags.contains(.lockWrite) } ?? false
  }
}

extension KernelEvent.Tags {
  static let flagged: Self = [
    .rcuLock, .rcuUnlock, .srcuLock, .srcuUnlock, .rcuGracePeriod, .srcuGracePeriod, .unlock,
  ]
}
