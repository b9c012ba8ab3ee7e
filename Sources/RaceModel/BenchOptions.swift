/// The settings of a bench, each with its default.
public struct BenchOptions: Sendable, Equatable, Codable {
  /// Numbers of racers that contend for the same inodes.
  public var racers = [2]
  /// Strategies to compare; empty: all that are right at the scenario's site.
  public var strategies: [String] = []
  /// What racers do; nil: the first role of the scenario's racers.
  public var role: String?
  public var inodes = 256
  /// Bytes from one inode to the next.
  public var spacing = 64
  /// Samples of each measure, after those that warm up.
  public var repetitions = 41
  public var warmUp = 5
  /// What is measured.
  public var measures: [BenchMeasure] = [.fastPath, .firstAllocation, .contended]
  /// Share of the inodes that are populated before racers contend for the rest, 0 to 1: the first ones.
  public var populated = 0.0
  /// Bytes from a slot to the word that another racer keeps writing; in `besideDirtyWord`.
  public var dirtyDistance = 8
  /// Where the inode's own fields lie, instead of strategies; nil: the bench is none of layouts.
  public var layout: LayoutOptions?
  public init() {}
}

public enum BenchLimits {
  public static let racers = 2...64
  public static let inodes = 8...1_048_576
  public static let spacing = 8...4_096
  public static let repetitions = 11...10_001
  public static let warmUp = 0...1_000
}

/// What a bench measures.
public enum BenchMeasure: String, Sendable, CaseIterable, Codable {
  case fastPath = "fast-path"
  case firstAllocation = "first-allocation"
  case contended
  case besideDirtyWord = "beside-dirty-word"

  public var sentence: String {
    switch self {
    case .fastPath: "One racer visits an inode that is populated."
    case .firstAllocation: "One racer populates an inode that nobody else wants."
    case .contended: "Racers all visit the same empty inodes: from the first one's start to the last one's end."
    case .besideDirtyWord: "One racer visits populated inodes while another keeps writing to a word near their slots."
    }
  }
}

/// What a sweep varies.
public enum BenchAxis: String, Sendable, CaseIterable, Codable {
  case racers, inodes, populated, sharing

  public var sentence: String {
    switch self {
    case .racers: "How many racers contend, from two to far beyond the processors."
    case .inodes: "How many inodes there are, from what the first cache holds to what only memory does."
    case .populated: "The share of the inodes that are populated already."
    case .sharing: "How far a word that another racer keeps writing is from the slot."
    }
  }

  public var unit: String {
    switch self {
    case .racers: "racers"
    case .inodes: "inodes"
    case .populated: "% populated"
    case .sharing: "bytes apart"
    }
  }

  public var values: [Int] {
    switch self {
    case .racers: [2, 3, 4, 8, 16, 32, 64]
    case .inodes: [64, 256, 1024, 4096, 16_384, 65_536, 262_144]
    case .populated: [0, 25, 50, 75, 90, 99, 100]
    case .sharing: [8, 16, 32, 56, 64, 128, 256]
    }
  }

  /// The options at one of the values.
  public func options(_ value: Int, of options: BenchOptions) -> BenchOptions {
    var options = options
    switch self {
    case .racers:
      options.racers = [value]
      options.measures = [.contended]
    case .inodes:
      options.inodes = value
      options.measures = [.fastPath, .contended]
      options.racers = [options.racers.first ?? 2]
      // The larger ones take their time, and vary less.
      if value > 16_384 { options.repetitions = min(options.repetitions, 11) }
    case .populated:
      options.populated = Double(value) / 100
      options.measures = [.contended]
      options.racers = [options.racers.first ?? 2]
    case .sharing:
      options.dirtyDistance = value
      options.spacing = max(options.spacing, 512)
      options.measures = [.besideDirtyWord]
    }
    return options
  }
}

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
    /// The machine changed in the middle, and each time it was measured again.
    case notCompared = "not compared"
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
    return max(here, there) < Self.placementChange * min(here, there)
  }
  /// The machine has moved the processors where a round trip takes so much longer, or shorter.
  public static let placementChange = 1.5
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
  public var repetitions: Int
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
