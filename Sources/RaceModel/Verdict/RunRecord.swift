import AddonMemory
import Machine

/// What a scenario is run in.
public enum EngineKind: Sendable, Hashable, Codable {
  case stress
  case explore(MemoryModel)

  public var model: MemoryModel? { if case .explore(let model) = self { model } else { nil } }
  public var name: String { self == .stress ? "stress" : "explore" }
}

/// All that a run left: what it found, counted and measured, and how it ended. A verdict is concluded from it.
///
/// A child streams it as events, so that what it had found is there even if it then dies.
public struct RunRecord: Sendable, Equatable, Codable {
  public let engine: EngineKind
  public let build: BuildKind
  public private(set) var end = RunEnd.none
  public private(set) var findings: [Finding] = []
  /// How often each checker reported: findings beyond the first few are only counted.
  public private(set) var counts: [String: Int] = [:]
  public private(set) var notJudged: [NotJudged] = []
  /// Checkers whose findings may come along with an expected failure.
  public private(set) var accompanying: [String] = []
  /// Of a race; an exploration has counts of its own.
  public var figures: Figures { raceFigures ?? Figures() }
  private var raceFigures: Figures?
  public private(set) var exploration: ExplorationFigures?
  /// An allocation was refused at least once.
  public private(set) var sawRefusal = false
  public private(set) var counterexample: Counterexample?
  /// The memory model of the counterexample, which a race does not have.
  public private(set) var counterexampleModel: MemoryModel?
  public private(set) var notes: [String] = []

  private enum CodingKeys: String, CodingKey {
    case engine, build, end, findings, counts, notJudged, accompanying, exploration, sawRefusal, counterexample
    case counterexampleModel, notes
    case raceFigures = "figures"
  }

  public init(_ engine: EngineKind, build: BuildKind = .current) {
    self.engine = engine
    self.build = build
  }

  public mutating func add(_ event: RunEvent) {
    switch event {
    case .finding(let finding): findings.append(finding)
    case .counts(let counts): self.counts = counts
    case .checkers(let notJudged, let accompanying):
      self.notJudged = notJudged
      self.accompanying = accompanying
    case .figures(let figures): raceFigures = figures
    case .exploration(let figures, let sawRefusal):
      exploration = figures
      self.sawRefusal = sawRefusal
    case .counterexample(let counterexample, let model):
      self.counterexample = counterexample
      counterexampleModel = model
    case .note(let note): notes.append(note)
    case .ended(let end): self.end = end
    }
  }

  /// Adds what another part of the same exploration left.
  mutating func add(partBehind other: RunRecord) {
    for finding in other.findings where findings.count(where: { $0.checker == finding.checker }) < Self.findingsOfParts
    {
      findings.append(finding)
    }
    counts.merge(other.counts, uniquingKeysWith: +)
    if let figures = other.exploration { exploration?.add(figures) }
    sawRefusal = sawRefusal || other.sawRefusal
    let length = counterexample?.steps.count ?? .max
    if let shorter = other.counterexample, shorter.steps.count < length {
      counterexample = shorter
      counterexampleModel = other.counterexampleModel
    }
    notes += other.notes.filter { !notes.contains($0) }
    if end == .engine(.exhausted) { end = other.end }
  }

  /// Findings of one checker that are kept where parts are added.
  private static let findingsOfParts = 3

  /// After the last part that is there: it is the whole, or what is missing is said.
  mutating func endParts(missing: [Int], of parts: Int) {
    exploration?.part = nil
    if missing.isEmpty { return }
    exploration?.isExhaustive = false
    let names = missing.prefix(8).map { "\($0)/\(parts)" }.joined(separator: ", ")
    let what = "\(missing.count) of \(parts) parts are missing: \(names)\(missing.count > 8 ? ", ..." : "")"
    if end == .engine(.exhausted) { end = .engine(.budget(what)) } else { notes.append(what) }
  }

  /// Names of those who reported, each once, in the order of their first findings.
  public var reporters: [String] {
    var names: [String] = []
    for finding in findings where !names.contains(finding.checker) { names.append(finding.checker) }
    return names
  }
}

/// One thing that a run has to say.
public enum RunEvent: Sendable, Equatable, Codable {
  case finding(Finding)
  case counts([String: Int])
  case checkers(notJudged: [NotJudged], accompanying: [String])
  case figures(Figures)
  case exploration(ExplorationFigures, sawRefusal: Bool)
  case counterexample(Counterexample, MemoryModel)
  case note(String)
  case ended(RunEnd)
}

/// How a run ended.
public enum RunEnd: Sendable, Equatable, Codable {
  /// It did not say.
  case none
  case engine(EngineRun.End)
  /// It could not be run: the reason.
  case refused(String)
  /// Its process died, in words.
  case died(String)
  /// Its process did not end in time and was killed, in words.
  case killed(String)
}
