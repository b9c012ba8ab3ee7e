import AddonMemory

/// The outcome of a scenario in an engine.
public enum Outcome: String, Sendable, CaseIterable, Codable {
  case pass, fail
  /// Nothing was really tested.
  case vacuous
  case inconclusive, crashed
  case timedOut = "timed-out"
  case interrupted, invalid
}

/// What became of one scenario: plain, versioned data.
public struct Verdict: Sendable, Equatable, Codable {
  public var scenario: Scenario
  /// Where it came from, as the user named it.
  public var file: String?
  public var engine = "stress"
  public var outcome: Outcome
  public var expected: ExpectedVerdict
  /// Whether the outcome is what the scenario expects.
  public var asExpected: Bool
  public var findings: [Finding] = []
  /// Checkers that could not judge, each with the reason.
  public var notJudged: [NotJudged] = []
  /// Why it is vacuous, timed out, crashed or invalid; and warnings.
  public var notes: [String] = []
  /// The command that runs it again with the same settings.
  public var command = ""
  public var figures = Figures()
  /// Of an exploration: the model, what was counted, and the execution that shows the first finding.
  public var memoryModel: MemoryModel?
  public var exploration: ExplorationFigures?
  public var counterexample: Counterexample?

  public struct NotJudged: Sendable, Equatable, Codable {
    public var checker: String
    public var reason: String
    public init(checker: String, reason: String) {
      self.checker = checker
      self.reason = reason
    }
  }

  public init(scenario: Scenario, file: String?, outcome: Outcome, expected: ExpectedVerdict) {
    self.scenario = scenario
    self.file = file
    self.outcome = outcome
    self.expected = expected
    asExpected = false
  }

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

  public var sentence: String {
    switch self {
    case .asExpected: "every verdict is as expected"
    case .undecided: "a verdict is vacuous or inconclusive, unexpectedly"
    case .notAsExpected: "a verdict is not as expected"
    case .died: "a scenario crashed or timed out, unexpectedly"
    case .invalid: "a scenario file is invalid"
    case .interrupted: "interrupted"
    }
  }

  public static func < (a: ExitStatus, b: ExitStatus) -> Bool { a.rawValue < b.rawValue }
}
