import RaceModel
import Reports

/// A verdict that is not as its scenario expects, with all that is known of it: thrown in tests.
public struct UnexpectedVerdict: Error, CustomStringConvertible {
  public let verdict: Verdict
  public var description: String { "\n" + verdict.report }
}

extension Verdict {
  /// - Throws: `UnexpectedVerdict`, whose description has the findings and the trace.
  public func requireAsExpected() throws(UnexpectedVerdict) {
    if !asExpected { throw UnexpectedVerdict(verdict: self) }
  }

  /// As the command shows it: what came out, the findings, and the execution that shows them.
  public var report: String { TableReport(ReportMedium(explains: true)).scenario([self]) ?? "" }

  /// As the command's JSON has it.
  public var json: String { (try? JSONReport(ReportMedium(explains: true)).end([self])) ?? "" }
}
