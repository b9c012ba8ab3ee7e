import CThreads
import Checkers
import ExploreEngine
import RaceModel
import StressEngine

/// Chains scenario, engine and checkers into a verdict, in this process.
///
/// `Children` runs a harness in a process of its own, so that a crash or a hang is a verdict too.
public struct Harness {
  /// Findings kept of each checker; the rest are counted.
  public static let findingsKept = 3

  public var progress: (RunProgress) -> Void = { _ in }
  /// Counterexamples name their lines of source even where they were expected.
  public var explains = false
  /// See ``Explore/counter``.
  public var explorationCounter: UnsafeMutablePointer<UInt64>?
  public var exploreProgress: (ExploreProgress) -> Void = { _ in }
  public var checkers: [any Checker] = CheckerCatalog.all

  public init() {}

  /// Runs one scenario. `file` is where it came from, for the report.
  public func run(_ scenario: Scenario, file: String?) -> Verdict {
    let expected = scenario.expect.expected(ofBuild: BuildKind.current)
    var verdict = Verdict(scenario: scenario, file: file, outcome: .pass, expected: expected)
    let tally = FindingTally(expected: expected)
    var engine = Stress()
    engine.progress = progress
    do {
      let checkers = checkers
      let run = try engine.run(scenario) { evidence in
        for checker in checkers { tally.add(checker.check(evidence), of: evidence) }
        return tally.isEnough ? .stop : .goOn
      }
      verdict.figures = run.figures
      verdict.findings = tally.findings
      verdict.notes = tally.notes
      conclude(&verdict, run.end)
    } catch {
      verdict.outcome = .invalid
      verdict.notes = ["\(error)"]
    }
    verdict.notJudged = notJudged(scenario)
    verdict.asExpected = expected.accepts(verdict)
    if verdict.outcome == .fail, explains || !verdict.asExpected { explain(&verdict) }
    return verdict
  }

  private func conclude(_ verdict: inout Verdict, _ end: EngineRun.End) {
    if !verdict.findings.isEmpty {
      verdict.outcome = .fail
    } else if case .timedOut(let why) = end {
      verdict.outcome = .timedOut
      verdict.notes.append(why)
    } else if end == .interrupted {
      verdict.outcome = .interrupted
    } else if let why = Vacuity.reason(verdict) {
      verdict.outcome = .vacuous
      verdict.notes.append(why)
    }
    if verdict.figures.calibration.changed {
      verdict.notes.append("the machine changed under the run: its figures compare with nothing")
    }
  }

  private func notJudged(_ scenario: Scenario) -> [Verdict.NotJudged] {
    if scenario.stress.checking == .none {
      return CheckerCatalog.names.map { Verdict.NotJudged(checker: $0, reason: "checking is off") }
    }
    var list: [Verdict.NotJudged] = []
    if BuildKind.current != .threadSanitizer {
      list.append(Verdict.NotJudged(checker: DataRace.checkerName, reason: "not built with ThreadSanitizer"))
    }
    if scenario.stress.heap == .malloc, BuildKind.current != .addressSanitizer {
      list.append(
        Verdict.NotJudged(
          checker: NoUseAfterFree().name,
          reason: "with malloc, accesses to freed memory show under AddressSanitizer only; frees were judged"))
    }
    return list
  }
}

/// Whether a run really tested something.
enum Vacuity {
  static func reason(_ verdict: Verdict) -> String? {
    let figures = verdict.figures
    let floor = verdict.scenario.stress.yieldFloor
    if figures.rounds == 0 { return "no round was finished" }
    if verdict.scenario.faults.allocationFailure != nil, figures.refusals == 0 {
      return "no allocation failed, though the scenario asks for it"
    }
    let entry = Listing.entry(site: verdict.scenario.site, strategy: verdict.scenario.strategy)
    let detaching = verdict.scenario.racers.map(\.role).filter { role in
      entry?.roles.contains { $0.name == role && $0.detaches } == true
    }
    if !detaching.isEmpty, figures.detaches == 0 {
      return "nothing was ever detached, though the scenario names \(detaching.joined(separator: " and "))"
    }
    if figures.yield < floor || (figures.populations == 0 && floor > 0) {
      let populations =
        figures.populations == 0
        ? "nothing was populated"
        : "\(figures.collisions) collisions in "
          + "\(figures.populations) populations"
      return "\(populations): below the scenario's floor of \(floor) a population"
    }
    return nil
  }
}

/// Gathers findings over rounds or executions; tells when there are enough.
final class FindingTally {
  let expected: ExpectedVerdict
  private(set) var findings: [Finding] = []
  private var counts: [String: Int] = [:]

  init(expected: ExpectedVerdict) { self.expected = expected }

  func add(_ new: [Finding], of evidence: Evidence) {
    for var finding in new {
      counts[finding.checker, default: 0] += 1
      guard counts[finding.checker, default: 0] <= Harness.findingsKept else { continue }
      if let inode = finding.inode { finding.history += evidence.history(of: inode) }
      findings.append(finding)
    }
  }

  /// One finding ends a run, unless more checkers are expected to report.
  var isEnough: Bool {
    guard !findings.isEmpty else { return false }
    guard case .fail(let wanted, let may) = expected else { return true }
    let reported = Set(counts.keys)
    return reported.isSuperset(of: wanted) || !reported.isSubset(of: Set(wanted).union(may))
  }

  var notes: [String] {
    counts.filter { $0.value > Harness.findingsKept }
      .sorted { $0.key < $1.key }
      .map { "\($0.key): \($0.value) findings, of which \(Harness.findingsKept) are shown" }
  }
}

/// What this binary was built with: decides which of a scenario's expectations counts.
public enum BuildKind: Sendable {
  case plain, threadSanitizer, addressSanitizer

  public static var current: BuildKind {
    switch cthreads_sanitizer() {
    case 1: .threadSanitizer
    case 2: .addressSanitizer
    default: .plain
    }
  }
}

extension Expectations {
  public func expected(ofBuild build: BuildKind) -> ExpectedVerdict {
    switch build {
    case .plain: stress
    case .threadSanitizer: threadSanitizer ?? stress
    case .addressSanitizer: addressSanitizer ?? stress
    }
  }
}
