import Foundation
import RaceModel

/// All verdicts as one `EncodedReport`.
public struct JSONReport: ReportFormat {
  public static let name = "json"
  public static let extensions = ["json"]
  private let medium: ReportMedium
  public init(_ medium: ReportMedium) { self.medium = medium }

  public func end(_ verdicts: [Verdict]) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(EncodedReport(verdicts, status: medium.status)) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }
}
