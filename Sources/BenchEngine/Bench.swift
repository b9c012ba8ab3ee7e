import AddonMemory
import Addons
import CAtomics
import CThreads
import Histogram
import RaceModel

/// Measures what strategies cost at a site: next to each other, a sample of each in turn, so that what the machine does
/// meanwhile it does to all of them. Each is compared with C11 by hand, which does the same with the same allocator, by the
/// ratio of samples that were taken right after each other.
public struct Bench {
  public init() {}
  /// Asked between samples: whether to stop with what there is.
  public var isInterrupted: () -> Bool = { false }
  /// Told how much of a measure is done, 0 to 1.
  public var progress: (BenchMeasure, Int, Double) -> Void = { _, _, _ in }

  /// Visits to populated inodes in one sample, and to empty ones: as many passes or rounds as that takes.
  private static let visitsOfPopulated = 16_384
  private static let visitsOfEmpty = 2_048
  /// Times that a measure is repeated because the machine changed in the middle.
  private static let attempts = 3
  /// The machine has changed where a round trip takes so much longer, or shorter.
  private static let change = 1.5

  /// What a bench can be of: sites whose slots are populated for good, and the strategies that are right there.
  public static func strategies(at site: String) -> [String] {
    BenchCode.all.filter { $0.site == site }.map(\.strategy.name)
  }

  /// A bench at each value of an axis: its own, or these.
  public func sweep(
    _ scenario: Scenario, along axis: BenchAxis, values: [Int]? = nil
  ) throws(EngineError) -> BenchSweep {
    var points: [BenchSweep.Point] = []
    for value in values ?? axis.values where !isInterrupted() {
      var scenario = scenario
      let options = axis.options(value, of: scenario.bench ?? BenchOptions())
      // A dirty word inside the inode would be one of the site's own.
      if axis == .sharing, let code = BenchCode.all.first(where: { $0.site == scenario.site }), value < code.inodeSize {
        continue
      }
      scenario.bench = options
      points.append(BenchSweep.Point(value: value, figures: try run(scenario)))
    }
    return BenchSweep(axis: axis, points: points)
  }

  public func run(_ scenario: Scenario) throws(EngineError) -> BenchFigures {
    let options = scenario.bench ?? BenchOptions()
    let wanted = options.strategies.isEmpty ? Self.strategies(at: scenario.site) : options.strategies
    let codes = wanted.compactMap { name in
      BenchCode.all.first { $0.site == scenario.site && $0.strategy.name == name }
    }
    guard let first = codes.first else {
      throw EngineError(
        "site '\(scenario.site)' cannot be measured: its slots go back to NULL, or nobody allocates there; "
          + "those that can: \(Set(BenchCode.all.map(\.site)).sorted().joined(separator: ", "))")
    }
    let role = options.role ?? scenario.racers.first?.role ?? first.roles[0]
    guard let roleNumber = first.roles.firstIndex(of: role) else {
      throw EngineError("site '\(scenario.site)' has no role '\(role)'; it has: \(first.roles.joined(separator: ", "))")
    }
    if first.looksOnly[roleNumber] {
      throw EngineError(
        "role '\(role)' of site '\(scenario.site)' never populates a slot; those that do: "
          + zip(first.roles, first.looksOnly).filter { !$1 }.map(\.0).joined(separator: ", "))
    }
    let spacing = max(options.spacing, (first.inodeSize + 7) / 8 * 8)
    let storage = Storage(bytes: options.inodes * spacing, sharedBytes: first.sharedSize)
    let area = BenchArea(
      base: storage.inodes, spacing: UInt(spacing), count: options.inodes, shared: storage.shared)
    let most = max(2, options.racers.max() ?? 2)
    let counts = AllocationCounts(racerCount: most)
    var contestants = [Contestant(referenceOf: first.biggestAddon, area: area, counts: counts)]
    for code in codes {
      contestants.append(
        Contestant(code, named: code.strategy.name, role: UInt8(roleNumber), area: area, counts: counts))
    }
    // The control: one of them a second time. It must come out as no difference.
    contestants.append(
      Contestant(first, named: BenchResult.controlName, role: UInt8(roleNumber), area: area, counts: counts))

    var calibration = Calibration(processors: Int(cthreads_processor_count()))
    var measuring = Measuring(
      bench: self, contestants: contestants, area: area, storage: storage, counts: counts, options: options,
      ticks: TickRate())
    let pair = Crew(racerCount: 2)
    calibration.roundTripBefore = try pair.roundTrip()
    for measure in options.measures {
      switch measure {
      case .fastPath, .firstAllocation: try measuring.measure(measure, on: Crew(racerCount: 1), pair)
      case .besideDirtyWord: try measuring.measure(measure, on: pair, pair)
      case .contended:
        for racers in options.racers {
          try measuring.measure(measure, on: racers == 2 ? pair : Crew(racerCount: racers), pair)
        }
      }
    }
    calibration.roundTripAfter = try pair.roundTrip()
    return BenchFigures(
      scenario: scenario.name, site: scenario.site, role: role, inodes: options.inodes, spacing: spacing,
      repetitions: options.repetitions, noise: measuring.noise, results: measuring.results, calibration: calibration,
      stampCost: measuring.ticks.nanoseconds(of: TickRate.stamps()))
  }

