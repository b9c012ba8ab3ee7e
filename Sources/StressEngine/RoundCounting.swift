import RaceLoops
import RaceModel

/// What a round that was judged counts: populations, collisions, losers, and who won.
struct RoundCounting {
  private let evidence: Evidence
  private let slotCount: Int
  private let racerCount: Int

  init(_ evidence: Evidence, slotCount: Int, racerCount: Int) {
    self.evidence = evidence
    self.slotCount = slotCount
    self.racerCount = racerCount
  }

  var counts: (Tally, winsByRacer: [Int]) {
    var tally = Tally()
    var winsByRacer = [Int](repeating: 0, count: racerCount)
    var sawNull = [Int](repeating: 0, count: evidence.inodeCount * slotCount)
    var published = [Int](repeating: -1, count: sawNull.count)
    for operation in evidence.operations {
      let place = operation.inode * slotCount + operation.slot
      if operation.sawNull { sawNull[place] += 1 }
      if operation.published {
        winsByRacer[operation.racer] += 1
        published[place] = operation.racer
      } else if operation.sawNull, operation.report != .absent {
        tally.losers += 1
      }
      if operation.refused { tally.refusals += 1 }
    }
    if evidence.keepsHistory {
      tally.losers = 0
      countHistory(&tally)
    } else {
      for place in sawNull.indices where published[place] >= 0 {
        tally.populations += 1
        if sawNull[place] > 1 { tally.collisions += 1 }
      }
    }
    if slotCount == 1 {
      tally.stretches = 1
      for position in 1..<evidence.inodeCount {
        if published[position] != published[position - 1] { tally.stretches += 1 }
      }
    }
    tally.allocations = evidence.allocations.count
    tally.frees = evidence.allocations.reduce(0) { $0 + $1.freed }
    return (tally, winsByRacer)
  }

  /// Where slots go back to NULL: each attachment is a population. Another racer had seen NULL before it if it lost its
  /// own allocation, or attached it while the first was at it or after that one had gone again.
  private func countHistory(_ tally: inout Tally) {
    var attached = [Int](repeating: 0, count: evidence.inodeCount)
    var lost = attached
    for (index, entry) in evidence.history.enumerated() {
      switch entry.kind {
      case .attached:
        attached[entry.inode] += 1
        if isOvertaken(entry, at: index, evidence.history) { lost[entry.inode] += 1 }
      case .detached: tally.detaches += 1
      case .found, .absent: break
      }
    }
    for allocation in evidence.allocations
    where allocation.published == 0 && allocation.freedByVisit > 0 && lost.indices.contains(allocation.inode) {
      lost[allocation.inode] += 1
      tally.losers += 1
    }
    for inode in attached.indices {
      tally.populations += attached[inode]
      tally.collisions += min(attached[inode], lost[inode])
    }
  }

  /// Whether another racer was attaching to the slot when this one had done so, and did it after all. Operations on one
  /// slot are neighbours, in the order in which they began.
  private func isOvertaken(_ entry: HistoryEntry, at index: Int, _ history: [HistoryEntry]) -> Bool {
    func isOther(_ other: HistoryEntry) -> Bool {
      other.kind == .attached && other.racer != entry.racer && other.begin < entry.end && other.end > entry.end
    }
    func isHere(_ other: HistoryEntry) -> Bool { other.inode == entry.inode && other.slot == entry.slot }
    var before = index - 1
    while before >= 0, isHere(history[before]) {
      if isOther(history[before]) { return true }
      before -= 1
    }
    var after = index + 1
    while after < history.count, isHere(history[after]), history[after].begin < entry.end {
      if isOther(history[after]) { return true }
      after += 1
    }
    return false
  }
}
