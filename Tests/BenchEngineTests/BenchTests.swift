import AddonMemory
import AddonRace
import Addons
import BenchEngine
import BenchModel
import Foundation
import Machine
import RaceModel
import Reports
import Testing

private func small(_ site: String, _ change: (inout BenchOptions) -> Void = { _ in }) -> Scenario {
  var scenario = Scenario(name: site, question: "?", site: site, strategy: "?", racers: [])
  var options = BenchOptions()
  // Those that are right in the kernel's model alone are data races to ThreadSanitizer, rightly.
  options.strategies = Registry.linux.subjects.map(\.facts).filter {
    $0.site.name == site && $0.fault == nil && $0.rightIn.contains(.c11)
  }
  .map(\.strategy.name)
  options.inodes = 8
  options.repetitions = 11
  options.warmUp = 0
  change(&options)
  scenario.bench = options
  return scenario
}

@Suite(.serialized) struct BenchTests {
  @Test(arguments: ["file-owner", "verity-info", "inode-addons", "crypt-info", "lock-context-flag"])
  func everyContestantIsMeasuredInEveryWay(_ site: String) throws {
    let figures = try Bench(Registry.linux.measured).run(small(site) { $0.racers = [2, 3] })
    let contestants = figures.results.prefix { $0.contestant != BenchResult.controlName }.map(\.contestant)
    #expect(contestants[0] == "C11 by hand" && contestants.count >= 2)
    #expect(Set(contestants.dropFirst()).isSubset(of: Bench(Registry.linux.measured).strategies(at: site)))
    for (measure, racers) in [(BenchMeasure.fastPath, 1), (.firstAllocation, 1), (.contended, 2), (.contended, 3)] {
      let results = figures.results.filter { $0.measure == measure && $0.racers == racers }
      #expect(results.map(\.contestant) == contestants + [BenchResult.controlName])
      for result in results {
        #expect(result.time.low <= result.time.median && result.time.median <= result.time.high)
        #expect(result.time.median > 0)
        #expect((result.ratio == nil) == (result.contestant == "C11 by hand"))
        #expect(result.latencies.count == (measure == .contended ? racers : 0))
        if measure == .contended || measure == .firstAllocation {
          #expect(result.wins.count == racers)
          #expect(abs(result.wins.reduce(0, +) - 1) < 1e-9)
        }
        for latency in result.latencies {
          #expect(latency.median <= latency.p99 && latency.p99 <= latency.p999 && latency.p999 <= latency.max)
        }
      }
    }
  }

  /// One racer wastes nothing; racers that contend waste less than one allocation for each of the others.
  @Test func wastedAllocations() throws {
    let figures = try Bench(Registry.linux.measured).run(small("file-owner") { $0.racers = [3] })
    for result in figures.results where result.measure != .fastPath {
      if result.racers == 1 { #expect(result.wastedAllocations == 0, "\(result.contestant)") }
      #expect((0...2).contains(result.wastedAllocations), "\(result.contestant): \(result.wastedAllocations)")
    }
  }

  /// Populated ones need no allocation; nor are there any to waste where all are.
  @Test func someArePopulatedBefore() throws {
    for share in [0.5, 1] {
      let figures = try Bench(Registry.linux.measured).run(
        small("file-owner") {
          $0.measures = [.contended]
          $0.populated = share
        })
      for result in figures.results {
        #expect(
          (0...1).contains(result.wastedAllocations), "\(share), \(result.contestant): \(result.wastedAllocations)")
        if share == 1 { #expect(result.wastedAllocations == 0) }
      }
    }
  }

  @Test(arguments: BenchAxis.allCases) func sweeps(_ axis: BenchAxis) throws {
    let scenario = small("verity-info") { $0.strategies = ["release-compare-exchange-rereading"] }
    let values = [8, 16, 64]
    let sweep = try Bench(Registry.linux.measured).sweep(scenario, along: axis, values: values)
    // A word nearer than the inode's end would be one of the site's own.
    #expect(
      sweep.points.map(\.value) == values.filter { axis != .sharing || $0 >= VerityInfo<CompareExchange>.inodeSize })
    let parts = SweepReport(sweep).parts
    #expect(parts.text.contains(axis.unit) && parts.text.contains("release-compare-exchange-rereading"))
    #expect(parts.plots.count == Set(sweep.points.flatMap { $0.figures.results.map(\.measure) }).count)
    for plot in parts.plots {
      #expect(plot.series.map(\.name) == ["C11 by hand", "release-compare-exchange-rereading"])
      for point in sweep.points {
        #expect(plot.script.contains("\n\(Double(point.value)) "), "\(point.value) is not drawn")
      }
    }
  }

