import AddonMemory
import RaceModel

/// What a site, or a program that is brought, says in its own words.
public struct Assertion: CatalogChecker {
  public let name = "assertion"
  public let summary = "A promise of the site's own that was not kept; an assertion of a program that does not hold."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.promise == .assertion && !$0.isPoison }
      .map { evidence.finding(name, "a promise of the site's own was not kept", about: $0) }
      + evidence.findings(name, of: .assertion)
  }
}
