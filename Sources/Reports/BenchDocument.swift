import BenchModel
import Foundation

/// Everything that was measured, as JSON and as CSV, and as the baseline that another is compared with.
public struct BenchDocument: Codable, Sendable {
  public static let format = "addonrace-bench"
  public static let version = 3

  public var format: String
  public var version: Int
  public var machine: BenchMachine
  public var benches: [BenchFigures]
  public var sweeps: [BenchSweep]
  public var layouts: [LayoutFigures]

  public init(
    machine: BenchMachine, benches: [BenchFigures] = [], sweeps: [BenchSweep] = [], layouts: [LayoutFigures] = []
  ) {
    format = Self.format
    version = Self.version
    self.machine = machine
    self.benches = benches
    self.sweeps = sweeps
    self.layouts = layouts
  }

  public mutating func add(_ outcome: BenchOutcome) {
    switch outcome {
    case .figures(let figures): benches.append(figures)
    case .sweep(let sweep): sweeps.append(sweep)
    case .layouts(let figures): layouts.append(figures)
    }
  }

  /// All figures there are, those of sweeps with their value behind the scenario's name.
  public var everything: [BenchFigures] {
    let swept = sweeps.flatMap { sweep in
      sweep.points.map { point in
        var figures = point.figures
        figures.scenario += ": \(point.value) \(sweep.axis.unit)"
        return figures
      }
    }
    return benches + swept + layouts.flatMap { $0.hooks.map(\.figures) + [$0.firstWatch] }
  }

  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// One line for each contestant and measure; latencies are the slowest racer's.
  public var csv: String {
    let titles = [
      "scenario", "site", "measure", "racers", "contestant", "ns", "ns_low", "ns_high", "ratio", "ratio_low",
      "ratio_high", "comparison", "processes", "wasted_allocations", "retries", "wins", "p50_ns", "p99_ns", "p99.9_ns",
      "max_ns",
    ]
    let rows = everything.flatMap { bench in
      bench.results.map { result -> [String] in
        func slowest(_ path: KeyPath<Latency, Double>) -> String {
          result.latencies.map { $0[keyPath: path] }.max().map { "\($0)" } ?? ""
        }
        return [
          Self.quoted(bench.scenario), bench.site, result.measure.rawValue, "\(result.racers)", result.contestant,
          "\(result.time.median)", "\(result.time.low)", "\(result.time.high)",
          result.ratio.map { "\($0.median)" } ?? "",
          result.ratio.map { "\($0.low)" } ?? "", result.ratio.map { "\($0.high)" } ?? "",
          result.comparison?.rawValue ?? "", "\(result.processes)", "\(result.wastedAllocations)",
          result.retries.map { "\($0)" } ?? "",
          result.wins.map { "\($0)" }.joined(separator: "/"), slowest(\.median), slowest(\.p99),
          slowest(\.p999), slowest(\.max),
        ]
      }
    }
    return ([titles] + rows).map { $0.joined(separator: ",") }.joined(separator: "\n")
  }

  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
  }
}