  /// Memory of the inodes, on pages of its own.
  final class Storage {
    let inodes: UInt
    let shared: UInt
    private let blocks: [(block: UnsafeMutableRawPointer, bytes: Int)]
    init(bytes: Int, sharedBytes: Int) {
      blocks = [bytes, max(sharedBytes, 128)].map { bytes in
        let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4096)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return (block, bytes)
      }
      inodes = UInt(bitPattern: blocks[0].block)
      shared = sharedBytes > 0 ? UInt(bitPattern: blocks[1].block) : 0
    }
    deinit { for (block, _) in blocks { block.deallocate() } }

    /// As if nobody had ever been here.
    func clear() {
      for (block, bytes) in blocks { block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
    }
  }

  // MARK: Measuring

  /// One bench under way.
  struct Measuring {
    let bench: Bench
    let contestants: [Contestant]
    let area: BenchArea
    let storage: Storage
    let counts: AllocationCounts
    let options: BenchOptions
    let ticks: TickRate
    var results: [BenchResult] = []
    /// The largest distance of a control's interval from 1 that was seen.
    var noise = 0.0

    mutating func measure(_ measure: BenchMeasure, on crew: Crew, _ pair: Crew) throws(EngineError) {
      var changed = true
      var samples: [Samples] = []
      for _ in 0..<Bench.attempts where changed && !bench.isInterrupted() {
        let before = try pair.roundTrip()
        samples = try sample(measure, on: crew)
        let after = try pair.roundTrip()
        changed = false
        if let before, let after { changed = max(before, after) > Bench.change * min(before, after) }
      }
      guard let reference = samples.first, !reference.times.isEmpty else { return }
      let control = samples.last.map { last in
        Estimate(of: zip(last.times, samples[1].times).map { $0 / $1 })
      }
      let apart = control.map { max(abs($0.low - 1), abs($0.high - 1)) } ?? 0
      noise = max(noise, apart)
      for (index, contestant) in contestants.enumerated() {
        let isControl = index == contestants.count - 1
        let base = isControl ? samples[1] : reference
        let ratio = index == 0 ? nil : Estimate(of: zip(samples[index].times, base.times).map { $0 / $1 })
        results.append(
          BenchResult(
            contestant: contestant.name, measure: measure, racers: crew.racerCount,
            time: Estimate(of: samples[index].times), ratio: ratio,
            comparison: ratio.map { changed ? .notCompared : comparison($0, isControl ? 0 : apart) },
            wastedAllocations: samples[index].wasted,
            latencies: measure == .contended ? try latencies(of: contestant, on: crew) : []))
      }
    }

    /// Within the noise of the control nothing is a difference.
    private func comparison(_ ratio: Estimate, _ apart: Double) -> BenchResult.Comparison {
      if ratio.low > 1 + apart { return .slower }
      if ratio.high < 1 - apart { return .faster }
      return .noDifference
    }

    struct Samples {
      /// Nanoseconds for one inode.
      var times: [Double] = []
      var wasted = 0.0
    }

    private func sample(_ measure: BenchMeasure, on crew: Crew) throws(EngineError) -> [Samples] {
      var samples = [Samples](repeating: Samples(), count: contestants.count)
      var allocations = [Int](repeating: 0, count: contestants.count)
      for repetition in 0..<options.warmUp + options.repetitions {
        if bench.isInterrupted() { break }
        bench.progress(measure, crew.racerCount, Double(repetition) / Double(options.warmUp + options.repetitions))
        // Who comes first changes, so that nobody always follows the same.
        for turn in contestants.indices {
          let index = (turn + repetition) % contestants.count
          let (time, made) = try once(measure, contestants[index], on: crew)
          if repetition < options.warmUp { continue }
          samples[index].times.append(time)
          allocations[index] += made
        }
      }
      let populated = rounds * (options.inodes - populatedBefore)
      for index in samples.indices where measure != .fastPath && !samples[index].times.isEmpty && populated > 0 {
        samples[index].wasted = Double(allocations[index]) / Double(samples[index].times.count * populated) - 1
      }
      return samples
    }

    private var passes: Int { max(1, Bench.visitsOfPopulated / options.inodes) }
    private var rounds: Int { min(8, max(1, Bench.visitsOfEmpty / options.inodes)) }
    /// Inodes that are populated before racers contend.
    private var populatedBefore: Int { Int((Double(options.inodes) * options.populated).rounded()) }

