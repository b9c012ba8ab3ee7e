import AddonMemory
import RaceModel

/// Nothing that may sleep is called while a lock is held, or inside a read-side section of RCU.
public struct AtomicContext: CatalogChecker {
  public let name = "atomic-context"
  public let summary = "An allocation or wait that may sleep, under a lock or inside a read-side section of RCU."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.promise == .mayNotSleep }
      .map { observation in
        var finding = evidence.finding(name, "", about: observation)
        finding.message =
          "something that may sleep was called with \(observation.seen) lock held or read-side section open"
        return finding
      } + evidence.findings(name, of: .atomicContext)
  }
}