  /// All contestants of one turn find the inodes at the same place, at the beginning of a pair of cache lines.
  @Test func inodesLieElsewhereInEveryTurn() throws {
    let field = BenchField(inodes: 8, spacing: 64, racers: 2)
    var places: [UInt] = []
    func contestant(_ name: String) -> Contestant {
      Contestant(
        name, measures: [.firstAllocation], create: { places.append(field.area.base) }, visit: { _, _ in }, empty: {})
    }
    var options = BenchOptions()
    (options.measures, options.inodes, options.repetitions, options.warmUp) = ([.firstAllocation], 8, 11, 0)
    let contest = Contest("places", site: "-", role: "-", on: field, [contestant("one"), contestant("another")])
    _ = try Bench(Registry.linux.measured).run(contest, options)
    // With the control three in a turn, and all over again where the machine changed.
    let turns = stride(from: 0, to: places.count, by: 3).map { Array(places[$0..<$0 + 3]) }
    #expect(turns.count % 11 == 0 && turns.allSatisfy { Set($0).count == 1 && $0[0] % 128 == 0 })
    #expect(Set(turns.map { $0[0] }).count > 8)
  }

  /// Who keeps the addresses of inodes finds them where they were, and the word beside them is the one that gets dirty.
  @Test func inodesThatStayPutHaveTheirDirtyWord() throws {
    let field = BenchField(inodes: 8, spacing: 512, racers: 2, stayPut: true)
    let words = (0..<8).map { UnsafeMutablePointer<UInt32>(bitPattern: field.area.base + UInt($0 * 512 + 128)) }
    var dirty: [Bool] = []
    func contestant(_ name: String) -> Contestant {
      Contestant(
        name, measures: [.besideDirtyWord], create: { for word in words { word?.pointee = 0 } },
        visit: { _, _ in usleep(2000) },
        empty: { dirty.append(words.allSatisfy { $0?.pointee != 0 }) })
    }
    var options = BenchOptions()
    (options.measures, options.inodes, options.repetitions, options.warmUp) = ([.besideDirtyWord], 8, 11, 0)
    options.dirtyDistance = 128
    let contest = Contest("dirt", site: "-", role: "-", on: field, [contestant("one"), contestant("another")])
    _ = try Bench(Registry.linux.measured).run(contest, options)
    #expect(dirty.count >= 33 && dirty.count { $0 } > dirty.count / 2, "the writer may come too late now and then")
  }

  @Test func anInterruptEndsItWithWhatThereIs() throws {
    var bench = Bench(Registry.linux.measured)
    bench.isInterrupted = { true }
    #expect(try bench.run(small("file-owner")).results.isEmpty)
  }

  /// A compare-exchange that lost is not tried again; who loses at bpf storage frees two blocks and is told to come again.
  @Test func retries() throws {
    let exchanged = try Bench(Registry.linux.measured).run(small("file-owner") { $0.racers = [3] })
    #expect(exchanged.results.allSatisfy { $0.retries == 0 })
    let told = try Bench(Registry.linux.measured).run(
      small("bpf-storage") {
        $0.racers = [3]
        $0.inodes = 64
      })
    for result in told.results {
      let retries = try #require(result.retries)
      if result.measure != .contended { #expect(retries == 0, "\(result.contestant), \(result.measure)") }
      let isReference = result.contestant == Contestant.referenceName
      #expect(isReference ? retries == 0 : retries >= result.wastedAllocations / 2 - 1e-9, "\(result.contestant)")
    }
  }

  /// Where a visit empties its slot again, nothing is populated for long; what was left to grace periods is not wasted.
  @Test func slotsThatGoBackToNull() throws {
    let figures = try Bench(Registry.linux.measured).run(
      small("fsnotify-marks-ordered") {
        $0.racers = [2, 3]
        $0.role = "add-and-remove"
      })
    #expect(Set(figures.results.map(\.measure)) == [.firstAllocation, .contended])
    for result in figures.results where result.measure == .firstAllocation {
      #expect(result.wastedAllocations == 0, "\(result.contestant)")
    }
    let kept = try Bench(Registry.linux.measured).run(small("fsnotify-marks-ordered") { $0.role = "add" })
    #expect(Set(kept.results.map(\.measure)) == [.fastPath, .firstAllocation, .contended])
  }

  @Test func aRoleThatEmptiesItsSlotHasNoFastPath() {
    let error = #expect(throws: EngineError.self) {
      try Bench(Registry.linux.measured).run(
        small("fsnotify-marks-ordered") {
          $0.role = "add-and-remove"
          $0.measures = [.fastPath]
        })
    }
    #expect(error?.description.contains("of it there is contended and first-allocation to measure") == true)
  }

