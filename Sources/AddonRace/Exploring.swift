import AddonMemory
import Checkers
import ExploreEngine
import RaceModel

/// What is explored, and how a finding is made as short as it gets.
extension Harness {
  /// Explores a scenario under one memory model.
  public func explore(_ scenario: Scenario, _ model: MemoryModel, file: String?) -> Verdict {
    let expected = scenario.expect.explore[model] ?? .verdict(.pass)
    var verdict = Verdict(scenario: scenario, file: file, outcome: .pass, expected: expected)
    verdict.engine = "explore"
    verdict.memoryModel = model
    let judging = ExplorationJudging(checkers, expected)
    let engine = Explore(model)
    engine.progress = exploreProgress
    engine.counter = explorationCounter
    do {
      let run = try engine.run(scenario) { judging.judge($0, engine) }
      verdict.exploration = run.exploration
      verdict.exploration?.firstFinding = judging.firstFinding
      verdict.findings = judging.tally.findings
      conclude(&verdict, run, judging)
      if let token = judging.shortest?.token {
        let isRead = explains || !expected.accepts(verdict)
        verdict.counterexample = try counterexample(scenario, token, judging.firstChecker ?? "", wantsSources: isRead)
      }
    } catch {
      verdict.outcome = .invalid
      verdict.notes = ["\(error)"]
    }
    verdict.asExpected = expected.accepts(verdict)
    return verdict
  }

  private func conclude(_ verdict: inout Verdict, _ run: EngineRun, _ judging: ExplorationJudging) {
    if let why = run.exploration?.symmetryRefusal {
      verdict.notes.append("racers are not taken for interchangeable: \(why)")
    }
    if !verdict.findings.isEmpty {
      verdict.outcome = .fail
      return
    }
    switch run.end {
    case .budget(let what):
      verdict.outcome = .inconclusive
      verdict.notes.append(Coverage.sentence(what, run.exploration))
    case .interrupted:
      verdict.outcome = .interrupted
      let figures = run.exploration
      let rest = figures?.estimate.map { " of about \(Coverage.scientific($0)) or more" } ?? ""
      verdict.notes.append("after \(figures?.executions ?? 0) executions\(rest), none of which shows anything")
    default:
      if verdict.scenario.faults.allocationFailure != nil, !judging.sawRefusal {
        verdict.outcome = .vacuous
        verdict.notes.append("no allocation failed, though the scenario asks for it")
      }
    }
    if verdict.memoryModel == .kernel || verdict.memoryModel == .c11 {
      verdict.notJudged.append(
        Verdict.NotJudged(
          checker: "load buffering",
          reason: "executions in which a load reads what its own racer causes are not explored"))
    }
  }

  // MARK: From stress to trace

  /// Looks for an execution that explains what a race has shown: on the racers involved, under the model of the machine,
  /// and where that has none (what a sanitizer saw, or a compiler did) under C11.
  public func explain(_ verdict: inout Verdict) {
    let checkers = Set(verdict.findings.map(\.checker)).union(verdict.outcome == .crashed ? [Crash.checkerName] : [])
    let scenario = cutDown(verdict)
    for model in [MemoryModel.tso, .c11] {
      let judging = ExplorationJudging(
        self.checkers.filter { checkers.contains($0.name) }, .verdict(.pass), stopsAtFirst: true)
      let engine = Explore(model)
      guard (try? engine.run(scenario) { judging.judge($0, engine) }) != nil else { continue }
      if let token = judging.shortest?.token, let checker = judging.firstChecker {
        verdict.memoryModel = model
        verdict.counterexample = try? counterexample(scenario, token, checker, wantsSources: true)
        return
      }
    }
    verdict.notes.append("the explorer found no execution of the racers involved that explains it, within its budget")
  }

  /// The scenario with the racers that a finding names, if those are two to four, and of all others at most two of a role.
  private func cutDown(_ verdict: Verdict) -> Scenario {
    var scenario = verdict.scenario
    scenario.explore.time = min(scenario.explore.time, Self.explainingSeconds)
    let roles = scenario.roles
    let involved = verdict.findings.first.map { $0.racers.filter { $0 < roles.count } } ?? []
    guard (2...4).contains(involved.count), scenario.faults.allocationFailure?.racer == nil else { return scenario }
    scenario.explore.racers = scenario.racers.map { group in
      RacerGroup(role: group.role, count: involved.count { roles[$0] == group.role })
    }.filter { $0.count > 0 }
    return scenario
  }

  private static var explainingSeconds: Double { 10 }

  // MARK: The shortest way to show it

