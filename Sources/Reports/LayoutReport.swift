import BenchModel

/// A layout study: what follows from it, and then what it follows from.
public struct LayoutReport {
  private let figures: LayoutFigures
  public init(_ figures: LayoutFigures) { self.figures = figures }

  private var reference: LayoutFacts { figures.layouts[0] }
  private var others: ArraySlice<LayoutFacts> { figures.layouts.dropFirst() }

  public var parts: [ReportPart] {
    [
      .heading(
        "\(figures.scenario): layouts of an inode, compared with \(reference.name); "
          + SamplesText(figures.firstWatch).text), .text(MachineText(figures.firstWatch).text),
      .subheading(Self.legend), .table(summaries), .table(layouts),
      .subheading("What follows"), .table(conclusions),
    ]
      + figures.options.regimes.flatMap(hooks)
      + [.subheading("The first watch of an inode, alone and raced")] + BenchReport(figures.firstWatch).measured
      + bytes
      + [
        .subheading("What this machine could not show"), .text(notShown.map { "- \($0)" }.joined(separator: "\n")),
        .text(NoiseText(figures.firstWatch).text),
      ]
  }

  // MARK: What they are

  private static let legend = "The layouts"

  private var summaries: TextTable {
    var table = TextTable([.left("layout"), .left("what it is")])
    for layout in figures.layouts { table.add([layout.name, layout.summary]) }
    return table
  }

  private var layouts: TextTable {
    let regimes = figures.options.regimes
    var table = TextTable(
      [.left("layout"), .right("bytes"), .right("elsewhere"), .right("first watch allocates")]
        + regimes.map { .right($0.rawValue) })
    for layout in figures.layouts {
      table.add(
        [
          layout.name, "\(layout.inodeBytes)", "\(layout.bytesElsewhere)",
          layout.blocks.map(String.init).joined(separator: " + "),
        ] + regimes.map { reach(layout, $0) })
    }
    return table
  }

  /// As "2 lines, 4 loads".
  private func reach(_ layout: LayoutFacts, _ regime: LayoutRegime) -> String {
    guard let reach = figures.reaches.first(where: { $0.layout == layout.name && $0.regime == regime }) else {
      return "-"
    }
    func number(_ value: Double) -> String { Number.fixed(value, value == value.rounded() ? 0 : 1) }
    let misses = reach.cacheMisses.map { ", \(Number.fixed($0, 2)) misses" } ?? ""
    func counted(_ value: Double, _ noun: String) -> String { "\(number(value)) \(noun)\(value == 1 ? "" : "s")" }
    return "\(counted(reach.lines, "line")), \(counted(reach.loads, "load"))\(misses)"
  }

  // MARK: Hooks

  private func points(_ regime: LayoutRegime) -> [LayoutFigures.Point] {
    figures.hooks.filter { $0.regime == regime }
  }

  private func hooks(in regime: LayoutRegime) -> [ReportPart] {
    let points = points(regime)
    if points.isEmpty { return [] }
    var table = TextTable(
      [.left("hooks"), .left("layout")] + figures.options.inodes.map { .right("\(Number.grouped($0)) inodes") })
    var plots: [ReportPart] = []
    for condition in conditions(of: points) {
      for (row, layout) in figures.layouts.enumerated() {
        table.add(
          [row == 0 ? condition.title : "", layout.name]
            + figures.options.inodes.map { inodes in
              points.first { $0.inodes == inodes && condition.holds($0) }
                .flatMap { cell($0, layout) } ?? "-"
            })
      }
      plots.append(
        .plot(
          Plot(
            "\(regime.rawValue): a hook \(condition.title)", x: "inodes", y: "ns for one hook",
            kind: .curves(logarithmicX: true), logarithmicY: true, legend: Self.legend,
            figures.layouts.map { layout in
              Plot.Series(
                layout.name,
                points.filter(condition.holds).compactMap { point in
                  result(point, layout).map { Plot.Point(x: Double(point.inodes), $0.time) }
                })
            })))
    }
    return [
      .subheading("A hook, \(regime.rawValue)"),
      .text(
        "\(regime.sentence)\nns for one hook; + slower than \(reference.name) beyond intervals and control, - faster, ? the machine changed:"
      ), .table(table),
    ] + plots
  }