  @Test(arguments: [
    ("fsnotify-marks", "hook", "never populates a slot; those that can be measured: add, add-and-remove"),
    ("fsnotify-marks", "destroy-group", "waits for others in every visit; those that can be measured: add,"),
    ("inode-addons-whole", "watch", "evicts the inode; those that can be measured: none"),
    ("file-owner", "read", "never populates a slot; those that can be measured: allocate, set-owner"),
    ("file-owner", "sit", "has no role 'sit'; it has: allocate, set-owner, read"),
  ])
  func whatCannotBeMeasured(_ site: String, _ role: String, _ message: String) {
    let error = #expect(throws: EngineError.self) {
      try Bench(Registry.linux.measured).run(small(site) { $0.role = role })
    }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }
}

@Suite struct EstimateTests {
  @Test func aMedianAndItsInterval() {
    let estimate = Estimate(of: (1...41).map(Double.init).shuffled())
    #expect(estimate.median == 21)
    #expect(estimate.low == 14 && estimate.high == 27)
    #expect(Estimate(of: [1, 2]).median == 1.5)
    #expect(Estimate(of: [7]) == Estimate(of: [7, 7, 7]))
  }

  /// What it promises: of many samples from one distribution, a skewed one, 95 % of the intervals hold the true median.
  @Test(arguments: [11, 41, 101]) func theIntervalHoldsTheMedian(_ count: Int) {
    var generator = Weyl(state: 7)
    var held = 0
    for _ in 0..<4000 {
      let samples = (0..<count).map { _ in
        let uniform = Double.random(in: 0..<1, using: &generator)
        return uniform * uniform * uniform
      }
      let estimate = Estimate(of: samples)
      if estimate.low <= 0.125 && 0.125 <= estimate.high { held += 1 }
    }
    #expect(held >= 3780, "\(held) of 4000")
  }
}

@Suite struct BenchPoolingTests {
  /// One process: a reference of 10 ns, a contestant, and a control.
  private func process(
    _ ratio: Double, roundTrip: Double? = 50, control: Double = 1, _ change: (inout BenchResult) -> Void = { _ in }
  ) -> BenchFigures {
    func result(_ name: String, _ ratio: Double?, time: Double) -> BenchResult {
      func estimate(_ value: Double) -> Estimate {
        Estimate(of: [value * 0.9, value, value, value, value, value * 1.1])
      }
      var result = BenchResult(
        contestant: name, measure: .contended, racers: 2, time: estimate(time), ratio: ratio.map(estimate),
        comparison: ratio.map { _ in .noDifference }, wastedAllocations: ratio ?? 0, retries: 0,
        wins: [0.5, 0.5], latencies: [Latency(median: time, p99: time, p999: time, max: time)], roundTrip: roundTrip)
      change(&result)
      return result
    }
    return BenchFigures(
      scenario: "s", site: "file-owner", role: "allocate", inodes: 8, spacing: 64, repetitions: 11, noise: 0,
      results: [
        result("C11 by hand", nil, time: 10), result("compare-exchange", ratio, time: 10 * ratio),
        result(BenchResult.controlName, control, time: 10 * ratio * control),
      ],
      calibration: Calibration(), stampCost: 20, recordCost: 0)
  }

