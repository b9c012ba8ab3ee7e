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
  /// Processes that measure one after the other, each for itself: what a process has by chance, as where its memory lies, is
  /// the same in all of its samples.
  public var processes = 15
  /// Samples of each measure that each process takes, after those that warm up.
  public var repetitions = 21
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
  public static let racers = 1...64
  public static let inodes = 8...1_048_576
  public static let spacing = 8...4_096
  public static let processes = 1...101
  public static let repetitions = 11...10_001
  public static let warmUp = 0...1_000
}

/// What a bench measures.
public enum BenchMeasure: String, Sendable, CaseIterable, Codable {
  case fastPath = "fast-path"
  case firstAllocation = "first-allocation"
  case contended
  case besideDirtyWord = "beside-dirty-word"
}

/// What a sweep varies.
public enum BenchAxis: String, Sendable, CaseIterable, Codable {
  case racers, inodes, populated, sharing

  public var sentence: String {
    switch self {
    case .racers: "How many racers contend, from one alone to far beyond the processors."
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
    case .racers: [1, 2, 3, 4, 8, 16, 32, 64]
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
