import Foundation
import RaceModel

/// All verdicts as one `EncodedReport`.
public struct JSONReport: ReportFormat {
  public static let name = "json"
  public static let extensions = ["json"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict]) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(EncodedReport(verdicts)) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }
}