  /// Their intervals are of no account: how far processes are apart is.
  @Test func theMedianOfProcesses() {
    let pooled = BenchFigures(pooling: [1.1, 1.3, 1.2, 1.4, 1.25, 1.15, 9].map { process($0) })
    #expect(pooled.processes == 7)
    let result = pooled.results[1]
    #expect(result.ratio?.median == 1.25 && result.ratio?.low == 1.1 && result.ratio?.high == 9)
    #expect(result.time.median == 12.5 && result.processes == 7)
    #expect(result.comparison == .slower)
    #expect(abs(result.wastedAllocations - 16.4 / 7) < 1e-9 && result.wins == [0.5, 0.5])
    #expect(result.latencies[0].p99 == 12.5 && result.latencies[0].max == 90)
    #expect(pooled.results[0].ratio == nil && pooled.results[0].comparison == nil)
  }

  @Test func fewProcessesHaveAWideInterval() {
    let pooled = BenchFigures(pooling: [process(1), process(2)]).results[1]
    #expect(pooled.ratio?.median == 1.5 && pooled.ratio?.low == 0.9 && pooled.ratio?.high == 2.2)
    let one = process(2)
    #expect(BenchFigures(pooling: [one]) == one)
  }

  /// Where one differs from itself from process to process, nothing less is a difference.
  @Test func noiseIsBetweenProcesses() {
    let controls = [1, 1.02, 0.97, 1, 1.2, 1, 1]
    let pooled = BenchFigures(pooling: controls.map { process(1.15, control: $0) })
    #expect(abs(pooled.noise - 0.2) < 1e-9)
    #expect(pooled.results[1].comparison == .noDifference)
    #expect(BenchFigures(pooling: controls.map { _ in process(1.15) }).results[1].comparison == .slower)
  }

  @Test func processesOfAnotherPlacementAreLeftOut() {
    let trips = [50.0, 52, 250, 48, 51, 240, 50, 49]
    let pooled = BenchFigures(pooling: trips.map { process($0 > 100 ? 5 : 1.2, roundTrip: $0) })
    #expect(pooled.results[1].ratio?.high == 1.2 && pooled.results[1].processes == 6)
    #expect(pooled.results[1].roundTrip == 50 && pooled.results[1].comparison == .slower)
    #expect(BenchReport(pooled).parts.text.contains("(of 8 processes 2 left out:"))
    // Of those that the machine changed under, as well.
    let unsteady = BenchFigures(
      pooling: trips.map { trip in process(1.2) { if trip > 100 { $0.comparison = .notCompared } } })
    #expect(unsteady.results[1].processes == 6)
    // No placement had more than half of them.
    let torn = BenchFigures(pooling: [20.0, 50, 100, 200, 50, 20].map { process(1.2, roundTrip: $0) })
    #expect(torn.results[1].comparison == .notCompared && torn.results[1].processes == 6)
  }

  @Test func sweepsByValue() {
    let sweeps = [1.0, 2, 3].map { ratio in
      BenchSweep(
        axis: .inodes, points: [8, 16].map { BenchSweep.Point(value: $0, figures: process(ratio * Double($0))) })
    }
    let pooled = BenchSweep(pooling: sweeps)
    #expect(pooled.points.map { $0.figures.results[1].ratio?.median } == [16, 32])
  }
}

@Suite struct BenchComparisonTests {
  private func document(
    _ ratio: Double, _ comparison: BenchResult.Comparison = .noDifference, nanoseconds: Double = 20
  ) -> BenchDocument {
    var estimate = Estimate(of: [ratio])
    estimate.low = ratio - 0.01
    estimate.high = ratio + 0.01
    func result(_ name: String, _ ratio: Estimate?) -> BenchResult {
      BenchResult(
        contestant: name, measure: .fastPath, racers: 1, time: Estimate(of: [nanoseconds * (ratio?.median ?? 1)]),
        ratio: ratio,
        comparison: comparison,
        wastedAllocations: 0, wins: [], latencies: [])
    }
    let figures = BenchFigures(
      scenario: "s", site: "file-owner", role: "allocate", inodes: 8, spacing: 64, repetitions: 11, noise: 0,
      results: [
        result("C11 by hand", nil), result("compare-exchange", estimate), result(BenchResult.controlName, estimate),
      ],
      calibration: Calibration(), stampCost: 0, recordCost: 0)
    return BenchDocument(
      machine: BenchMachine(processor: "p", processors: 2, build: "release"), benches: [figures])
  }

