import RaceModel

/// Every visit comes to an end.
public struct ProgressChecker: CatalogChecker {
  public static let checkerName = "progress"
  public let name = checkerName
  public let summary = "A deadlock: a racer waits for something that no racer will do; or a visit that does not end."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] { evidence.findings(name, of: .stuck) }
}
