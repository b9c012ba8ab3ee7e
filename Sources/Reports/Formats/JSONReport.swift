import Foundation
import RaceModel

/// All verdicts as one `EncodedReport`.
public struct JSONReport: ReportFormat {
  public static let name = "json"
  public static let extensions = ["json"]
  private let medium: ReportMedium
  public init(_ medium: ReportMedium) { self.medium = medium }

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    let status = verdicts.map(medium.status).max().map { Int($0.code) } ?? 0
    var document = try StreamedJSON(isIndented: true) { EncodedReport([$0], exitStatus: status) }
    try verdicts.madeInOrder { [document] in
      try document.json(EncodedVerdict($0))
    } use: {
      try write(document.piece($0))
    }
    try write(document.end)
  }
}
