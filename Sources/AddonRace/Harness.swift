import AddonMemory
import BenchEngine
import Candidates
import Checkers
import ExploreEngine
import Machine
import RaceModel
import ScenarioFiles
import StressEngine
import Subjects

/// Chains scenario, engine and checkers into a verdict, in this process.
///
///     let harness = try Harness(catalogs: [LinuxCatalog.self, MyCatalog.self])
///     let verdict = harness.run(scenario)
///
/// `Children` runs a harness in a process of its own, so that a crash or a hang is a verdict too.
public struct Harness {
  /// Findings kept of each checker; the rest are counted.
  public static let findingsKept = 3

  public let registry: Registry
  public var checkers: [any Checker]
  /// Counterexamples name their lines of source even where they were expected.
  public var explains = false
  public var progress: (RunProgress) -> Void = { _ in }
  public var exploreProgress: (ExploreProgress) -> Void = { _ in }
  /// See ``Explore/counter``.
  public var explorationCounter: UnsafeMutablePointer<UInt64>?
  /// See ``Explore/slots``.
  public var slots: WorkerSlots?

  /// Linux's sites, or those of a registry; `checkers` are asked besides those that come along.
  public init(_ registry: Registry = .linux, checkers: [any Checker] = []) {
    self.registry = registry
    self.checkers = CheckerCatalog.all + checkers
  }

  /// - Throws: what is wrong with the catalogs.
  public init(catalogs: [any Catalog.Type], checkers: [any Checker] = []) throws(RegistryError) {
    self.init(try Registry(catalogs), checkers: checkers)
  }

  /// The names that a scenario file may use.
  public var vocabulary: Vocabulary {
    Vocabulary(
      sites: registry.sites, checkers: checkers.map(\.name), layouts: Bench.layouts.map(\.name),
      mostRacers: Stress.mostRacers)
  }

  /// Races one scenario. `file` is where it came from, for the report.
  public func run(_ scenario: Scenario, file: String? = nil) -> Verdict {
    judge(scenario, .stress, file)
  }

  /// Visits every execution of a scenario that one memory model allows.
  public func explore(_ scenario: Scenario, _ model: MemoryModel, file: String? = nil) -> Verdict {
    judge(scenario, .explore(model), file)
  }

  private func judge(_ scenario: Scenario, _ engine: EngineKind, _ file: String?) -> Verdict {
    var record = RunRecord(engine)
    run(scenario, engine) { record.add($0) }
    let verdict = self.verdict(record, of: scenario, file: file, command: "")
    guard verdict.needsExplanation(explains) else { return verdict }
    explain(verdict) { record.add($0) }
    return self.verdict(record, of: scenario, file: file, command: "")
  }

  /// Concludes a verdict from what a run has left.
  public func verdict(_ record: RunRecord, of scenario: Scenario, file: String?, command: String) -> Verdict {
    Verdict(
      record, of: scenario, facts: registry.subject(site: scenario.site, strategy: scenario.strategy)?.facts,
      file: file,
      command: command)
  }

  // MARK: Running

  /// Runs a scenario and tells of all that a verdict is concluded from.
  func run(_ scenario: Scenario, _ engine: EngineKind, _ tell: @escaping (RunEvent) -> Void) {
    tell(.checkers(notJudged: missing(scenario, engine).notJudged(among: checkers), accompanying: accompanying))
    do throws(EngineError) {
      switch engine {
      case .stress where scenario.code != nil: try raceCode(scenario, tell)
      case .stress: try race(scenario, try registry.subject(of: scenario), tell)
      case .explore(let model): try explore(scenario, model, try explorable(scenario), tell)
      }
    } catch {
      tell(.ended(.refused(error.description)))
    }
  }

  var accompanying: [String] { checkers.filter(\.mayAccompanyOthers).map(\.name) }

  /// Whether some checker has to see every round, or every execution.
  var hasToJudgeAll: Bool { !checkers.allSatisfy(\.isSilentOnOrdinaryRounds) }

