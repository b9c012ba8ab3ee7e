import RaceModel

/// How verdicts are shown. A format is one file and one line in `ReportCatalog`; it knows verdicts and nothing else.
public protocol ReportFormat: Sendable {
  /// The name on the command line.
  static var name: String { get }
  /// What the names of its files end in, without the dot: such a file is written so.
  static var extensions: [String] { get }
  init(_ medium: ReportMedium)
  /// What is shown as soon as the verdicts of one scenario are there: one of a race, or one for each memory model.
  func scenario(_ verdicts: [Verdict]) -> String?
  /// Writes what is shown at the end, piece by piece: the document of many verdicts is never whole in memory.
  func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws
  /// The same for many scenarios, of which a screen has a line each. By default there is no difference.
  func briefly(withFigures: Bool) -> any ReportFormat
}

/// Where a report is shown, and how much of it.
public struct ReportMedium: Sendable {
  public var isColoured: Bool
  /// Columns of a terminal; nil where lines may have any length.
  public var width: Int?
  /// What was expected is explained too.
  public var explains: Bool
  /// The exit status that a verdict asks for.
  public var status: @Sendable (Verdict) -> ExitStatus

  public init(
    isColoured: Bool = false, width: Int? = nil, explains: Bool = false,
    status: @escaping @Sendable (Verdict) -> ExitStatus = \.exitStatus
  ) {
    self.isColoured = isColoured
    self.width = width
    self.explains = explains
    self.status = status
  }
}

extension ReportFormat {
  public func scenario(_ verdicts: [Verdict]) -> String? { nil }
  public func briefly(withFigures: Bool) -> any ReportFormat { self }

  /// What is shown at the end, as a whole. Nil where that is nothing.
  public func end(_ verdicts: [Verdict]) throws -> String? {
    var text: String?
    try end(verdicts) { text = (text ?? "") + $0 }
    return text
  }
}

public enum ReportCatalog {
  public static let all: [any ReportFormat.Type] = [
    TableReport.self, JSONReport.self, JSONLinesReport.self, JUnitReport.self, KTAPReport.self, MarkdownReport.self,
    SARIFReport.self, GitHubReport.self, HTMLReport.self, ChromeTraceReport.self,
  ]

  /// The format of a file, by what its name ends in.
  public static func format(ofFile path: String) -> (any ReportFormat.Type)? {
    let name = (path.split(separator: "/").last ?? "").lowercased()
    // The longest says most: "x.trace.json" is no report in JSON.
    return extensions.filter { name.hasSuffix(".\($0)") }.max { $0.count < $1.count }
      .flatMap { ending in all.first { $0.extensions.contains(ending) } }
  }

  /// What file names may end in.
  public static var extensions: [String] { all.flatMap { $0.extensions } }
}

extension Verdict {
  /// What is said of it in full, line by line: its question, what was found, the execution that shows it, and how to see it
  /// again.
  var lines: [String] {
    var lines = [scenario.question, Sentence.outcome(self)] + Sentence.disagreement(self)
    lines += findings.map { "\($0.checker): \(Sentence.finding($0)) [\(FindingID($0, in: self))]" }
    lines += notes.map { "note: \($0)" }
    if let counterexample { lines += [""] + TraceText(counterexample).lines + [""] }
    return lines + ["again: \(command)"]
  }

  /// The scenario, with the memory model where it was explored.
  var title: String { name + (engine.model.map { " (\($0.rawValue))" } ?? "") }
  /// Seconds.
  var seconds: Double { exploration?.seconds ?? figures.seconds }
}