  private struct Condition: Equatable {
    var beside: LayoutNeighbour
    var pace: HookPace
    var title: String { beside == .nothing ? pace.rawValue : "beside a dirty \(beside.rawValue)" }
    func holds(_ point: LayoutFigures.Point) -> Bool { point.beside == beside && point.pace == pace }
  }

  private func conditions(of points: [LayoutFigures.Point]) -> [Condition] {
    var conditions: [Condition] = []
    for point in points {
      let condition = Condition(beside: point.beside, pace: point.pace)
      if !conditions.contains(condition) { conditions.append(condition) }
    }
    return conditions
  }

  private func result(_ point: LayoutFigures.Point, _ layout: LayoutFacts) -> BenchResult? {
    point.figures.results.first { $0.contestant == layout.name }
  }

  private func cell(_ point: LayoutFigures.Point, _ layout: LayoutFacts) -> String? {
    guard let result = result(point, layout) else { return nil }
    let mark =
      switch result.comparison {
      case .slower: " +"
      case .faster: " -"
      case .notCompared: " ?"
      case .noDifference, nil: "  "
      }
    return Time.text(result.time.median) + mark
  }

  // MARK: Bytes

  private static let shares = [0, 0.001, 0.01, 0.1, 0.5, 1]

  /// Objects and slabs; nil: as if bytes were had one by one.
  private var allocators: [(object: Int, slab: Int?)] {
    figures.options.objects.flatMap { object in
      [(object, nil)] + figures.options.slabs.map { (object, $0) }
    }
  }

  private func bytes(_ layout: LayoutFacts, _ object: Int, _ slab: Int?) -> LayoutBytes {
    LayoutBytes(layout, today: Self.today(figures.layouts), object: object, slab: slab)
  }

  /// Objects are as big as they are with this one.
  private static func today(_ layouts: [LayoutFacts]) -> LayoutFacts { layouts.first { $0.name == "V0" } ?? layouts[0] }

  private var memoryDiffers: Bool {
    let first = bytes(reference, reference.inodeBytes, nil)
    return others.contains { bytes($0, reference.inodeBytes, nil) != first }
  }

  private var bytes: [ReportPart] {
    if !memoryDiffers { return [.text("Memory: all of them take as much.")] }
    return allocators.flatMap { object, slab -> [ReportPart] in
      var table = TextTable(
        [.left("bytes for each inode")] + Self.shares.map { .right("\(share($0)) watched") } + [.left("takes less")])
      for layout in figures.layouts {
        let its = bytes(layout, object, slab)
        table.add(
          [layout.name] + Self.shares.map { Number.fixed(its.average(watched: $0), 1) } + [
            layout == reference
              ? "what the others are compared with" : breakEven(its.breakEven(against: bytes(reference, object, slab)))
          ])
      }
      let title = "objects of \(object) bytes, " + (slab.map { "slabs of \(Number.grouped($0))" } ?? "no slab rounding")
      let plot = Plot(
        title, x: "% of the inodes watched", y: "bytes for each inode", kind: .curves(logarithmicX: true),
        legend: Self.legend,
        figures.layouts.map { layout in
          Plot.Series(
            layout.name,
            Self.shares.filter { $0 > 0 }.map { share in
              let value = bytes(layout, object, slab).average(watched: share)
              return Plot.Point(x: 100 * share, y: value, low: value, high: value)
            })
        })
      return [.subheading("Memory, \(title)"), .table(table), .plot(plot)]
    }
  }

  private func share(_ share: Double) -> String {
    let percent = 100 * share
    return Number.fixed(percent, percent == percent.rounded() ? 0 : 1) + " %"
  }

  private func breakEven(_ breakEven: LayoutBytes.BreakEven) -> String {
    switch breakEven {
    case .below(let share): "below \(self.share(share)) watched"
    case .above(let share): "above \(self.share(share)) watched"
    case .alwaysLess: "always"
    case .neverLess: "never"
    case .same: "the same"
    }
  }

  // MARK: What follows

