import Machine

// What several processes measured of the same, each for itself, becomes one figure: the median of their medians. How far apart
// they are is what a process has by chance; no number of samples in one of them would show it.

extension Estimate {
  /// Medians that make an interval of 95 % by their ranks.
  private static let enough = 6

  /// At least one process's. Fewer than six make no interval of 95 %: then it is as wide as all of theirs together.
  init(pooling estimates: [Estimate]) {
    self.init(of: estimates.map(\.median))
    if estimates.count < Self.enough {
      low = estimates.map(\.low).min() ?? low
      high = estimates.map(\.high).max() ?? high
    }
  }
}

extension BenchFigures {
  /// At least one process's figures, all of the same contest.
  public init(pooling parts: [BenchFigures]) {
    self = parts[0]
    if parts.count == 1 { return }
    processes = parts.count
    calibration.roundTripAfter = parts.last?.calibration.roundTripAfter
    stampCost = median(parts.map(\.stampCost)) ?? stampCost
    recordCost = median(parts.map(\.recordCost)) ?? recordCost
    let measures = BenchMeasure.allCases.flatMap { measure in
      Set(parts.flatMap(\.results).filter { $0.measure == measure }.map(\.racers)).sorted().map { racers in
        MeasureOfProcesses(
          parts.map { $0.results.filter { $0.measure == measure && $0.racers == racers } }.filter { !$0.isEmpty })
      }
    }
    noise = measures.map(\.noise).max() ?? 0
    results = measures.flatMap(\.pooled)
  }
}

extension BenchSweep {
  /// At least one process's sweep.
  public init(pooling parts: [BenchSweep]) {
    self = parts[0]
    for index in points.indices {
      let value = points[index].value
      points[index].figures = BenchFigures(
        pooling: parts.compactMap { $0.points.first { $0.value == value }?.figures })
    }
  }
}

extension LayoutFigures {
  /// At least one process's study.
  public init(pooling parts: [LayoutFigures]) {
    self = parts[0]
    for index in reaches.indices {
      reaches[index].cacheMisses = median(parts.compactMap { $0.reaches[index].cacheMisses })
    }
    for index in hooks.indices { hooks[index].figures = BenchFigures(pooling: parts.map { $0.hooks[index].figures }) }
    firstWatch = BenchFigures(pooling: parts.map(\.firstWatch))
  }
}

/// One measure with one number of racers, of several processes.
private struct MeasureOfProcesses {
  /// Results of the processes that count: among which the machine was the same.
  private let processes: [[BenchResult]]
  /// Of fewer than half nobody knows which placement is the machine's.
  private let isCompared: Bool

  init(_ all: [[BenchResult]]) {
    let steady = all.filter { !$0.contains { $0.comparison == .notCompared } }
    let usual = median(steady.compactMap { $0[0].roundTrip })
    let same = steady.filter { results in
      guard results[0].racers > 1, let usual, let trip = results[0].roundTrip else { return true }
      return BenchResult.isSamePlacement(trip, usual)
    }
    isCompared = same.count * 2 > all.count
    processes = isCompared ? same : all
  }

  private var control: BenchResult? { processes[0].last.map(pooled) }

  /// How far one is from itself.
  var noise: Double {
    control?.ratio.map { max(abs($0.low - 1), abs($0.high - 1)) } ?? 0
  }

  var pooled: [BenchResult] {
    let noise = noise
    return processes[0].map { result in
      var result = pooled(result)
      // The control is judged by its own interval.
      let isControl = result.contestant == BenchResult.controlName
      result.comparison = result.ratio.map { isCompared ? .init(of: $0, noise: isControl ? 0 : noise) : .notCompared }
      return result
    }
  }

  /// The same contestant's results, in all processes.
  private func pooled(_ first: BenchResult) -> BenchResult {
    let all = processes.compactMap { $0.first { $0.contestant == first.contestant } }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    var result = first
    result.processes = all.count
    result.time = Estimate(pooling: all.map(\.time))
    result.ratio = first.ratio.map { _ in Estimate(pooling: all.compactMap(\.ratio)) }
    result.wastedAllocations = mean(all.map(\.wastedAllocations))
    result.retries = first.retries.map { _ in mean(all.compactMap(\.retries)) }
    result.wins = first.wins.indices.map { racer in
      mean(all.compactMap { $0.wins.indices.contains(racer) ? $0.wins[racer] : nil })
    }
    result.latencies = first.latencies.indices.map { racer in Latency(pooling: all.map { $0.latencies[racer] }) }
    result.roundTrip = median(all.compactMap(\.roundTrip))
    return result
  }
}

extension Latency {
  /// Each percentile is the median of the processes'; the longest visit is the longest of all.
  fileprivate init(pooling parts: [Latency]) {
    func middle(_ path: KeyPath<Latency, Double>) -> Double { BenchModel.median(parts.map { $0[keyPath: path] }) ?? 0 }
    self.init(
      median: middle(\.median), p99: middle(\.p99), p999: middle(\.p999), max: parts.map(\.max).max() ?? 0)
  }
}

/// Nil of none.
private func median(_ values: [Double]) -> Double? { values.isEmpty ? nil : Estimate(of: values).median }
