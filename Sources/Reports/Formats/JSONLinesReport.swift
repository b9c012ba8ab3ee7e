import Foundation
import RaceModel

/// An `EncodedVerdict` a line, as they come: what was finished is there, whatever becomes of the rest.
public struct JSONLinesReport: ReportFormat {
  public static let name = "jsonl"
  public static let extensions = ["jsonl", "ndjson"]
  public init(_ medium: ReportMedium) {}

  public func scenario(_ verdicts: [Verdict]) -> String? {
    let encoder = CompactJSON()
    return verdicts.compactMap { try? encoder.text(EncodedVerdict($0)) }.joined(separator: "\n")
  }

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {}
}
