import RaceModel

/// Exactly one publication makes a population.
public struct SingleWinner: Checker {
  public let name = "single-winner"
  public let summary =
    "A publication over a slot that was not NULL; or none at all though a visit reported a success that needs one."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    evidence.forEachPlace { place in
      let publishers = place.operations.filter(\.published)
      if publishers.count > 1 {
        findings.append(
          place.finding(
            name, "published \(publishers.count) times: one went over the other", racers: publishers.map(\.racer)))
      }
      let successes = place.operations.filter { $0.report == .success }
      if place.final == .empty, publishers.isEmpty, !successes.isEmpty {
        findings.append(
          place.finding(
            name, "NULL at the end, and never populated, though success was reported", racers: successes.map(\.racer)))
      }
      if case .allocation(let number) = place.final, publishers.isEmpty, !evidence.eager {
        findings.append(
          place.finding(name, "populated, but by nobody's publication", racers: [], allocations: [number]))
      }
    }
    return findings
  }
}
