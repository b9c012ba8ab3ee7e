import AddonMemory
import RaceModel

/// Nothing that may sleep is called while a lock is held.
public struct AtomicContext: Checker {
  public let name = "atomic-context"
  public let summary = "An allocation that may sleep, made while a lock is held."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.expectation == .mayNotSleep }
      .map { observation in
        var finding = evidence.finding(name, "", about: observation)
        finding.message = "an allocation that may sleep was made with \(observation.seen) lock held"
        return finding
      }
  }
}
