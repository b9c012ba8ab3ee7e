import Addons
import BenchModel
import CThreads
import Machine
import RaceModel

/// Measures what strategies cost at a site: next to each other, a sample of each in turn, so that what the machine does
/// meanwhile it does to all of them. Each is compared with C11 by hand, which does the same with the same allocator, by the
/// ratio of samples that were taken right after each other.
public struct Bench {
  /// What can be measured: of a scenario, those of its site.
  let codes: [MeasuredCode]
  public init(_ codes: [MeasuredCode] = []) { self.codes = codes }
  /// Who takes part, by what a scenario says: the strategies of its site, or somebody's code.
  public var contest: (Scenario, BenchOptions, [MeasuredCode]) throws(EngineError) -> Contest = {
    (scenario, options, codes) throws(EngineError) in try Contest(scenario, options, codes)
  }
  /// Asked between samples: whether to stop with what there is.
  public var isInterrupted: () -> Bool = { false }
  /// Told what is being measured, and how much of all is done, 0 to 1.
  public var progress: (_ measure: String, _ racers: Int, _ share: Double) -> Void = { _, _, _ in }

  /// This bench, whose work is one part of so many, and called something else if need be.
  func part(_ index: Int, of count: Int, called name: String? = nil) -> Bench {
    var bench = self
    bench.progress = { [progress] measure, racers, share in
      progress(name ?? measure, racers, (Double(index) + share) / Double(count))
    }
    return bench
  }

  /// What a bench of a site can be of.
  public func strategies(at site: String) -> [String] {
    codes.filter { $0.site == site }.map(\.strategy.name)
  }

  /// Whatever a scenario's bench is of: layouts, strategies along an axis, or strategies.
  public func measure(_ scenario: Scenario, along axis: BenchAxis? = nil) throws(EngineError) -> BenchOutcome {
    let isOfLayouts = scenario.bench?.layout != nil
    if let axis {
      if isOfLayouts { throw EngineError("a layout study has its own inodes; leave --sweep out") }
      return .sweep(try sweep(scenario, along: axis))
    }
    return isOfLayouts ? .layouts(try study(scenario)) : .figures(try run(scenario))
  }

  public func run(_ scenario: Scenario) throws(EngineError) -> BenchFigures {
    let options = scenario.bench ?? BenchOptions()
    return try run(contest(scenario, options, codes), options)
  }

  /// Contestants of your own.
  public func run(_ contest: Contest, _ options: BenchOptions) throws(EngineError) -> BenchFigures {
    var calibration = Calibration(processors: Int(cthreads_processor_count()))
    var measuring = Measuring(bench: self, contest: contest, options: options)
    let pair = Crew(racerCount: 2)
    calibration.roundTripBefore = try pair.roundTrip()
    let works = options.measures.flatMap { measure -> [(measure: BenchMeasure, racers: Int)] in
      switch measure {
      case .fastPath, .firstAllocation: [(measure, 1)]
      case .besideDirtyWord: [(measure, 2)]
      case .contended: options.racers.map { (measure, $0) }
      }
    }
    for (number, work) in works.enumerated() {
      measuring.bench = part(number, of: works.count)
      try measuring.measure(work.measure, on: work.racers == 2 ? pair : Crew(racerCount: work.racers), pair)
    }
    calibration.roundTripAfter = try pair.roundTrip()
    return BenchFigures(
      scenario: contest.scenario, site: contest.site, role: contest.role, inodes: options.inodes,
      spacing: Int(contest.field.area.spacing), repetitions: options.repetitions, noise: measuring.noise,
      results: measuring.results, calibration: calibration, stampCost: measuring.ticks.stampCost,
      recordCost: measuring.ticks.recordCost)
  }

  /// A bench at each value of an axis: its own, or these.
  public func sweep(
    _ scenario: Scenario, along axis: BenchAxis, values: [Int]? = nil
  ) throws(EngineError) -> BenchSweep {
    var points: [BenchSweep.Point] = []
    let values = values ?? axis.values
    for (number, value) in values.enumerated() where !isInterrupted() {
      var scenario = scenario
      let options = axis.options(value, of: scenario.bench ?? BenchOptions())
      // A dirty word inside the inode would be one of the site's own.
      if axis == .sharing, let code = codes.first(where: { $0.site == scenario.site }), value < code.inodeSize {
        continue
      }
      scenario.bench = options
      points.append(BenchSweep.Point(value: value, figures: try part(number, of: values.count).run(scenario)))
    }
    return BenchSweep(axis: axis, points: points)
  }
}
