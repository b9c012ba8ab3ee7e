import BenchModel
import Machine

/// One scenario's bench, for people.
public struct BenchReport {
  private let figures: BenchFigures
  public init(_ figures: BenchFigures) { self.figures = figures }

  public var parts: [ReportPart] {
    [
      .heading(
        "\(figures.scenario): \(figures.site), role \(figures.role), \(figures.inodes) inodes, \(figures.spacing) bytes apart; "
          + SamplesText(figures).text),
      .text(MachineText(figures).text),
    ] + measured + [.text(NoiseText(figures).text)]
  }

  /// Without what they are about, and where.
  var measured: [ReportPart] {
    BenchMeasure.allCases.flatMap { measure -> [ReportPart] in
      let ofMeasure = figures.results.filter { $0.measure == measure }
      return Set(ofMeasure.map(\.racers)).sorted().flatMap { racers in
        section(measure, racers, ofMeasure.filter { $0.racers == racers })
      }
    }
  }

  private func section(_ measure: BenchMeasure, _ racers: Int, _ results: [BenchResult]) -> [ReportPart] {
    let title = measure == .contended ? "contended, \(Number.counted(racers, "racer"))" : measure.title
    var columns: [TextTable.Column] = [
      .left(title), .right("ns"), .right("95 %"), .right("ratio"), .right("95 %"), .left(""),
    ]
    let anyCountsRetries = results.contains { $0.retries != nil }
    if measure == .contended {
      let retries = anyCountsRetries ? [TextTable.Column.right("retries/slot")] : []
      columns.insert(contentsOf: [.right("wasted/slot")] + retries + [.right("won by racer")], at: 3)
    }
    var table = TextTable(columns)
    for result in results {
      var row = [
        result.contestant, Time.text(result.time.median),
        "\(Time.text(result.time.low)) to \(Time.text(result.time.high))",
        result.ratio.map { Number.fixed($0.median, 3) } ?? "1",
        result.ratio.map { "\(Number.fixed($0.low, 3)) to \(Number.fixed($0.high, 3))" } ?? "",
        result.comparison?.rawValue ?? "what the others are compared with",
      ]
      if measure == .contended {
        let retries = anyCountsRetries ? [result.retries.map { Number.fixed($0, 2) } ?? "-"] : []
        row.insert(contentsOf: [Number.fixed(result.wastedAllocations, 2)] + retries + [wins(result.wins)], at: 3)
      }
      table.add(row)
    }
    let plot = Plot(
      title, y: "ns for one inode", kind: .dots,
      results.map { Plot.Series($0.contestant, [Plot.Point(x: 0, $0.time)]) })
    return [.table(table), .plot(plot)] + leftOut(results) + latencies(results)
  }

  private func leftOut(_ results: [BenchResult]) -> [ReportPart] {
    let others = figures.processes - (results.first?.processes ?? 0)
    if others <= 0 { return [] }
    return [
      .text(
        "(of \(figures.processes) processes \(others) left out: the machine had its processors elsewhere, or moved them)"
      )
    ]
  }

  /// As 52/48 %; of many racers the least and the most.
  private func wins(_ shares: [Double]) -> String {
    guard let least = shares.min(), let most = shares.max() else { return "-" }
    let shown = shares.count <= 4 ? shares.map { Number.fixed(100 * $0, 0) }.joined(separator: "/") + " %" : nil
    return shown ?? "\(Number.fixed(100 * least, 0)) to \(Number.fixed(100 * most, 0)) %"
  }

  private func latencies(_ results: [BenchResult]) -> [ReportPart] {
    guard results.contains(where: { !$0.latencies.isEmpty }) else { return [] }
    var table = TextTable([
      .left("one visit, ns"), .right("racer"), .right("median"), .right("p99"), .right("p99.9"), .right("max"),
    ])
    for result in results {
      for (racer, latency) in result.latencies.enumerated() {
        table.add(
          [racer == 0 ? result.contestant : "", "\(racer)"]
            + [latency.median, latency.p99, latency.p999, latency.max].map(Time.text))
      }
    }
    return [
      .table(table),
      .text(
        "(the two time stamps alone: \(Time.text(figures.stampCost)) ns; recording one: \(Time.text(figures.recordCost)) ns more)"
      ),
    ]
  }
}

/// What figures are medians of.
struct SamplesText {
  private let figures: BenchFigures
  init(_ figures: BenchFigures) { self.figures = figures }

  var text: String {
    (figures.processes == 1
      ? "medians of \(figures.repetitions)"
      : "medians of \(figures.processes) processes, \(figures.repetitions) samples in each")
      + ", with intervals of 95 %"
  }
}

/// Where figures come from.
struct MachineText {
  private let calibration: Calibration
  init(_ figures: BenchFigures) { calibration = figures.calibration }

  var text: String {
    var text =
      "machine: \(Number.counted(calibration.processors, "processor")), load \(Number.fixed(calibration.load, 2)), \(calibration.build.rawValue) build"
    if let before = calibration.roundTripBefore, let after = calibration.roundTripAfter {
      text +=
        ", compare-exchange round trip \(Number.fixed(before, 0)) ns before, \(Number.fixed(after, 0)) ns after"
    }
    return text
  }
}

/// What figures are good for.
struct NoiseText {
  private let figures: BenchFigures
  init(_ figures: BenchFigures) { self.figures = figures }

  var text: String { "control: one against itself was within \(Number.percent(figures.noise)) of 1" }
}

extension BenchOutcome {
  /// For people.
  public var parts: [ReportPart] {
    switch self {
    case .figures(let figures): BenchReport(figures).parts
    case .sweep(let sweep): SweepReport(sweep).parts
    case .layouts(let figures): LayoutReport(figures).parts
    }
  }
}

/// Nanoseconds, for people.
enum Time {
  static func text(_ nanoseconds: Double) -> String {
    Number.fixed(nanoseconds, nanoseconds < 10 ? 2 : nanoseconds < 1000 ? 1 : 0)
  }
}

extension BenchMeasure {
  var title: String {
    switch self {
    case .fastPath: "fast path"
    case .firstAllocation: "first allocation alone"
    case .contended: "contended"
    case .besideDirtyWord: "beside a dirty word"
    }
  }
}

extension Plot.Point {
  init(x: Double, _ estimate: Estimate) {
    self.init(x: x, y: estimate.median, low: estimate.low, high: estimate.high)
  }
}
