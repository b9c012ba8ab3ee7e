import Foundation
import RaceModel

/// A whole bench, as a table, as JSON and as CSV, and as the baseline that another is compared with.
public struct BenchDocument: Codable, Sendable {
  public static let format = "addonrace-bench"
  public static let version = 1

  public var format: String
  public var version: Int
  public var machine: Machine
  public var benches: [BenchFigures]

  /// What figures are of. Those of another machine, or of another build, compare with nothing.
  public struct Machine: Codable, Sendable, Equatable {
    public var processor: String
    public var processors: Int
    /// release or debug.
    public var build: String
    public init(processor: String, processors: Int, build: String) {
      self.processor = processor
      self.processors = processors
      self.build = build
    }
  }

  public init(machine: Machine, benches: [BenchFigures]) {
    format = Self.format
    version = Self.version
    self.machine = machine
    self.benches = benches
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
      "ratio_high", "comparison", "wasted_allocations", "wins", "p50_ns", "p99_ns", "p99.9_ns", "max_ns",
    ]
    let rows = benches.flatMap { bench in
      bench.results.map { result -> [String] in
        func slowest(_ path: KeyPath<Latency, Double>) -> String {
          result.latencies.map { $0[keyPath: path] }.max().map { "\($0)" } ?? ""
        }
        return [
          bench.scenario, bench.site, result.measure.rawValue, "\(result.racers)", result.contestant,
          "\(result.time.median)", "\(result.time.low)", "\(result.time.high)",
          result.ratio.map { "\($0.median)" } ?? "",
          result.ratio.map { "\($0.low)" } ?? "", result.ratio.map { "\($0.high)" } ?? "",
          result.comparison?.rawValue ?? "", "\(result.wastedAllocations)",
          result.wins.map { "\($0)" }.joined(separator: "/"), slowest(\.median), slowest(\.p99),
          slowest(\.p999), slowest(\.max),
        ]
      }
    }
    return ([titles] + rows).map { $0.joined(separator: ",") }.joined(separator: "\n")
  }
}

/// One scenario's bench, for people.
public struct BenchTable {
  private let figures: BenchFigures
  public init(_ figures: BenchFigures) { self.figures = figures }

  public var text: String {
    var parts = [
      "\(figures.scenario): \(figures.site), role \(figures.role), \(figures.inodes) inodes, \(figures.spacing) bytes apart; "
        + "medians of \(figures.repetitions), with intervals of 95 %"
    ]
    for measure in BenchMeasure.allCases {
      let ofMeasure = figures.results.filter { $0.measure == measure }
      for racers in Set(ofMeasure.map(\.racers)).sorted() {
        parts.append(section(measure, racers, ofMeasure.filter { $0.racers == racers }))
      }
    }
    parts.append(machine)
    return parts.joined(separator: "\n\n")
  }

  private func section(_ measure: BenchMeasure, _ racers: Int, _ results: [BenchResult]) -> String {
    let title =
      switch measure {
      case .fastPath: "fast path"
      case .firstAllocation: "first allocation alone"
      case .contended: "contended, \(racers) racers"
      case .besideDirtyWord: "beside a dirty word"
      }
    var columns: [TextTable.Column] = [
      .left(title), .right("ns"), .right("95 %"), .right("ratio"), .right("95 %"), .left(""),
    ]
    if measure == .contended { columns.insert(contentsOf: [.right("wasted/slot"), .right("won by racer")], at: 3) }
    var table = TextTable(columns)
    for result in results {
      var row = [
        result.contestant, time(result.time.median), "\(time(result.time.low)) to \(time(result.time.high))",
        result.ratio.map { Number.fixed($0.median, 3) } ?? "1",
        result.ratio.map { "\(Number.fixed($0.low, 3)) to \(Number.fixed($0.high, 3))" } ?? "",
        result.comparison?.rawValue ?? "what the others are compared with",
      ]
      if measure == .contended {
        row.insert(contentsOf: [Number.fixed(result.wastedAllocations, 2), wins(result.wins)], at: 3)
      }
      table.add(row)
    }
    let latencies = latencies(results)
    return table.text + (latencies.isEmpty ? "" : "\n\n" + latencies)
  }

