import AddonMemory

/// The settings of the explore engine, each with its default.
public struct ExploreOptions: Sendable, Equatable, Codable {
  /// nil: the scenario's, but no more than two of each role.
  public var racers: [RacerGroup]?
  /// Inodes that every racer visits in the same order, 1...16.
  public var inodes = 1
  public var memoryModels = MemoryModel.allCases
  /// Any of up to so many allocations of an execution fail; nil: none, or one a racer where the scenario makes some fail.
  public var allocationFailures: Int?
  /// Any of up to so many weak compare-exchanges of an execution fail for no reason; nil: one a racer.
  public var spuriousFailures: Int?
  /// Of executions that differ only by an exchange of racers that do the same, visit one.
  public var symmetry = true
  /// Executions after which the verdict is inconclusive.
  public var executions = 2_000_000
  /// Seconds, likewise.
  public var time = 30.0
  /// Megabytes of graphs, likewise.
  public var memory = 1024
  /// Random executions once the budget is spent: a sample, and not exhaustive.
  public var samples = 0
  public var seed: UInt64 = 1
  /// Explore so many times over, to measure how long it takes.
  public var repetitions = 1

  public init() {}
}

/// The ranges of the explore engine's settings.
public enum ExploreLimits {
  public static let racers = 1...64
  public static let inodes = 1...16
  public static let failures = 0...64
  public static let executions = 1...Int.max
  /// Seconds.
  public static let time = 0.001...86_400.0
  /// Megabytes.
  public static let memory = 1...65_536
  public static let samples = 0...Int.max
  public static let repetitions = 1...1_000_000
}

extension Scenario {
  /// The racers that are explored.
  public var exploredRacers: [RacerGroup] {
    explore.racers ?? racers.map { RacerGroup(role: $0.role, count: min($0.count, 2)) }
  }

  /// The role of each explored racer, by its number.
  public var exploredRoles: [String] { exploredRacers.flatMap { Array(repeating: $0.role, count: $0.count) } }

  /// How many allocations of an execution may fail.
  public var exploredFailures: Int {
    explore.allocationFailures ?? (faults.allocationFailure == nil ? 0 : exploredRoles.count)
  }

  /// How many weak compare-exchanges of an execution may fail for no reason.
  public var exploredSpuriousFailures: Int { explore.spuriousFailures ?? exploredRoles.count }
}

/// What an exploration counted.
public struct ExplorationFigures: Sendable, Equatable, Codable {
  /// Complete executions visited, and of those the ones that every checker judged in full.
  public var executions = 0
  public var judged = 0
  /// The execution of the first finding, from 1.
  public var firstFinding: Int?
  /// Runs that turned out to be no execution.
  public var abandoned = 0
  /// Graphs that were inconsistent, or twins of others, and never run.
  public var discarded = 0
  /// Every execution was visited.
  public var isExhaustive = false
  /// Random executions visited after that.
  public var samples = 0
  /// About how many executions there are, where not all were visited; a low guess where they are very many.
  public var estimate: Double?
  /// Racers with the same role were taken for interchangeable.
  public var usedSymmetry = false
  /// Why not, where it was asked for.
  public var symmetryRefusal: String?
  /// Of one repetition.
  public var seconds = 0.0
  /// The most bytes that graphs held at once.
  public var peakBytes = 0
  /// Events of the longest execution.
  public var longest = 0

  public init() {}

  public var executionsPerSecond: Double { seconds == 0 ? 0 : Double(executions) / seconds }
}