  @Test func onlyWhatIntervalsAndThresholdDoNotExplain() {
    func compare(_ before: Double, _ now: Double, _ threshold: Double = 0.05) -> BenchComparison {
      BenchComparison(document(before), document(now), threshold: threshold)
    }
    #expect(compare(1, 1.2).hasRegression)
    #expect(compare(1, 1.2).parts.text.contains("SLOWER"))
    #expect(!compare(1, 1.2, 0.3).hasRegression)
    #expect(!compare(1, 1.06).hasRegression, "the intervals and the threshold explain it")
    #expect(compare(1.2, 1).changes.map(\.isImprovement) == [true])
    let cycle = BenchComparison(document(1, nanoseconds: 0.3), document(1.9, nanoseconds: 0.3), threshold: 0.05)
    #expect(!cycle.hasRegression, "less than a cycle is no change")
    // What takes the reference less than a cycle is no yardstick for something else: there times count.
    func short(_ ratio: Double, _ nanoseconds: Double) -> BenchDocument {
      var short = document(ratio, nanoseconds: nanoseconds)
      for index in 1...2 { short.benches[0].results[index].time = Estimate(of: [nanoseconds]) }
      short.benches[0].results[0].time = Estimate(of: [0.12])
      return short
    }
    #expect(!BenchComparison(short(71, 14), short(97, 14.1), threshold: 0.05).hasRegression)
    let slower = BenchComparison(short(71, 14), short(71, 20), threshold: 0.05)
    #expect(slower.hasRegression && slower.parts.text.contains("20.0 ns"))
    #expect(compare(1, 1).changes.count == 1, "neither the reference nor the control is compared")
  }

  /// A ratio alone shows that the reference moved, a time alone that the machine did, and nothing is known of other placements.
  @Test func whatGotSlowerTakesMoreTimeInTheSamePlacement() {
    func contended(_ ratio: Double, _ nanoseconds: Double, roundTrip: Double?) -> BenchDocument {
      var document = document(ratio, nanoseconds: nanoseconds)
      for index in document.benches[0].results.indices {
        document.benches[0].results[index].racers = 2
        document.benches[0].results[index].roundTrip = roundTrip
        document.benches[0].results[index].time = Estimate(of: [nanoseconds])
      }
      document.benches[0].results[0].time = Estimate(of: [nanoseconds / ratio])
      return document
    }
    func compare(_ now: BenchDocument) -> BenchComparison {
      BenchComparison(contended(2, 80, roundTrip: 50), now, threshold: 0.05)
    }
    #expect(compare(contended(3, 120, roundTrip: 55)).hasRegression)
    #expect(!compare(contended(3, 80, roundTrip: 55)).hasRegression, "the reference moved")
    #expect(!compare(contended(2, 120, roundTrip: 55)).hasRegression, "so did the reference")
    #expect(compare(contended(1, 40, roundTrip: 55)).changes[0].isImprovement)
    #expect(!compare(contended(1, 80, roundTrip: 55)).changes[0].isImprovement)
    let elsewhere = compare(contended(3, 300, roundTrip: 120))
    #expect(elsewhere.changes.isEmpty && elsewhere.missing[0].contains("the processors lie elsewhere"))
    #expect(compare(contended(3, 80, roundTrip: nil)).hasRegression, "nothing is known: ratios count")
  }

  @Test func whatTheMachineSpoiltIsNotCompared() {
    let comparison = BenchComparison(document(1, .notCompared), document(2), threshold: 0.05)
    #expect(comparison.changes.isEmpty)
    #expect(
      comparison.missing == ["s, fast-path, 1 racers, compare-exchange: the machine changed while it was measured"])
    var other = document(1)
    other.benches[0].inodes = 16
    let others = BenchComparison(other, document(2), threshold: 0.05)
    #expect(others.changes.isEmpty && others.missing[0].contains("make it anew with --save"))
    var more = document(1)
    more.benches[0].results.removeAll { $0.contestant == "compare-exchange" }
    #expect(BenchComparison(document(1), more, threshold: 0.05).missing[0].hasSuffix("only in the baseline"))
    var empty = document(1)
    empty.benches = []
    #expect(BenchComparison(empty, document(1), threshold: 0.05).missing.count == 1)
  }

  @Test func csvHasARowForEachResult() {
    let lines = document(1).csv.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == 20 })
  }
}

/// Deterministic, so that the test is.
private struct Weyl: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
