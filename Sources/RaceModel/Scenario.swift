import AddonMemory

/// One question put to the engines: a site, a strategy, racers, and what is expected. Plain, versionless data; the
/// form on disk belongs to `ScenarioFiles`.
public struct Scenario: Sendable, Equatable, Codable {
  public var name: String
  /// The question that the scenario answers, for people.
  public var question: String
  public var site: String
  public var strategy: String
  /// How many racers do what, in order: racers are numbered through the list.
  public var racers: [RacerGroup]
  /// Roles whose visits are made inside a read-side section, as if by a caller who holds one.
  public var readSections: [String: ReadDomain] = [:]
  public var faults = Faults()
  public var stress = StressOptions()
  public var explore = ExploreOptions()
  /// Nil: the scenario says nothing of a bench.
  public var bench: BenchOptions?
  public var expect = Expectations()

  public init(name: String, question: String, site: String, strategy: String, racers: [RacerGroup]) {
    self.name = name
    self.question = question
    self.site = site
    self.strategy = strategy
    self.racers = racers
  }

  public var racerCount: Int { racers.reduce(0) { $0 + $1.count } }

  /// The role of each racer, by its number.
  public var roles: [String] { racers.flatMap { Array(repeating: $0.role, count: $0.count) } }
}

/// `count` racers of one role.
public struct RacerGroup: Sendable, Equatable, Codable {
  public var role: String
  public var count: Int
  public init(role: String, count: Int) {
    self.role = role
    self.count = count
  }
}

/// What is made to go wrong on purpose.
public struct Faults: Sendable, Equatable, Codable {
  public var allocationFailure: AllocationFailure?
  public init() {}
}

/// Which allocations fail. Every racer counts its own, from 1, afresh in every round or in every visit.
public struct AllocationFailure: Sendable, Equatable, Codable {
  public enum Which: Sendable, Equatable, Codable {
    /// The n-th.
    case nth(Int)
    /// Every n-th: n, 2n, 3n, ...
    case every(Int)
    /// The first in one round, the second in the next, and so on for every n, and again from 1.
    case eachInTurn
    /// Any, with this probability.
    case probability(Double)
  }

  public enum Counting: String, Sendable, CaseIterable, Codable {
    case round, visit
  }

  public var which: Which
  public var counted: Counting = .round
  /// Only this racer's allocations, or everyone's.
  public var racer: Int?

  public init(_ which: Which) { self.which = which }
}

/// How racers are made to collide.
public enum RaceShape: String, Sendable, CaseIterable, Codable {
  /// The strategy runs unmodified; only when racers start is arranged.
  case natural
  /// Time passes inside the window.
  case widened
  /// Racers meet inside the window.
  case forced

  public var sentence: String {
    switch self {
    case .natural: "The strategy runs unmodified; only when racers start is arranged."
    case .widened: "Time passes inside the window: the racer's other visits (a pipeline), a delay, or a yield."
    case .forced: "Racers meet inside the window; those that have left count as arrived."
    }
  }
}

/// What a widened race does inside the window.
public enum Widening: String, Sendable, CaseIterable, Codable {
  /// Goes on with this racer's next visit, on a fiber of its own.
  case pipeline
  /// Spins.
  case delay
  /// Gives the processor away.
  case yield
}

/// When a racer starts a visit.
public enum Start: String, Sendable, CaseIterable, Codable {
  /// As soon as it has finished the one before.
  case free
  /// When the others are there too, those that tend to arrive late starting at once and the others a little later: the
  /// delay adapts.
  case adaptive
}

/// In which order racers visit the inodes of a round.
public enum VisitOrder: String, Sendable, CaseIterable, Codable {
  case sequential, strided, shuffled
}

/// What serves allocations.
public enum HeapKind: String, Sendable, CaseIterable, Codable {
  /// Preallocated blocks, never reused within a round.
  case pool
  /// The C library's `malloc` and `free`, at once.
  case malloc
}

/// How much is checked. What is not checked costs nothing, which is how the price of checking is measured.
public enum Checking: String, Sendable, CaseIterable, Codable {
  /// Every round is swept, and judged in full when anything in it is out of the ordinary.
  case ordinary
  /// Every round is judged in full by every checker.
  case everyRound = "every-round"
  /// Outcomes are counted; nothing is checked.
  case none
}

/// The settings of the stress engine, each with its default.
public struct StressOptions: Sendable, Equatable, Codable {
  public var shape = RaceShape.widened
  public var widening = Widening.pipeline
  public var start = Start.free
  /// Visits of one racer in flight in a pipeline, 1...64; nil: tuned at run time.
  public var visitsInFlight: Int?
  /// Instructions of delay inside the window; nil: tuned at run time.
  public var delay: Int?
  /// Inodes of a round, 8...65,536.
  public var inodes = 256
  /// Bytes from one inode to the next; nil: 64, or the site's size where the race is natural and free.
  public var spacing: Int?
  public var order = VisitOrder.shuffled
  public var heap = HeapKind.pool
  /// Seconds at most.
  public var time = 1.0
  /// Collisions that are enough.
  public var collisions = 200_000
  /// Collisions per population under which the run has tested nothing; nil: 0.01 natural, 0.9 widened and forced.
  public var minimumYield: Double?
  /// Processors to use; nil: all that the process may use.
  public var processors: Int?
  public var checking = Checking.ordinary
  public var seed: UInt64 = 1
  /// Seconds without progress after which a run is given up.
  public var watchdog = 10.0

  public init() {}

  public var yieldFloor: Double { minimumYield ?? (shape == .natural ? 0.01 : 0.9) }
}

/// What the author of a scenario expects of each engine.
public struct Expectations: Sendable, Equatable, Codable {
  /// Of exploration, by memory model; where none is named, a pass.
  public var explore: [MemoryModel: ExpectedVerdict] = [:]
  public var stress = ExpectedVerdict.verdict(.pass)
  /// nil: as under stress.
  public var threadSanitizer: ExpectedVerdict?
  /// nil: as under stress.
  public var addressSanitizer: ExpectedVerdict?
  public init() {}
}

public enum ExpectedVerdict: Sendable, Equatable, Codable {
  case verdict(Outcome)
  /// All of `checkers` report; those in `may` can; nobody else.
  case fail(checkers: [String], may: [String])

  /// Whether a verdict is as expected.
  public func accepts(_ verdict: Verdict) -> Bool {
    switch self {
    case .verdict(let outcome): return verdict.outcome == outcome
    case .fail(let checkers, let may):
      guard verdict.outcome == .fail else { return false }
      let reported = Set(verdict.findings.map(\.checker))
      return reported.isSuperset(of: checkers) && reported.isSubset(of: Set(checkers).union(may))
    }
  }
}

extension ExpectedVerdict: CustomStringConvertible {
  public var description: String {
    switch self {
    case .verdict(let outcome): outcome.rawValue
    case .fail(let checkers, let may):
      "fail by \(checkers.joined(separator: ", "))" + (may.isEmpty ? "" : " (or also \(may.joined(separator: ", ")))")
    }
  }
}

/// The ranges of the stress engine's settings.
public enum StressLimits {
  public static let visitsInFlight = 1...64
  /// Instructions.
  public static let delay = 0...1_000_000
  public static let inodes = 8...65_536
  /// Bytes.
  public static let spacing = 8...4096
  /// Seconds.
  public static let time = 0.001...86_400.0
  /// Seconds.
  public static let watchdog = 0.1...3_600.0
  public static let processors = 1024
}