  private func race(
    _ scenario: Scenario, _ subject: Subject, _ tell: @escaping (RunEvent) -> Void
  ) throws(EngineError) {
    var scenario = scenario
    if hasToJudgeAll, scenario.stress.checking == .ordinary { scenario.stress.checking = .everyRound }
    let tally = FindingTally(expected: scenario.expect.expected(of: .stress, build: .current), accompanying, tell)
    let checkers = checkers
    var engine = Stress()
    engine.progress = progress
    let run = try engine.run(scenario, subject.facts, subject.raced) { evidence in
      for checker in checkers { tally.add(checker.check(evidence), of: evidence) }
      return tally.isEnough ? .stop : .goOn
    }
    tell(.counts(tally.counts))
    tell(.figures(run.figures))
    tell(.ended(.engine(run.end)))
  }

  private func raceCode(_ scenario: Scenario, _ tell: @escaping (RunEvent) -> Void) throws(EngineError) {
    let tally = FindingTally(expected: scenario.expect.expected(of: .stress, build: .current), accompanying, tell)
    let checkers = checkers
    let (run, notes) = try RacedCandidate().run(scenario, progress: progress) { evidence in
      for checker in checkers { tally.add(checker.check(evidence), of: evidence) }
      return tally.isEnough ? .stop : .goOn
    }
    for note in notes { tell(.note(note)) }
    tell(.counts(tally.counts))
    tell(.figures(run.figures))
    tell(.ended(.engine(run.end)))
  }

  /// What a run of the scenario cannot show.
  private func missing(_ scenario: Scenario, _ engine: EngineKind) -> MissingAspects {
    var missing = MissingAspects()
    guard engine == .stress else { return missing }
    if scenario.stress.checking == .none {
      for aspect in Aspect.allCases { missing[aspect] = "checking is off" }
      return missing
    }
    if BuildKind.current != .threadSanitizer { missing[.plainAccesses] = "not built with ThreadSanitizer" }
    if scenario.stress.heap == .malloc, BuildKind.current != .addressSanitizer {
      missing[.freedAccesses] =
        "with malloc, accesses to freed memory show under AddressSanitizer only; frees were judged"
    }
    return missing
  }
}

extension Verdict {
  /// A failure that somebody will want to understand, and that has not been explained: an exploration explains what it
  /// finds, but for the lines of source where nobody asked for them.
  func needsExplanation(_ wanted: Bool) -> Bool {
    guard outcome == .fail || outcome == .crashed || (outcome == .timedOut && scenario.code != nil) else {
      return false
    }
    if engine == .stress { return counterexample == nil && (wanted || !asExpected) }
    return counterexample != nil && !wanted && !asExpected
  }
}

/// Gathers findings over rounds or executions; tells when there are enough.
final class FindingTally {
  private let expected: ExpectedVerdict
  private let accompanying: Set<String>
  private let tell: (RunEvent) -> Void
  private(set) var counts: [String: Int] = [:]

  init(expected: ExpectedVerdict, _ accompanying: [String], _ tell: @escaping (RunEvent) -> Void) {
    self.expected = expected
    self.accompanying = Set(accompanying)
    self.tell = tell
  }

  func add(_ new: [Finding], of evidence: Evidence) {
    for var finding in new {
      counts[finding.checker, default: 0] += 1
      guard counts[finding.checker, default: 0] <= Harness.findingsKept else { continue }
      if let inode = finding.inode { finding.history += evidence.history(of: inode) }
      tell(.finding(finding))
    }
  }

  var isEnough: Bool { expected.isSettled(by: Set(counts.keys), accompanied: accompanying) }
}

extension ExpectedVerdict {
  /// Whether nothing more need be found: one finding ends a run, unless more checkers are expected to report.
  func isSettled(by reporters: Set<String>, accompanied: Set<String>) -> Bool {
    guard !reporters.isEmpty else { return false }
    return missing(among: reporters).isEmpty || !unexpected(among: reporters, accompanied: accompanied).isEmpty
  }
}
