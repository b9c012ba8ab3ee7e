import RaceModel

/// Exactly one publication makes a population.
public struct SingleWinner: CatalogChecker {
  public let name = "single-winner"
  public let summary =
    "A publication over a slot that was not NULL; or none at all though a visit reported a success that needs one."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    if evidence.keepsHistory { return checkHistory(evidence) }
    let overwritten = evidence.findings(name, of: .overwritten)
    if !overwritten.isEmpty { return overwritten }
    var findings: [Finding] = []
    evidence.forEachPlace { place in
      let publishers = place.operations.filter(\.published)
      if publishers.count > 1 {
        findings.append(
          place.finding(
            name, "published \(publishers.count) times: the second overwrote the first", racers: publishers.map(\.racer)
          ))
      }
      let successes = place.operations.filter { $0.report == .success }
      if place.final == .empty, publishers.isEmpty, !successes.isEmpty {
        findings.append(
          place.finding(
            name, "NULL at the end, and never populated, though success was reported", racers: successes.map(\.racer)))
      }
      if case .allocation(let number) = place.final, publishers.isEmpty, !evidence.eager {
        findings.append(
          place.finding(name, "populated, though no visit published", racers: [], allocations: [number]))
      }
    }
    return findings
  }

  /// Where slots go back to NULL: what was attached and not detached is there at the end.
  private func checkHistory(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    guard evidence.historyIsWhole else { return findings }
    evidence.forEachSlotHistory { inode, slot, entries in
      var (attached, detached) = (0, 0)
      for index in entries {
        let kind = evidence.history[index].kind
        if kind == .attached { attached += 1 } else if kind == .detached { detached += 1 }
      }
      let isPopulated = evidence.final(inode: inode, slot: slot) != .empty
      let initial = evidence.eager ? 1 : 0
      guard initial + attached - detached != (isPopulated ? 1 : 0) else { return }
      findings.append(
        Finding(
          checker: name,
          message: "attached \(attached) times, detached \(detached) times, and "
            + (isPopulated ? "populated" : "NULL") + " at the end",
          round: evidence.round, inode: inode, slot: evidence.slots[slot],
          racers: Set(entries.map { evidence.history[$0].racer }).sorted()))
    }
    return findings
  }
}
