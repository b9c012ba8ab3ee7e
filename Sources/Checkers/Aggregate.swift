import AddonMemory
import RaceModel

/// A mask that caches what hangs off an addon says, at quiescence, what hangs there.
public struct Aggregate: Checker {
  public let name = "aggregate"
  public let summary = "A cached mask with a bit that is stale, or lost."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.expectation == .aggregated && !$0.isPoison }
      .map { evidence.finding(name, "what is cached is not what it caches", about: $0) }
  }
}