  /// Racers are left out as long as the checker still reports; then the shortest of all executions is taken.
  private func counterexample(
    _ scenario: Scenario, _ token: ReplayToken, _ checker: String, wantsSources: Bool
  ) throws(EngineError) -> Counterexample? {
    var scenario = token.scenario(scenario)
    var best = token
    while let (smaller, token) = try withoutOneRacer(scenario, token.model, checker) {
      scenario = smaller
      best = token
    }
    let judging = ExplorationJudging(checkers, .fail(checkers: [checker], may: []), looksFor: checker)
    scenario.explore.executions = Self.minimisingExecutions
    scenario.explore.time = Self.minimisingSeconds
    let engine = Explore(token.model)
    _ = try engine.run(scenario) { judging.judge($0, engine) }
    if let shortest = judging.shortest { best = shortest.token }
    return try replay(best, of: scenario, wantsSources: wantsSources)
  }

  private static var minimisingExecutions: Int { 5_000 }
  private static var minimisingSeconds: Double { 1 }

  private func withoutOneRacer(
    _ scenario: Scenario, _ model: MemoryModel, _ checker: String
  ) throws(EngineError) -> (Scenario, ReplayToken)? {
    let groups = scenario.exploredRacers
    for index in groups.indices where groups[index].count > 0 && scenario.exploredRoles.count > 1 {
      var smaller = scenario
      var fewer = groups
      fewer[index].count -= 1
      smaller.explore.racers = fewer.filter { $0.count > 0 }
      smaller.explore.executions = Self.minimisingExecutions
      smaller.explore.time = Self.minimisingSeconds
      let judging = ExplorationJudging(checkers, .verdict(.pass), looksFor: checker, stopsAtFirst: true)
      let engine = Explore(model)
      _ = try engine.run(smaller) { judging.judge($0, engine) }
      if let found = judging.shortest { return (smaller, found.token) }
    }
    return nil
  }

  /// Runs the execution of a token again. Nil where the program does not follow it: it is another version's.
  public func replay(
    _ token: ReplayToken, of scenario: Scenario, wantsSources: Bool = true
  ) throws(EngineError) -> Counterexample? {
    var findings: [Finding] = []
    let checkers = checkers
    var counterexample = try Explore(token.model).replay(token, of: scenario, wantsSources: wantsSources) {
      evidence in
      findings = checkers.flatMap { $0.check(evidence) }
    }
    counterexample?.findings = findings.map { "\($0.checker): \($0.message)" }
    return counterexample
  }
}

/// How much of an exploration was done, in words.
public enum Coverage {
  static func sentence(_ budget: String, _ figures: ExplorationFigures?) -> String {
    guard let figures else { return "the budget of \(budget) is spent" }
    var text = "the budget of \(budget) is spent after \(figures.executions) executions"
    if let estimate = figures.estimate {
      let share = Double(figures.executions) / max(estimate, 1) * 100
      text +=
        " of about \(scientific(estimate)) or more: \(share < 0.1 ? "less than 0.1" : "at most \(Int(share * 10) / 10)") %"
    }
    if figures.samples > 0 { text += "; then \(figures.samples) random ones, which is a sample and not exhaustive" }
    return text
  }

  /// Large numbers as 3.2e9.
  public static func scientific(_ value: Double) -> String {
    if value < 1e6 { return "\(Int(value))" }
    var (mantissa, exponent) = (value, 0)
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    return "\(Int(mantissa * 10) / 10)e\(exponent)"
  }
}

/// Judges executions, and keeps the shortest that a checker reports.
private final class ExplorationJudging {
  private let checkers: [any Checker]
  let tally: FindingTally
  /// Only this checker's findings count, and all executions are wanted.
  private let looksFor: String?
  private let stopsAtFirst: Bool
  private(set) var firstFinding: Int?
  private(set) var firstChecker: String?
  private(set) var shortest: (token: ReplayToken, length: Int)?
  private(set) var sawRefusal = false

  init(_ checkers: [any Checker], _ expected: ExpectedVerdict, looksFor: String? = nil, stopsAtFirst: Bool = false) {
    self.checkers = checkers
    tally = FindingTally(expected: expected)
    self.looksFor = looksFor
    self.stopsAtFirst = stopsAtFirst
  }

  func judge(_ evidence: Evidence, _ engine: Explore) -> Judgement {
    if !sawRefusal { sawRefusal = evidence.operations.contains(where: \.refused) }
    var findings = checkers.flatMap { $0.check(evidence) }.filter { looksFor == nil || $0.checker == looksFor }
    for index in findings.indices { findings[index].round = nil }
    guard let first = findings.first else { return .goOn }
    if firstFinding == nil {
      firstFinding = evidence.round + 1
      firstChecker = first.checker
    }
    if first.checker == firstChecker, engine.currentLength < shortest?.length ?? .max,
      let token = engine.currentToken()
    {
      shortest = (token, engine.currentLength)
    }
    if looksFor != nil { return stopsAtFirst ? .stop : .goOn }
    tally.add(findings, of: evidence)
    return tally.isEnough ? .stop : .goOn
  }
}
