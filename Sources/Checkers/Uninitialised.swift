import RaceModel

/// Allocated memory is written before it is read.
public struct Uninitialised: CatalogChecker {
  public let name = "uninitialised"
  public let summary = "A read of allocated memory that nobody has written, by a program that is brought."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] { evidence.findings(name, of: .uninitialised) }
}