    /// One sample. Answers nanoseconds for one inode, and the allocations made.
    private func once(
      _ measure: BenchMeasure, _ contestant: Contestant, on crew: Crew
    ) throws(EngineError) -> (Double, Int) {
      storage.clear()
      contestant.create()
      var total: UInt64 = 0
      var visits = options.inodes
      switch measure {
      case .fastPath:
        try crew.run { contestant.visit($0, 1) }
        total = try crew.run { contestant.visit($0, passes) }
        visits *= passes
        contestant.empty()
        _ = counts.take()
        return (ticks.nanoseconds(of: Double(total)) / Double(visits), 0)
      case .firstAllocation, .contended:
        var made = 0
        for _ in 0..<rounds {
          if measure == .contended, populatedBefore > 0 { contestant.visitFirst(populatedBefore) }
          _ = counts.take()
          total += try crew.run { contestant.visit($0, 1) }
          made += counts.take()
          contestant.empty()
        }
        return (ticks.nanoseconds(of: Double(total)) / Double(visits * rounds), made)
      case .besideDirtyWord:
        let dirt = Dirt(area, distance: options.dirtyDistance)
        try crew.run { racer in if racer == 0 { contestant.visit(0, 1) } }
        total = try crew.run { racer in
          if racer == 0 {
            contestant.visit(0, passes)
            dirt.stop()
          } else {
            dirt.write()
          }
        }
        visits *= passes
        contestant.empty()
        _ = counts.take()
        return (ticks.nanoseconds(of: Double(total)) / Double(visits), 0)
      }
    }

    /// Each visit timed, in rounds of their own: time stamps cost as much as some visits.
    private func latencies(of contestant: Contestant, on crew: Crew) throws(EngineError) -> [Latency] {
      guard let visit = contestant.timedVisit else { return [] }
      let recorders = (0..<crew.racerCount).map { _ in Recorder() }
      storage.clear()
      contestant.create()
      for _ in 0..<options.repetitions where !bench.isInterrupted() {
        try crew.run { visit($0, &recorders[$0].histogram) }
        contestant.empty()
      }
      _ = counts.take()
      return recorders.map { recorder in
        func percentile(_ percent: Double) -> Double {
          ticks.nanoseconds(of: Double(recorder.histogram.valueAtPercentile(percent)))
        }
        return Latency(
          median: percentile(50), p99: percentile(99), p999: percentile(99.9),
          max: ticks.nanoseconds(of: Double(recorder.histogram.max)))
      }
    }
  }

  /// One racer's latencies, in ticks: three digits, up to a minute or so.
  private final class Recorder {
    var histogram = Histogram<UInt64>(
      lowestDiscernibleValue: 1, highestTrackableValue: 1 << 38, numberOfSignificantValueDigits: .three)
  }
}

/// A word near each slot, which somebody keeps writing.
private final class Dirt: @unchecked Sendable {
  private let area: BenchArea
  private let distance: UInt
  private let isOver: UnsafeMutablePointer<UInt64>

  init(_ area: BenchArea, distance: Int) {
    self.area = area
    self.distance = UInt(bitPattern: distance)
    isOver = .allocate(capacity: 32)
    isOver.initialize(repeating: 0, count: 32)
  }
  deinit { isOver.deallocate() }

  func stop() { catomics_store_release_64(isOver, 1) }

  func write() {
    var value: UInt64 = 0
    while catomics_load_acquire_64(isOver) == 0 {
      var address = area.base &+ distance
      for _ in 0..<area.count {
        UnsafeMutablePointer<UInt64>(bitPattern: address).map { catomics_store_relaxed_64($0, value) }
        address &+= area.spacing
      }
      value &+= 1
    }
  }
}

/// How long a tick of the time stamp counter is.
struct TickRate {
  private let nanosecondsOfTick: Double

  init() {
    let start = (Clock.now(), cthreads_ticks_before())
    var now = (Clock.now(), cthreads_ticks_before())
    while now.0 - start.0 < 0.02 { now = (Clock.now(), cthreads_ticks_before()) }
    nanosecondsOfTick = (now.0 - start.0) * 1e9 / Double(now.1 - start.1)
  }

  func nanoseconds(of ticks: Double) -> Double { ticks * nanosecondsOfTick }

  /// Ticks between two stamps with nothing between them, the median of many.
  static func stamps() -> Double {
    var all = (0..<1001).map { _ in
      let start = cthreads_ticks_before()
      return Double(cthreads_ticks_after() &- start)
    }
    all.sort()
    return all[500]
  }
}

extension Crew {
  /// Nanoseconds of one compare-exchange round trip between the first two racers; nil where one processor has to do for
  /// both.
  func roundTrip() throws(EngineError) -> Double? {
    if racerCount < 2 || cthreads_processor_count() < 2 { return nil }
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    words.initialize(repeating: 0, count: 64)
    defer { words.deallocate() }
    let trip = RoundTrip(word: words, abandoned: words + 32)
    let answer = words + 48
    try run { racer in
      guard racer < 2 else { return }
      var base: UInt64 = 0
      let time = trip.measure(as: racer, from: &base)
      if racer == 0 { answer.pointee = time.bitPattern }
    }
    return Double(bitPattern: answer.pointee)
  }
}
