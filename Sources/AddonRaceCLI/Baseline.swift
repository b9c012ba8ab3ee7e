import AddonRace
import ArgumentParser
import Foundation

/// Findings that are known already: of an earlier report, by their ids.
struct Baseline: Sendable {
  private let ids: Set<String>

  init(path: String) throws {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw Self.unusable(path, "cannot be read")
    }
    struct Head: Decodable { let format: String }
    guard let head = try? JSONDecoder().decode(Head.self, from: data), head.format == EncodedReportFormat.name else {
      throw Self.unusable(path, "is not a report of \(Product.name)")
    }
    guard let report = try? JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: data),
      report.version == EncodedReportFormat.version
    else { throw Self.unusable(path, "is damaged, or of another version") }
    ids = Set(report.verdicts.flatMap(\.findings).map(\.id))
  }

  private static func unusable(_ path: String, _ what: String) -> ExitCode {
    StandardError.print("error: the baseline \(path) \(what)\n    write one with --report baseline.json")
    return ExitCode(ExitStatus.invalid.code)
  }

  /// Whether it fails by nothing that is new.
  func knows(_ verdict: Verdict) -> Bool {
    !verdict.asExpected && verdict.outcome == .fail && !verdict.findings.isEmpty
      && verdict.findings.allSatisfy { ids.contains(FindingID($0, in: verdict).description) }
  }
}
