import AddonMemory
import RaceModel

/// All verdicts as one document. Its types are its own, so that what verdicts are made of can change without it; the
/// documentation has them as a schema. ``EncodedReportFormat/version`` is raised when a key changes its meaning or goes.
public struct EncodedReport<Element: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
  public var format = EncodedReportFormat.name
  public var version = EncodedReportFormat.version
  /// The exit status that the verdicts ask for: of those that a baseline does not know, by what the command is to fail on.
  public var exitStatus: Int
  /// As `EncodedVerdict`s.
  public var verdicts: [Element]

  public init(_ verdicts: [Element], exitStatus: Int) {
    self.exitStatus = exitStatus
    self.verdicts = verdicts
  }
}

public enum EncodedReportFormat {
  public static let name = "addonrace-report"
  public static let version = 2
}

/// What became of one scenario in one engine.
public struct EncodedVerdict: Codable, Equatable, Sendable {
  public struct Scenario: Codable, Equatable, Sendable {
    public var name: String
    public var question: String
    public var file: String?
    public var site: String
    public var strategy: String
    /// By role.
    public var racers: [String: Int]
  }

  public struct Expectation: Codable, Equatable, Sendable {
    public var outcome: String
    /// The checkers that must report, and those that may.
    public var fail: [String]?
    public var may: [String]?
  }

  public struct NotJudged: Codable, Equatable, Sendable {
    public var checker: String
    public var reason: String
  }

  public var scenario: Scenario
  /// stress, or explore.
  public var engine: String
  public var memoryModel: String?
  /// plain, thread-sanitizer or address-sanitizer.
  public var build: String
  public var outcome: String
  public var expected: Expectation
  public var asExpected: Bool
  public var findings: [EncodedFinding]
  public var notJudged: [NotJudged]
  public var notes: [String]
  /// The command that runs it again with the same settings.
  public var command: String
  /// Of a race.
  public var race: EncodedRace?
  public var exploration: EncodedExploration?
  public var counterexample: EncodedCounterexample?

  public init(_ verdict: Verdict) {
    let racers = verdict.engine == .stress ? verdict.scenario.racers : verdict.scenario.exploredRacers
    scenario = Scenario(
      name: verdict.scenario.name, question: verdict.scenario.question, file: verdict.file,
      site: verdict.scenario.site, strategy: verdict.scenario.strategy,
      racers: Dictionary(racers.map { ($0.role, $0.count) }, uniquingKeysWith: +))
    engine = verdict.engine.name
    memoryModel = verdict.engine.model?.rawValue
    build = verdict.record.build.rawValue
    outcome = verdict.outcome.rawValue
    expected =
      switch verdict.expected {
      case .verdict(let outcome): Expectation(outcome: outcome.rawValue)
      case .fail(let checkers, let may): Expectation(outcome: Outcome.fail.rawValue, fail: checkers, may: may)
      }
    asExpected = verdict.asExpected
    findings = verdict.findings.map { EncodedFinding($0, in: verdict) }
    notJudged = verdict.record.notJudged.map { NotJudged(checker: $0.checker, reason: $0.reason) }
    notes = Sentence.notes(verdict)
    command = verdict.command
    if verdict.engine == .stress { race = EncodedRace(verdict.figures) }
    exploration = verdict.exploration.map(EncodedExploration.init)
    counterexample = verdict.counterexample.map {
      EncodedCounterexample($0, verdict.record.counterexampleModel ?? .c11)
    }
  }
}

public struct EncodedFinding: Codable, Equatable, Sendable {
  /// The same from run to run: see `FindingID`.
  public var id: String
  public var checker: String
  public var message: String
  public var round: Int?
  public var inode: Int?
  public var slot: String?
  public var racers: [Int]
  public var allocations: [Int]
  /// What each racer did there, a line each.
  public var history: [String]

  init(_ finding: Finding, in verdict: Verdict) {
    id = FindingID(finding, in: verdict).description
    checker = finding.checker
    message = finding.message
    round = finding.round
    inode = finding.inode
    slot = finding.slot
    racers = finding.racers
    allocations = finding.allocations
    history = finding.history
  }
}
