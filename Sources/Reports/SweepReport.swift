import BenchModel

/// A sweep: for each measure a table, with a line for each value and a column for each contestant, and a plot.
public struct SweepReport {
  private let sweep: BenchSweep
  public init(_ sweep: BenchSweep) { self.sweep = sweep }

  public var parts: [ReportPart] {
    guard let first = sweep.points.first?.figures, let last = sweep.points.last?.figures else { return [] }
    // Of the sweep as a whole.
    var whole = first
    whole.calibration.roundTripAfter = last.calibration.roundTripAfter
    whole.noise = sweep.points.map(\.figures.noise).max() ?? 0
    return [
      .heading(
        "\(first.scenario): \(first.site), role \(first.role). \(sweep.axis.sentence) "
          + "At each value \(SamplesText(first).text)."),
      .text(MachineText(whole).text),
    ] + measures.flatMap { [.text("\($0.title), ns for one inode:"), .table(table($0)), .plot(plot($0))] } + [
      .text(NoiseText(whole).text)
    ]
  }

  /// The measures that were taken, in order.
  private var measures: [BenchMeasure] {
    BenchMeasure.allCases.filter { measure in
      sweep.points.contains { $0.figures.results.contains { $0.measure == measure } }
    }
  }

  private var contestants: [String] {
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

  /// The last column is the control's interval at that value.
  private func table(_ measure: BenchMeasure) -> TextTable {
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
    return table
  }

  private func plot(_ measure: BenchMeasure) -> Plot {
    Plot(
      "\(measure.title) along \(sweep.axis.rawValue)", x: sweep.axis.unit, y: "ns for one inode",
      kind: .curves(logarithmicX: sweep.axis != .populated), logarithmicY: true,
      contestants.map { name in
        Plot.Series(
          name,
          sweep.points.compactMap { point in
            result(point, measure, name).map { Plot.Point(x: Double(point.value), $0.time) }
          })
      })
  }
}
