import RaceModel

/// -ENOMEM is reported when an allocation failed and only then, and damages nothing.
public struct AllocationFailureChecker: CatalogChecker {
  public let name = "allocation-failure"
  public let summary = "-ENOMEM reported wrongly, either way, or a slot damaged by one."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    evidence.forEachPlace { place in
      for operation in place.operations {
        if operation.report == .failure, !operation.refused {
          findings.append(
            place.finding(name, "-ENOMEM was reported though no allocation failed", racers: [operation.racer]))
        }
        if operation.refused, operation.report == .success, place.final == .empty, !operation.published {
          findings.append(
            place.finding(
              name, "an allocation failed, the slot stayed NULL, and success was reported", racers: [operation.racer]))
        }
        if operation.refused, operation.report == .failure, operation.populatedWhenRefused,
          evidence.looksAgainAfterFailure
        {
          findings.append(
            place.finding(
              name, "-ENOMEM was reported though another racer had installed an addon by then",
              racers: [operation.racer]))
        }
      }
      if case .stranger(let bits) = place.final {
        let refused = place.operations.filter(\.refused).map(\.racer)
        findings.append(
          place.finding(
            name, "the slot holds 0x\(String(bits, radix: 16)), which is no addon", racers: refused))
      }
    }
    return findings
  }
}
