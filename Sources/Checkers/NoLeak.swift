import AddonMemory
import RaceModel

/// Nothing is alive that the site's roots do not reach; after teardown, nothing is alive.
public struct NoLeak: CatalogChecker {
  public let name = "no-leak"
  public let summary = "Alive at quiescence and not reachable from the site's roots; or alive after teardown."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    for (number, allocation) in evidence.allocations.enumerated() {
      if allocation.freedBeforeTeardown == 0, allocation.links == 0, !allocation.hangs, !evidence.isFinal(number) {
        findings.append(
          evidence.finding(
            name, "allocation \(number) is alive at quiescence, and no root of the site reaches it", number))
      } else if allocation.freed == 0 {
        findings.append(evidence.finding(name, "allocation \(number) is alive after teardown", number))
      }
    }
    for observation in evidence.observations where observation.promise == .released && !observation.isPoison {
      findings.append(
        evidence.finding(name, "the addon goes while something is still linked to it", about: observation))
    }
    return findings + evidence.findings(name, of: .leak)
  }
}
