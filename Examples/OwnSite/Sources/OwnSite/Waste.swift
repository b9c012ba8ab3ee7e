import AddonRace

/// A checker of one's own: it is asked of every round and every execution.
public struct Waste: Checker {
  public let name = "waste"
  public let summary = "More than one allocation in vain for one object."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    let inVain = evidence.allocations.filter { $0.published == 0 }
    return Dictionary(grouping: inVain, by: \.inode).filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
      .map { inode, allocations in
        Finding(
          checker: name, message: "\(allocations.count) allocations were made in vain", round: evidence.round,
          inode: inode, racers: allocations.map(\.racer))
      }
  }
}