  private var conclusions: TextTable {
    var table = TextTable([.left("what follows"), .left(""), .left("against \(reference.name)")])
    for layout in others {
      let findings: [(String, String?)] =
        [("memory", memory(layout))] + figures.options.regimes.map { ($0.rawValue, hooks(layout, $0)) }
        + [("first watch", firstWatch(layout))]
      for (row, (what, finding)) in findings.enumerated() {
        if let finding { table.add([row == 0 ? layout.name : "", what, finding]) }
      }
    }
    return table
  }

  private func memory(_ layout: LayoutFacts) -> String {
    if !memoryDiffers { return "the same" }
    // Slabs in which it comes to the same are named together.
    var findings: [(finding: String, places: [String])] = []
    for (object, slab) in allocators {
      guard let slab else { continue }
      let its = bytes(layout, object, slab)
      let saved = bytes(reference, object, slab).each - its.each
      let each = saved == 0 ? "as much" : "\(Number.fixed(abs(saved), 1)) bytes \(saved > 0 ? "less" : "more")"
      let finding = "\(each) unwatched, less \(breakEven(its.breakEven(against: bytes(reference, object, slab))))"
      let place = "\(object) in \(Number.grouped(slab))"
      if let known = findings.firstIndex(where: { $0.finding == finding }) {
        findings[known].places.append(place)
      } else {
        findings.append((finding, [place]))
      }
    }
    return findings.map { "\($0.finding) (\($0.places.joined(separator: "; ")))" }.joined(separator: ", ")
  }

  /// Nil where nothing differs because nothing can.
  private func hooks(_ layout: LayoutFacts, _ regime: LayoutRegime) -> String? {
    var slower: [(Double, String)] = []
    var faster: [(Double, String)] = []
    var all = 0
    for point in points(regime) {
      guard let result = result(point, layout), let base = self.result(point, reference),
        result.comparison != .notCompared
      else { continue }
      all += 1
      let place = "\(Condition(beside: point.beside, pace: point.pace).title), \(Number.grouped(point.inodes)) inodes"
      let difference = result.time.median - base.time.median
      if result.comparison == .slower { slower.append((difference, place)) }
      if result.comparison == .faster { faster.append((-difference, place)) }
    }
    if all == 0 { return nil }
    if slower.isEmpty, faster.isEmpty { return "no difference in \(all) measurements" }
    let words = [("slower", slower), ("faster", faster)].compactMap { word, found in
      found.max { $0.0 < $1.0 }.map { most in
        "\(word) in \(found.count), by up to \(Time.text(most.0)) ns (\(most.1))"
      }
    }
    return "of \(all) measurements \(words.joined(separator: "; "))"
  }

  private func firstWatch(_ layout: LayoutFacts) -> String? {
    let results = figures.firstWatch.results.filter { $0.contestant == layout.name }
    let words = results.compactMap { result in
      result.ratio.map { ratio in
        let what = result.measure == .contended ? "raced by \(result.racers)" : "alone"
        let waste =
          result.measure == .contended
          ? " (\(Number.fixed(result.wastedAllocations, 2)) blocks wasted for each inode)" : ""
        return "\(Number.fixed(ratio.median, 2)) times as long \(what)\(waste)"
      }
    }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  private var notShown: [String] {
    let misses =
      figures.countersMissing.map {
        "Cache misses: its counters cannot be had (\($0)); lines and loads are counted instead."
      }
    let changed = figures.hooks.count { point in point.figures.results.contains { $0.comparison == .notCompared } }
    let noise = figures.hooks.map(\.figures.noise).max() ?? 0
    return [misses].compactMap { $0 }
      + (changed > 0
        ? ["\(changed) of \(figures.hooks.count) measurements: it changed in their middle, three times in a row."] : [])
      + [
        "Differences below its noise: one layout against itself was within \(Number.percent(noise)) of 1, at worst.",
        "What other work between hooks evicts from the caches, and what a cold branch predictor costs: here hooks follow each "
          + "other, alone or overlapping, and the truth lies between.",
        "More than \(Number.counted(figures.firstWatch.calibration.processors, "processor")), and more than one socket.",
      ]
  }
}
