/// The outcome of a scenario in an engine.
public enum Outcome: String, Sendable, CaseIterable, Codable {
  case pass, fail
  /// The run did not test what the scenario is about.
  case vacuous
  case inconclusive, crashed
  case timedOut = "timed-out"
  case interrupted, invalid
}

/// What became of one scenario in one engine: concluded from the record of its run, in one place.
public struct Verdict: Sendable, Equatable {
  public let scenario: Scenario
  /// Where it came from, as the user named it.
  public let file: String?
  /// The command that runs it again with the same settings.
  public private(set) var command: String
  public let record: RunRecord
  public let outcome: Outcome
  /// Why it is vacuous, timed out, crashed or invalid; and warnings.
  public private(set) var notes: [String]
  private var isNamedByFile = false

  /// What reports call it: the scenario's name, or the file's where several files' scenarios have that name.
  public var name: String { isNamedByFile ? file ?? scenario.name : scenario.name }

  public init(_ record: RunRecord, of scenario: Scenario, facts: SubjectFacts?, file: String?, command: String) {
    self.scenario = scenario
    self.file = file
    self.command = command
    self.record = record
    (outcome, notes) = Conclusion(record, scenario, facts).outcome
  }

  /// Of a scenario that cannot be run.
  public init(invalid scenario: Scenario, _ engine: EngineKind, reasons: [String], file: String?, command: String) {
    self.scenario = scenario
    self.file = file
    self.command = command
    record = RunRecord(engine)
    outcome = .invalid
    notes = reasons
  }

  /// The same, with the command that repeats it: which is known only once the run has settled on what it was free to.
  public func with(command: String) -> Verdict {
    var verdict = self
    verdict.command = command
    return verdict
  }

  /// The same, called by its file.
  public func namedByFile() -> Verdict {
    var verdict = self
    verdict.isNamedByFile = true
    return verdict
  }

  /// The same, with one thing more to say.
  public func with(note: String) -> Verdict {
    var verdict = self
    verdict.notes.append(note)
    return verdict
  }

  public var engine: EngineKind { record.engine }
  public var findings: [Finding] { record.findings }
  public var figures: Figures { record.figures }
  public var exploration: ExplorationFigures? { record.exploration }
  public var counterexample: Counterexample? { record.counterexample }

  public var expected: ExpectedVerdict { scenario.expect.expected(of: engine, build: record.build) }
  /// Whether the outcome is what the scenario expects.
  public var asExpected: Bool { expected.accepts(self) }

  /// The exit status that this verdict alone asks for.
  public var exitStatus: ExitStatus {
    switch outcome {
    case .interrupted: .interrupted
    case .invalid: .invalid
    case _ where asExpected: .asExpected
    case .crashed, .timedOut: .died
    case .vacuous, .inconclusive: .undecided
    case .pass, .fail: .notAsExpected
    }
  }
}

/// Exit statuses, best first: of several verdicts the worst counts.
public enum ExitStatus: Int, Sendable, CaseIterable, Comparable {
  case asExpected, undecided, notAsExpected, died, invalid, interrupted

  public var code: Int32 {
    switch self {
    case .asExpected: 0
    case .undecided: 2
    case .notAsExpected: 1
    case .died: 3
    case .invalid: 65
    case .interrupted: 130
    }
  }

  public static func < (a: ExitStatus, b: ExitStatus) -> Bool { a.rawValue < b.rawValue }
}
