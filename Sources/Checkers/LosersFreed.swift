import RaceModel

/// Whoever allocates and does not publish frees, once, before returning.
public struct LosersFreed: CatalogChecker {
  public let name = "losers-freed"
  public let summary = "An allocation that its visit neither published nor linked, and did not free exactly once."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    for (number, allocation) in evidence.allocations.enumerated()
    where allocation.published == 0 && allocation.links == 0 && allocation.linkedByVisits == 0
      && !allocation.isOfCreation && !evidence.isFinal(number)
    {
      if allocation.freedByVisit == 1, allocation.freedElsewhere == 0 { continue }
      let what =
        switch (allocation.freedByVisit, allocation.freedElsewhere) {
        case (0, 0): "was never freed"
        case (0, _): "was freed by another visit than the one that made it"
        case (1, _): "was freed by its own visit and again by another"
        default: "was freed \(allocation.freedByVisit) times by its visit"
        }
      findings.append(
        evidence.finding(name, "allocation \(number) of \(allocation.size) bytes lost the race and \(what)", number))
    }
    return findings + evidence.findings(name, of: .loserKept)
  }
}
