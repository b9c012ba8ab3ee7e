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
  /// Under the kernel's model, of C: find what each access depends on.
  public var dependencies = true
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
  /// As if a compiler had broken every dependency on a value and on a branch. Not of a file: to see what rests on them.
  public var breaksDependencies = false
  /// What of the exploration is done; nil is all. Not of a file: a command says so.
  public var part: ExplorationPart?

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
  /// The racers that are explored; of code that is brought, as many as the scenario says.
  public var exploredRacers: [RacerGroup] {
    if let racers = explore.racers { return racers }
    return code != nil ? racers : racers.map { RacerGroup(role: $0.role, count: min($0.count, 2)) }
  }

  /// The role of each explored racer, by its number.
  public var exploredRoles: [String] { exploredRacers.flatMap { Array(repeating: $0.role, count: $0.count) } }

  /// How many allocations of an execution may fail.
  public var exploredFailures: Int {
    explore.allocationFailures ?? (faults.allocationFailure == nil ? 0 : exploredRoles.count)
  }

  /// Whether what each access depends on is found as the program runs: of C, under the kernel's model. Of other code an
  /// address depends on each load that returned the address of its object.
  public func tracksDependencies(under model: MemoryModel) -> Bool {
    model == .kernel && explore.dependencies && code?.language == .c
  }

  /// How many weak compare-exchanges of an execution may fail for no reason.
  public var exploredSpuriousFailures: Int { explore.spuriousFailures ?? exploredRoles.count }
}
