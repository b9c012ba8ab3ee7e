import AddonMemory
import BenchModel
import CAtomics
import CBaseline
import Histogram
import Machine
import RaceModel

/// One contest under way.
struct Measuring {
  /// Nanoseconds that a sample of visits to populated inodes takes at least: as many passes as that takes.
  private static let sampleOfPopulated = 300_000.0
  private static let longFirstPass = 10_000_000.0
  /// Visits to empty inodes in one sample: as many rounds as that takes.
  private static let visitsOfEmpty = 2_048
  /// Times that a measure is repeated because the machine changed in the middle.
  private static let attempts = 3

  /// Which part of the work is at hand.
  var bench: Bench
  let contest: Contest
  let options: BenchOptions
  let ticks = TickRate.here
  var results: [BenchResult] = []
  /// The largest distance of a control's interval from 1 that was seen.
  var noise = 0.0

  init(bench: Bench, contest: Contest, options: BenchOptions) {
    self.bench = bench
    self.contest = contest
    self.options = options
  }

  mutating func measure(_ measure: BenchMeasure, on crew: Crew, _ pair: Crew) throws(EngineError) {
    let able = contest.contestants.filter { $0.measures.contains(measure) }
    guard able.count >= 2 else { return }
    // The control comes last.
    let contestants = able + [able[1]]
    var changed = true
    var roundTrip: Double?
    var samples: [Samples] = []
    for _ in 0..<Self.attempts where changed && !bench.isInterrupted() {
      let before = try pair.roundTrip()
      samples = try sample(measure, contestants, on: crew)
      let after = try pair.roundTrip()
      changed = false
      if let before, let after {
        roundTrip = (before + after) / 2
        changed = !BenchResult.isSamePlacement(before, after)
      }
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
          contestant: isControl ? BenchResult.controlName : contestant.name, measure: measure,
          racers: crew.racerCount, time: Estimate(of: samples[index].times), ratio: ratio,
          comparison: ratio.map { changed ? .notCompared : .init(of: $0, noise: isControl ? 0 : apart) },
          wastedAllocations: samples[index].wasted,
          retries: contestant.countsRetries ? samples[index].retries : nil, wins: samples[index].wins,
          latencies: measure == .contended
            ? try latencies(of: contestant, on: crew, bench.part(contestants.count + index, of: 2 * contestants.count))
            : [],
          roundTrip: roundTrip))
    }
  }

  private struct Samples {
    /// Nanoseconds for one inode.
    var times: [Double] = []
    /// By racer.
    var counts: [VisitCounts] = []
    /// Inodes that were empty, and are not.
    var populations = 0

    /// Blocks for each of them.
    var wasted: Double { forEach(\.frees) }
    var retries: Double { forEach(\.retries) }
    private func forEach(_ count: KeyPath<VisitCounts, Int>) -> Double {
      populations > 0 ? Double(counts.reduce(0) { $0 + $1[keyPath: count] }) / Double(populations) : 0
    }
    /// Of what was populated, by whom.
    var wins: [Double] {
      let won = counts.map { Double($0.allocations - $0.frees) }
      let all = won.reduce(0, +)
      return all > 0 ? won.map { $0 / all } : []
    }

    mutating func add(_ more: [VisitCounts]) {
      if counts.isEmpty { counts = Array(repeating: VisitCounts(), count: more.count) }
      for (racer, more) in more.enumerated() {
        counts[racer].allocations += more.allocations
        counts[racer].frees += more.frees
        counts[racer].retries += more.retries
      }
    }
  }

  private func sample(
    _ measure: BenchMeasure, _ contestants: [Contestant], on crew: Crew
  ) throws(EngineError) -> [Samples] {
    var samples = [Samples](repeating: Samples(), count: contestants.count)
    let all = options.warmUp + options.repetitions
    var generator = SplitMix(seed: 2024)
    var order = Array(contestants.indices)
    for repetition in 0..<all {
      if bench.isInterrupted() { break }
      // Latencies, where there are any, take as long again.
      let share = Double(repetition) / Double(measure == .contended ? 2 * all : all)
      bench.progress(measure.rawValue, crew.racerCount, share)
      contest.field.move(using: &generator)
      // In another order each time, and then the other way round: who comes next finds caches and heap as the one before has
      // left them, and of two each is before the other as often as after it.
      if repetition % 2 == 0 { order.shuffle(using: &generator) } else { order.reverse() }
      for index in order {
        let sample = try once(measure, contestants[index], on: crew)
        if repetition < options.warmUp { continue }
        samples[index].times += sample.times
        samples[index].populations += sample.populations
        samples[index].add(Array(sample.counts.prefix(crew.racerCount)))
      }
    }
    return samples
  }

  /// Warms up, and answers how many passes make a sample. `pass` answers the ticks of one.
  private func passes(_ pass: () throws(EngineError) -> UInt64) throws(EngineError) -> Int {
    let first = ticks.nanoseconds(of: Double(try pass()))
    // The first one populates, or finds caches cold. If even so it is that long, every other is long enough.
    if first > Self.longFirstPass { return 1 }
    let second = ticks.nanoseconds(of: Double(try pass()))
    return Int((Self.sampleOfPopulated / max(1, second)).rounded(.up))
  }
  private var rounds: Int { min(8, max(1, Self.visitsOfEmpty / options.inodes)) }
  /// Inodes that are populated before racers contend.
  private var populatedBefore: Int { Int((Double(options.inodes) * options.populated).rounded()) }

  /// One sample. It begins with a heap in one piece: in which pieces others have left it would decide over a third of what
  /// contended visits take, and stays so for many samples.
  private func once(
    _ measure: BenchMeasure, _ contestant: Contestant, on crew: Crew
  ) throws(EngineError) -> Samples {
    cbaseline_tidy_heap()
    contestant.create()
    defer { contestant.destroy() }
    var made = Samples()
    let counts = contest.field.counts
    _ = counts.take()
    switch measure {
    case .fastPath:
      let passes = try passes { () throws(EngineError) in try crew.run { contestant.visit($0, 1) } }
      let total = try crew.run { contestant.visit($0, passes) }
      contestant.empty()
      made.times = [nanoseconds(total, options.inodes * passes)]
    case .firstAllocation, .contended:
      var total: UInt64 = 0
      let populatedBefore = measure == .contended ? self.populatedBefore : 0
      for round in 0...rounds {
        if populatedBefore > 0 {
          contestant.visitFirst(populatedBefore)
          _ = counts.take()
        }
        let time = try crew.run { contestant.visit($0, 1) }
        let counted = counts.take()
        contestant.empty()
        // The first one gets its memory from the kernel.
        if round == 0 { continue }
        total += time
        made.add(counted)
        made.populations += options.inodes - populatedBefore
      }
      made.times = [nanoseconds(total, options.inodes * rounds)]
    case .besideDirtyWord:
      let dirt = Dirt(contest.field.area, distance: options.dirtyDistance)
      let passes = try passes { () throws(EngineError) in
        try crew.run(timing: 0) { racer in if racer == 0 { contestant.visit(0, 1) } }
      }
      let total = try crew.run(timing: 0) { racer in
        if racer == 0 {
          contestant.visit(0, passes)
          dirt.stop()
        } else {
          dirt.write()
        }
      }
      contestant.empty()
      made.times = [nanoseconds(total, options.inodes * passes)]
    }
    return made
  }

  private func nanoseconds(_ total: UInt64, _ visits: Int) -> Double {
    ticks.nanoseconds(of: Double(total)) / Double(visits)
  }

  /// Each visit timed, in rounds of their own: time stamps cost as much as some visits.
  private func latencies(
    of contestant: Contestant, on crew: Crew, _ bench: Bench
  ) throws(EngineError) -> [Latency] {
    guard let visit = contestant.timedVisit else { return [] }
    let recorders = (0..<crew.racerCount).map { _ in Recorder(visits: options.inodes) }
    contestant.create()
    defer { contestant.destroy() }
    for repetition in 0..<options.repetitions where !bench.isInterrupted() {
      bench.progress(
        "\(contestant.name)'s latencies", crew.racerCount, Double(repetition) / Double(options.repetitions))
      if populatedBefore > 0 { contestant.visitFirst(populatedBefore) }
      try crew.run { visit($0, recorders[$0].ticks) }
      contestant.empty()
      for recorder in recorders { recorder.record() }
    }
    _ = contest.field.counts.take()
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

/// One racer's latencies, in ticks: three digits, up to a minute or so. While it visits it only stores them.
private final class Recorder {
  let ticks: UnsafeMutablePointer<UInt64>
  private let visits: Int
  private(set) var histogram = Histogram<UInt64>(
    lowestDiscernibleValue: 1, highestTrackableValue: 1 << 38, numberOfSignificantValueDigits: .three)

  init(visits: Int) {
    self.visits = visits
    ticks = .allocate(capacity: visits)
    ticks.initialize(repeating: 0, count: visits)
  }
  deinit { ticks.deallocate() }

  func record() { for visit in 0..<visits { histogram.record(ticks[visit]) } }
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
    var value: UInt32 = 0
    while catomics_load_acquire_64(isOver) == 0 {
      var address = area.base &+ distance
      for _ in 0..<area.count {
        UnsafeMutablePointer<UInt32>(bitPattern: address).map { catomics_store_relaxed_32($0, value) }
        address &+= area.spacing
      }
      value &+= 1
    }
  }
}
