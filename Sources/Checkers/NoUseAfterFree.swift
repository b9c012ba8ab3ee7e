import RaceModel

/// What was freed is neither used nor freed again.
///
/// Exact for frees. Uses are seen where they read or leave something else than the poison that freed blocks hold.
public struct NoUseAfterFree: CatalogChecker {
  public let name = "no-use-after-free"
  public let summary = "Access to a freed allocation; a double free; a free of something else."
  public var needs: Set<Aspect> { [.freedAccesses] }
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    var findings: [Finding] = []
    for (number, allocation) in evidence.allocations.enumerated() where allocation.freed > 1 {
      findings.append(evidence.finding(name, "allocation \(number) was freed \(allocation.freed) times", number))
    }
    for badFree in evidence.badFrees {
      findings.append(
        Finding(
          checker: name,
          message: "a free of an address that is no allocation"
            + (badFree.duringTeardown ? ", by the teardown" : ", by racer \(badFree.racer)"),
          round: evidence.round, inode: badFree.inode, racers: badFree.duringTeardown ? [] : [badFree.racer]))
    }
    for number in evidence.writesAfterFree {
      findings.append(evidence.finding(name, "allocation \(number) was written to after its free", number))
    }
    for observation in evidence.observations where observation.isPoison {
      findings.append(evidence.finding(name, "freed memory was read", about: observation))
    }
    return findings + evidence.findings(name, of: .useAfterFree)
  }
}
