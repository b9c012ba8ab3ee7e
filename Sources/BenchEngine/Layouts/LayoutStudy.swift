import BenchModel
import CCounters
import CLayouts
import Foundation
import RaceModel

extension Bench {
  /// The layouts that a study can be of: name and sentence.
  public static var layouts: [LayoutFacts] { Layouts.all.map(\.facts) }

  /// Inodes of the first watch, alone and raced.
  private static let watchedInodes = 256
  /// Beyond so many, samples take their time, and vary less.
  private static let manyInodes = 16_384

  /// Layouts of an inode against each other: what their hooks take, and the first watch.
  public func study(_ scenario: Scenario) throws(EngineError) -> LayoutFigures {
    let options = scenario.bench ?? BenchOptions()
    var layout = options.layout ?? LayoutOptions()
    let codes =
      layout.layouts.isEmpty
      ? Layouts.events : layout.layouts.compactMap { name in Layouts.all.first { $0.facts.name == name } }
    layout.layouts = codes.map(\.facts.name)
    guard let first = codes.first, codes.count >= 2 else {
      throw EngineError("a layout study compares at least two layouts; name another, or leave 'layouts' out")
    }
    guard codes.allSatisfy({ $0.regimes == first.regimes }) else {
      throw EngineError(
        "\(layout.layouts.joined(separator: ", ")): their hooks differ; compare V0 to V7 with each other, or those of locks"
      )
    }
    layout.regimes = layout.regimes.filter(first.regimes.contains)
    guard !layout.regimes.isEmpty else {
      throw EngineError(
        "none of the regimes is one of these layouts'; theirs are: "
          + first.regimes.map(\.rawValue).joined(separator: ", "))
    }

    let mostInodes = layout.inodes.max() ?? Self.watchedInodes
    let (counter, missing) = Self.counter()
    var reaches: [LayoutFigures.Reach] = []
    if !isInterrupted() {
      let field = LayoutField(inodes: mostInodes, racers: 1)
      for code in codes {
        for regime in layout.regimes { reaches.append(code.reach(in: regime, on: field, missesPerEvent: counter)) }
      }
    }
    var hooks: [LayoutFigures.Point] = []
    // The first watch is the last part.
    let parts = layout.inodes.count * layout.points.count + 1
    for (row, inodes) in layout.inodes.enumerated() {
      let field = LayoutField(inodes: inodes, racers: 2)
      for (column, point) in layout.points.enumerated() where !isInterrupted() {
        let number = row * layout.points.count + column
        let name =
          "\(scenario.name): \(point.regime.rawValue), \(inodes) inodes, beside \(point.beside.rawValue), "
          + point.pace.rawValue
        var contest = options
        contest.inodes = inodes
        contest.measures = [point.beside == .nothing ? .fastPath : .besideDirtyWord]
        contest.dirtyDistance = point.beside.offset
        if inodes > Self.manyInodes {
          contest.repetitions = min(contest.repetitions, BenchLimits.repetitions.lowerBound)
        }
        let what = "hooks, \(point.regime.rawValue), \(inodes) inodes"
        let figures = try part(number, of: parts, called: what).run(
          Contest(
            name, site: scenario.site, role: "hook", on: field.field,
            codes.map { $0.hooks(in: point.regime, at: point.pace, on: field) }), contest)
        if figures.results.isEmpty { continue }
        hooks.append(
          LayoutFigures.Point(
            regime: point.regime, inodes: inodes, beside: point.beside, pace: point.pace, figures: figures))
      }
    }
    let field = LayoutField(inodes: Self.watchedInodes, racers: max(2, options.racers.max() ?? 2))
    var contest = options
    contest.inodes = Self.watchedInodes
    contest.measures = [.firstAllocation, .contended]
    let firstWatch = try part(parts - 1, of: parts, called: "the first watch").run(
      Contest(
        "\(scenario.name): first watch", site: scenario.site, role: "watch", on: field.field,
        codes.map { $0.firstWatch(on: field) }), contest)
    return LayoutFigures(
      scenario: scenario.name, options: layout, layouts: codes.map(\.facts), reaches: reaches, hooks: hooks,
      firstWatch: firstWatch, countersMissing: missing)
  }

  /// What misses are counted with; or why there are none.
  private static func counter() -> (ccounters_event?, String?) {
    let counter = ccounters_open(CCOUNTERS_CACHE_MISSES)
    if counter >= 0 {
      ccounters_close(counter)
      return (CCOUNTERS_CACHE_MISSES, nil)
    }
    let remedy = [EACCES, EPERM].contains(-counter) ? "set kernel.perf_event_paranoid to 2 or less" : "it has none"
    return (nil, "\(String(cString: strerror(-counter))): \(remedy)")
  }
}

extension LayoutOptions {
  /// What hooks are measured in. Where nothing is watched they do not come near what differs, so once is enough; beside
  /// somebody who writes, overlapping hides what it is about.
  fileprivate var points: [(regime: LayoutRegime, beside: LayoutNeighbour, pace: HookPace)] {
    regimes.flatMap { regime in
      beside.flatMap { beside -> [(regime: LayoutRegime, beside: LayoutNeighbour, pace: HookPace)] in
        if beside != .nothing { return regime == .nothingWatched ? [] : [(regime, beside, .alone)] }
        return HookPace.allCases.map { (regime, beside, $0) }
      }
    }
  }
}

extension LayoutNeighbour {
  /// Bytes from the inode's start.
  fileprivate var offset: Int {
    switch self {
    case .nothing: 0
    case .lock: Int(LAYOUT_LOCK)
    case .count: Int(LAYOUT_READCOUNT)
    }
  }
}
