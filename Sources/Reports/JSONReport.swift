import Foundation
import RaceModel

/// All verdicts as one JSON document. Its schema is in the documentation; `version` changes when a key changes its
/// meaning or goes.
public struct JSONReport: ReportFormat {
  public static let name = "json"
  public static let version = 1
  public init(isTerminal: Bool, explains: Bool) {}

  public func scenario(_ verdicts: [Verdict]) -> String? { nil }

  public func end(_ verdicts: [Verdict]) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let document = Document(
      format: "addonrace-report", version: Self.version,
      exitStatus: verdicts.map(\.exitStatus).max().map { Int($0.code) } ?? 0, verdicts: verdicts.map(Entry.init))
    guard let data = try? encoder.encode(document) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  private struct Document: Encodable {
    let format: String
    let version: Int
    let exitStatus: Int
    let verdicts: [Entry]
  }

  /// A verdict, with the rates that follow from its counts.
  private struct Entry: Encodable {
    let verdict: Verdict
    let rates: Rates

    struct Rates: Encodable {
      let populationsPerSecond, collisionsPerSecond, losersPerSecond, yield, losersPerSlot, winnerDiversity: Double
    }

    init(_ verdict: Verdict) {
      self.verdict = verdict
      let figures = verdict.figures
      rates = Rates(
        populationsPerSecond: figures.populationsPerSecond, collisionsPerSecond: figures.collisionsPerSecond,
        losersPerSecond: figures.losersPerSecond, yield: figures.yield, losersPerSlot: figures.losersPerSlot,
        winnerDiversity: figures.winnerDiversity)
    }
  }
}
