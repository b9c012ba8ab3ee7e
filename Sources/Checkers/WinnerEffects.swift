import AddonMemory
import RaceModel

/// What only the winner may do was done, once, by the winner.
public struct WinnerEffects: CatalogChecker {
  public let name = "winner-effects"
  public let summary = "A winner-only effect done twice, never, or by a loser."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings = evidence.observations
      .filter { $0.promise == .winnerEffect }
      .map { evidence.finding(name, "a winner-only effect was done twice, never, or by a loser", about: $0) }
    for (number, allocation) in evidence.allocations.enumerated() where allocation.links > 0 {
      if allocation.links > 1 {
        findings.append(evidence.finding(name, "allocation \(number) was linked \(allocation.links) times", number))
      }
      if !evidence.isFinal(number) {
        findings.append(evidence.finding(name, "allocation \(number) was linked, and is in no slot", number))
      }
    }
    return findings
  }
}
