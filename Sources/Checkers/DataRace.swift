import RaceModel

/// Two accesses, one a write and one plain, that nothing orders.
///
/// ThreadSanitizer's reports of a child become findings of this name too; those need no checking.
public struct DataRace: CatalogChecker {
  public static let checkerName = "data-race"
  public let name = checkerName
  public let summary =
    "Two accesses, one a write and one plain, that nothing orders; or overlapping atomic accesses of different sizes."
  public var needs: Set<Aspect> { [.plainAccesses] }
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] { evidence.findings(name, of: .dataRace) }
}
