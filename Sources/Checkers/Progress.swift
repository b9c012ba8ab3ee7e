import RaceModel

/// Every visit comes to an end.
public struct Progress: Checker {
  public static let checkerName = "progress"
  public let name = checkerName
  public let summary = "A racer that waits for what nobody will do (a deadlock), or that comes to no end."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] { evidence.findings(name, of: .stuck) }
}
