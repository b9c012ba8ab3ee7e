import RaceModel

/// What would end the process.
public struct Crash: CatalogChecker {
  public static let checkerName = "crash"
  public let name = checkerName
  public let summary = "A BUG() that was reached; an access through NULL or a stray pointer."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] { evidence.findings(name, of: .crash) }
}
