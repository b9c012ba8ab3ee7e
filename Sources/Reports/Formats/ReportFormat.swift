import RaceModel

/// How verdicts are shown. A format is one file and one line in `ReportCatalog`; it knows verdicts and nothing else.
public protocol ReportFormat: Sendable {
  /// The name on the command line.
  static var name: String { get }
  /// `explains`: what was expected is explained too.
  init(isTerminal: Bool, explains: Bool)
  /// What is shown as soon as the verdicts of one scenario are there: one of a race, or one for each memory model.
  func scenario(_ verdicts: [Verdict]) -> String?
  /// What is shown at the end.
  func end(_ verdicts: [Verdict]) -> String?
}

public enum ReportCatalog {
  public static let all: [any ReportFormat.Type] = [TableReport.self, JSONReport.self]
}
