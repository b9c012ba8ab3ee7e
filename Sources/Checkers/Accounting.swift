import AddonMemory
import RaceModel

/// Charges and counts match what they count.
public struct Accounting: CatalogChecker {
  public let name = "accounting"
  public let summary = "Charges that do not balance."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    evidence.observations
      .filter { $0.promise == .balanced }
      .map { evidence.finding(name, "a charge or count does not match what it counts", about: $0) }
  }
}