  /// As 52/48 %; of many racers the least and the most.
  private func wins(_ shares: [Double]) -> String {
    guard let least = shares.min(), let most = shares.max() else { return "-" }
    let shown = shares.count <= 4 ? shares.map { Number.fixed(100 * $0, 0) }.joined(separator: "/") + " %" : nil
    return shown ?? "\(Number.fixed(100 * least, 0)) to \(Number.fixed(100 * most, 0)) %"
  }

  private func latencies(_ results: [BenchResult]) -> String {
    guard results.contains(where: { !$0.latencies.isEmpty }) else { return "" }
    var table = TextTable([
      .left("one visit, ns"), .right("racer"), .right("median"), .right("p99"), .right("p99.9"), .right("max"),
    ])
    for result in results {
      for (racer, latency) in result.latencies.enumerated() {
        table.add(
          [racer == 0 ? result.contestant : "", "\(racer)"]
            + [latency.median, latency.p99, latency.p999, latency.max].map(time))
      }
    }
    return table.text
      + "\n(the two time stamps alone: \(time(figures.stampCost)) ns; recording one: \(time(figures.recordCost)) ns more)"
  }

  private func time(_ nanoseconds: Double) -> String {
    Number.fixed(nanoseconds, nanoseconds < 10 ? 2 : nanoseconds < 1000 ? 1 : 0)
  }

  private var machine: String {
    let calibration = figures.calibration
    var text =
      "machine: \(calibration.processors) processors, load \(Number.fixed(calibration.load, 2)), \(calibration.build) build"
    if let before = calibration.roundTripBefore, let after = calibration.roundTripAfter {
      text +=
        ", compare-exchange round trip \(Number.fixed(before, 0)) ns before, \(Number.fixed(after, 0)) ns after"
    }
    return text + "\ncontrol: one strategy against itself was within \(Number.percent(figures.noise)) of 1"
  }
}

/// A sweep as one table: a line for each value, a column for each contestant.
public struct SweepTable {
  private let sweep: BenchSweep
  public init(_ sweep: BenchSweep) { self.sweep = sweep }

  /// The measures that were taken, in order.
  private var measures: [BenchMeasure] {
    BenchMeasure.allCases.filter { measure in
      sweep.points.contains { $0.figures.results.contains { $0.measure == measure } }
    }
  }

  public var contestants: [String] {
    var names: [String] = []
    for result in sweep.points.flatMap(\.figures.results)
    where !names.contains(result.contestant) && result.contestant != BenchResult.controlName {
      names.append(result.contestant)
    }
    return names
  }

  private func result(_ point: BenchSweep.Point, _ measure: BenchMeasure, _ contestant: String) -> BenchResult? {
    point.figures.results.first { $0.measure == measure && $0.contestant == contestant }
  }

  public var text: String {
    guard let first = sweep.points.first?.figures else { return "" }
    let tables = measures.map { measure in
      var table = TextTable(
        [.right(sweep.axis.unit)] + contestants.flatMap { [.right($0), .right("ratio")] } + [.right("control")])
      for point in sweep.points {
        let control = result(point, measure, BenchResult.controlName)?.ratio
        table.add(
          ["\(point.value)"]
            + contestants.flatMap { name -> [String] in
              guard let result = result(point, measure, name) else { return ["-", "-"] }
              return [
                Number.fixed(result.time.median, 2),
                result.comparison == .notCompared ? "-" : result.ratio.map { Number.fixed($0.median, 2) } ?? "1",
              ]
            } + [control.map { "\(Number.fixed($0.low, 2)) to \(Number.fixed($0.high, 2))" } ?? "-"])
      }
      return "\(measure.rawValue), ns for one inode:\n\(table.text)"
    }
    return
      ([
        "\(first.scenario): \(first.site), role \(first.role). \(sweep.axis.sentence)"
      ] + tables).joined(separator: "\n\n")
  }

