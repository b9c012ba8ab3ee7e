import RaceModel

/// How verdicts are shown. A format is one file and one line in `ReportCatalog`; it knows verdicts and nothing else.
public protocol ReportFormat: Sendable {
  /// The name on the command line.
  static var name: String { get }
  init(isTerminal: Bool)
  /// What is shown as soon as one verdict is there.
  func verdict(_ verdict: Verdict) -> String?
  /// What is shown at the end.
  func end(_ verdicts: [Verdict]) -> String?
}

public enum ReportCatalog {
  public static let all: [any ReportFormat.Type] = [TableReport.self, JSONReport.self]
}
