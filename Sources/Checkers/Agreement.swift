import RaceModel

/// Whoever is told of an addon is told of the one in the slot.
///
/// Explored executions say whether it was in the slot during the visit. The one-word log of a race has no times: there an
/// allocation counts as having been in the slot if it was ever published.
public struct Agreement: CatalogChecker {
  public let name = "agreement"
  public let summary = "A visit returned an allocation that was not in the slot at any moment of that visit."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    evidence.forEachPlace { place in
      for operation in place.operations where operation.report == .success {
        switch operation.returned {
        case .nothing: continue
        case .stranger:
          findings.append(
            place.finding(name, "returned an address that was never allocated", racers: [operation.racer]))
        case .allocation(let number):
          let wasEverThere = evidence.allocations[number].published > 0 || place.final == .allocation(number)
          if !(operation.returnedWasInSlot ?? wasEverThere) {
            findings.append(
              place.finding(
                name,
                "returned allocation \(number), which was \(wasEverThere ? "not in the slot then" : "never in the slot")",
                racers: [operation.racer],
                allocations: [number]))
          }
        }
      }
    }
    return findings
  }
}