  /// What gnuplot draws: one curve for each contestant, with its interval, for each measure. Grey that both light and
  /// dark pages show.
  public func plotScript(to path: String) -> String {
    let isLogarithmic = sweep.axis == .racers || sweep.axis == .inodes || sweep.axis == .sharing
    var lines = [
      "set terminal svg size 800,\(400 * max(1, measures.count)) dynamic font 'sans-serif,14' background rgb 'white'",
      "set output '\(path.replacing("'", with: ""))'",
      "set multiplot layout \(max(1, measures.count)),1",
      "set border linecolor rgb '#808080'", "set tics textcolor rgb '#606060'", "set grid linecolor rgb '#c0c0c0'",
      "set key below", "set xlabel '\(sweep.axis.unit)'", "set logscale y",
      isLogarithmic ? "set logscale x 2" : "unset logscale x",
    ]
    for measure in measures {
      let curves = contestants.enumerated().map { number, name in
        "$\(block(measure, number)) using 1:2:3:4 with yerrorlines linewidth 2 pointtype 7 pointsize 0.5 title '\(name)'"
      }
      for (number, name) in contestants.enumerated() {
        lines.append("$\(block(measure, number)) << END")
        for point in sweep.points {
          guard let time = result(point, measure, name)?.time else { continue }
          lines.append("\(point.value) \(time.median) \(time.low) \(time.high)")
        }
        lines.append("END")
      }
      lines.append("set ylabel 'ns for one inode'")
      lines.append("set title '\(measure.rawValue)'")
      lines.append("plot " + curves.joined(separator: ", "))
    }
    lines.append("unset multiplot")
    return lines.joined(separator: "\n") + "\n"
  }

  private func block(_ measure: BenchMeasure, _ number: Int) -> String {
    "\(measure.rawValue.replacing("-", with: "_"))_\(number)"
  }
}

/// Two benches of the same scenarios.
public struct BenchComparison {
  public struct Change: Sendable {
    public let scenario: String
    public let result: BenchResult
    public let before: Estimate
    public let now: Estimate
    /// Slower than before by more than the intervals and the threshold explain.
    public let isRegression: Bool
    public let isImprovement: Bool
  }

  public let changes: [Change]
  /// Measures that one of them has not, or that were measured while the machine was another.
  public let missing: [String]

  /// Compares ratios to C11 by hand, since times move several-fold with where a virtual machine's processors lie.
  public init(_ before: BenchDocument, _ now: BenchDocument, threshold: Double) {
    var changes: [Change] = []
    var missing: [String] = []
    for bench in now.benches {
      let old = before.benches.first { $0.scenario == bench.scenario }
      for result in bench.results where result.contestant != BenchResult.controlName {
        guard let ratio = result.ratio else { continue }
        let name = "\(bench.scenario), \(result.measure.rawValue), \(result.racers) racers, \(result.contestant)"
        guard
          let same = old?.results.first(where: {
            $0.measure == result.measure && $0.racers == result.racers && $0.contestant == result.contestant
          }), let earlier = same.ratio
        else {
          missing.append("\(name): not in the baseline")
          continue
        }
        if result.comparison == .notCompared || same.comparison == .notCompared {
          missing.append("\(name): the machine changed while it was measured")
          continue
        }
        changes.append(
          Change(
            scenario: bench.scenario, result: result, before: earlier, now: ratio,
            isRegression: ratio.low > earlier.high * (1 + threshold),
            isImprovement: ratio.high < earlier.low / (1 + threshold)))
      }
    }
    self.changes = changes
    self.missing = missing
  }

  public var hasRegression: Bool { changes.contains(where: \.isRegression) }

  public var text: String {
    var table = TextTable([
      .left("against the baseline"), .left("measure"), .left("strategy"), .right("ratio then"), .right("now"),
      .left(""),
    ])
    for change in changes {
      table.add([
        change.scenario, "\(change.result.measure.rawValue), \(change.result.racers)", change.result.contestant,
        Number.fixed(change.before.median, 3), Number.fixed(change.now.median, 3),
        change.isRegression ? "SLOWER" : change.isImprovement ? "faster" : "no difference",
      ])
    }
    return ([table.text] + missing.map { "not compared: \($0)" }).joined(separator: "\n")
  }
}
