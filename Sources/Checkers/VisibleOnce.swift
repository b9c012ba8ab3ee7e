import RaceModel

/// An allocation is visible in one slot, from one publication until its end.
public struct VisibleOnce: CatalogChecker {
  public let name = "visible-once"
  public let summary =
    "One allocation published twice, in two slots, replaced without a detach, or visible after its free."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    var places = [Int](repeating: 0, count: evidence.allocations.count)
    for case .allocation(let number) in evidence.finals { places[number] += 1 }
    for (number, allocation) in evidence.allocations.enumerated() {
      if allocation.published > 1 {
        findings.append(
          evidence.finding(name, "allocation \(number) was published \(allocation.published) times", number))
      }
      if places[number] > 1 {
        findings.append(evidence.finding(name, "allocation \(number) is in \(places[number]) slots", number))
      }
      if places[number] > 0, allocation.freedBeforeTeardown > 0 {
        findings.append(evidence.finding(name, "allocation \(number) is in a slot and was freed", number))
      }
    }
    return findings + evidence.findings(name, of: .visibleTwice)
  }
}
