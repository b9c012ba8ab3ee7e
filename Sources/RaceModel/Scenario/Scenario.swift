import AddonMemory
import BenchModel

/// One question put to the engines: a site, a strategy, racers, and what is expected. Plain, versionless data; the
/// form on disk belongs to `ScenarioFiles`.
public struct Scenario: Sendable, Equatable, Codable {
  public var name: String
  /// The question that the scenario answers, for people.
  public var question: String
  public var site: String
  public var strategy: String
  /// Code that is brought, instead of a site and a strategy.
  public var code: CandidateSource?
  /// How many racers do what, in order: racers are numbered through the list.
  public var racers: [RacerGroup]
  /// Roles whose visits are made inside a read-side section, as if by a caller who holds one.
  public var readSections: [String: ReadDomain] = [:]
  public var faults = InjectedFailures()
  public var stress = StressOptions()
  public var explore = ExploreOptions()
  /// Nil: the scenario says nothing of a bench.
  public var bench: BenchOptions?
  public var expect = ExpectedVerdicts()

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
public struct InjectedFailures: Sendable, Equatable, Codable {
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
