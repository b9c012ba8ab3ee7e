import AddonMemory
import RaceModel

/// A mask that caches what hangs off an addon says, at quiescence, what hangs there.
public struct Aggregate: CatalogChecker {
  public let name = "aggregate"
  public let summary = "A cached mask that disagrees with the marks."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.promise == .aggregated && !$0.isPoison }
      .map { evidence.finding(name, "the cached mask disagrees with the marks", about: $0) }
  }
}
