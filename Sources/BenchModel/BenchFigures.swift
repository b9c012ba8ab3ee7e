import Machine

/// One scenario's figures at each value of an axis.
public struct BenchSweep: Sendable, Equatable, Codable {
  public struct Point: Sendable, Equatable, Codable {
    public var value: Int
    public var figures: BenchFigures
    public init(value: Int, figures: BenchFigures) {
      self.value = value
      self.figures = figures
    }
  }
  public var axis: BenchAxis
  public var points: [Point]
  public init(axis: BenchAxis, points: [Point]) {
    self.axis = axis
    self.points = points
  }
}

/// A median with its confidence interval of 95 %: two of the samples, by the binomial distribution of ranks, so nothing is
/// assumed about how they are distributed.
public struct Estimate: Sendable, Equatable, Codable {
  public var median: Double
  public var low: Double
  public var high: Double

  /// At least one sample.
  public init(of samples: [Double]) {
    let sorted = samples.sorted()
    let count = Double(sorted.count)
    func rank(_ rank: Double) -> Double { sorted[min(max(Int(rank), 0), sorted.count - 1)] }
    median = sorted.count % 2 == 1 ? sorted[sorted.count / 2] : (rank(count / 2 - 1) + rank(count / 2)) / 2
    low = rank((count - 1.96 * count.squareRoot()) / 2 - 1)
    high = rank((count + 1.96 * count.squareRoot()) / 2)
  }
}

/// How one contestant did in one measure.
public struct BenchResult: Sendable, Equatable, Codable {
  /// What one measure said of a difference.
  public enum Comparison: String, Sendable, Codable {
    case noDifference = "no difference"
    case faster, slower
    /// The machine changed in the middle, and each time it was measured again; or it was another in half of the processes.
    case notCompared = "not compared"

    /// A ratio to the reference says something where its interval lies beyond the noise: how far one may be from itself.
    public init(of ratio: Estimate, noise: Double) {
      self = ratio.low > 1 + noise ? .slower : ratio.high < 1 - noise ? .faster : .noDifference
    }
  }

  /// The control: a strategy measured a second time, as if it were another.
  public static let controlName = "the same again"

  public var contestant: String
  public var measure: BenchMeasure
  public var racers: Int
  /// Nanoseconds for one inode.
  public var time: Estimate
  /// Time over the reference's, pair by pair in one repetition; nil for the reference itself.
  public var ratio: Estimate?
  public var comparison: Comparison?
  /// Blocks that were allocated in vain, for each populated inode.
  public var wastedAllocations: Double
  /// Times that a racer found a lock taken, began again, or was told to, for each populated inode; nil where nobody counts.
  public var retries: Double?
  /// The share of what was populated that each racer won; empty where nobody populated anything.
  public var wins: [Double]
  /// Nanoseconds of one visit, by racer; empty where single visits were not timed.
  public var latencies: [Latency]
  /// Nanoseconds of a compare-exchange round trip while it was measured; nil where there is one processor.
  public var roundTrip: Double?
  /// Processes whose samples these are: those among which the machine was the same.
  public var processes = 1

  public init(
    contestant: String, measure: BenchMeasure, racers: Int, time: Estimate, ratio: Estimate?, comparison: Comparison?,
    wastedAllocations: Double, retries: Double? = nil, wins: [Double], latencies: [Latency], roundTrip: Double? = nil
  ) {
    self.contestant = contestant
    self.measure = measure
    self.racers = racers
    self.time = time
    self.ratio = ratio
    self.comparison = comparison
    self.wastedAllocations = wastedAllocations
    self.retries = retries
    self.wins = wins
    self.latencies = latencies
    self.roundTrip = roundTrip
  }

  /// Whether the processors lay as far apart while `other` was measured; nil where that is not known. It does not matter to
  /// one racer.
  public func wasPlacedLike(_ other: BenchResult) -> Bool? {
    if racers == 1 { return true }
    guard let here = roundTrip, let there = other.roundTrip else { return nil }
    return Self.isSamePlacement(here, there)
  }

  /// Whether the processors lay as far apart during one round trip as during the other: where one takes half as long again,
  /// the machine has moved them.
  public static func isSamePlacement(_ one: Double, _ other: Double) -> Bool {
    max(one, other) <= 1.5 * min(one, other)
  }
}

/// Percentiles of the time of one visit, in nanoseconds, the time stamp's own cost included.
public struct Latency: Sendable, Equatable, Codable {
  public var median: Double
  public var p99: Double
  public var p999: Double
  public var max: Double
  public init(median: Double, p99: Double, p999: Double, max: Double) {
    self.median = median
    self.p99 = p99
    self.p999 = p999
    self.max = max
  }
}

/// What a bench of one scenario says.
public struct BenchFigures: Sendable, Equatable, Codable {
  public var scenario: String
  public var site: String
  public var role: String
  public var inodes: Int
  public var spacing: Int
  /// Samples of each measure in a process.
  public var repetitions: Int
  /// Processes that came to an end.
  public var processes = 1
  /// How far the control, one strategy against itself, may be from 1 here: less than that is no difference.
  public var noise: Double
  public var results: [BenchResult]
  public var calibration: Calibration
  /// Nanoseconds that the two time stamps around a visit take alone.
  public var stampCost: Double
  /// Nanoseconds that recording what they say takes besides.
  public var recordCost: Double

  public init(
    scenario: String, site: String, role: String, inodes: Int, spacing: Int, repetitions: Int, noise: Double,
    results: [BenchResult], calibration: Calibration, stampCost: Double, recordCost: Double
  ) {
    self.scenario = scenario
    self.site = site
    self.role = role
    self.inodes = inodes
    self.spacing = spacing
    self.repetitions = repetitions
    self.noise = noise
    self.results = results
    self.calibration = calibration
    self.stampCost = stampCost
    self.recordCost = recordCost
  }
}
