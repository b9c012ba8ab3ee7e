import AddonMemory
import Candidates
import Checkers
import ExploreEngine
import Foundation
import RaceModel
import Subjects

/// What is explored, and how a finding is made as short as it gets.
extension Harness {
  func explore(
    _ scenario: Scenario, _ model: MemoryModel, _ subject: any ExplorableSubject, _ tell: @escaping (RunEvent) -> Void
  ) throws(EngineError) {
    let expected = scenario.expect.expected(of: .explore(model), build: .current)
    let judging = ExecutionJudging(checkers, .until(expected, accompanied: accompanying), tell)
    let engine = engine(model, subject)
    engine.progress = exploreProgress
    engine.counter = explorationCounter
    engine.slots = slots
    let run = try engine.run(scenario, judging: judging)
    judging.tellRest()
    if var figures = run.exploration {
      figures.firstFinding = judging.judgements.firstFinding
      if figures.leavesOutByDependencies, figures.isExhaustive, judging.judgements.counts.isEmpty {
        figures.fragileDependencies = try fragileDependencies(scenario, model, subject)
      }
      tell(.exploration(figures, sawRefusal: judging.judgements.sawRefusal))
    }
    for note in engine.notes { tell(.note(note)) }
    tell(.counts(judging.judgements.counts))
    tell(.ended(.engine(run.end)))
    guard let shown = judging.shown else { return }
    do throws(EngineError) {
      if let counterexample = try counterexample(
        scenario, subject, try token(shown, of: scenario), shown.checker, wantsSources: explains)
      {
        tell(.counterexample(counterexample, model))
      }
    } catch {
      // What fewer racers do has no say in what these did.
      tell(.note("no shorter execution was looked for: \(error)"))
    }
  }

  /// What a verdict rests on that a compiler may break: explores without dependencies on values and branches.
  private func fragileDependencies(
    _ scenario: Scenario, _ model: MemoryModel, _ subject: any ExplorableSubject
  ) throws(EngineError) -> [FragileDependency] {
    var scenario = scenario
    scenario.explore.breaksDependencies = true
    let judging = ExecutionJudging(checkers, .untilOne)
    let engine = engine(model, subject)
    _ = try engine.run(scenario, judging: judging)
    guard let shown = judging.shown else { return [] }
    return try engine.decisiveDependencies(
      try token(shown, of: scenario), of: scenario, checker: shown.checker)
  }

  /// Where an exploration can be cut, so that it has so many parts: see ``Explore/frontier(_:parts:)``.
  public func frontier(
    _ scenario: Scenario, _ model: MemoryModel, parts: Int
  ) throws(EngineError) -> (level: Int, subtrees: Int) {
    try engine(model, try explorable(scenario)).frontier(scenario, parts: parts)
  }

  /// What a scenario is about, as it is explored.
  func explorable(_ scenario: Scenario) throws(EngineError) -> any ExplorableSubject {
    if scenario.code != nil { return ExploredCandidate() }
    let subject = try registry.subject(of: scenario)
    return ExploredSite(subject.facts, subject.explored)
  }

  private func engine(_ model: MemoryModel, _ subject: any ExplorableSubject) -> Explore {
    let engine = Explore(model, subject)
    engine.judgesAll = hasToJudgeAll
    return engine
  }

  // MARK: From a verdict to a trace

  /// Looks for an execution that explains a failure, with the lines of source. Of a race it is one of the racers involved,
  /// under the model of the machine, and where that has none (what a sanitizer saw, or a compiler did) under C11.
  func explain(_ verdict: Verdict, _ tell: (RunEvent) -> Void) {
    do throws(EngineError) {
      let whole = try built(verdict.scenario)
      let subject = try explorable(whole)
      if let model = verdict.engine.model {
        guard let counterexample = verdict.counterexample else { return }
        let token = try replayToken(counterexample.token, of: whole)
        let scenario = token.scenario(whole)
        if let counterexample = try replay(token, of: scenario, subject, wantsSources: true) {
          tell(.counterexample(counterexample, model))
        }
        return
      }
      let scenario = cutDown(whole, verdict)
      var wanted = Set(verdict.record.reporters)
      if verdict.outcome == .crashed { wanted.insert(Crash.checkerName) }
      if verdict.outcome == .timedOut { wanted.insert(ProgressChecker.checkerName) }
      // Of somebody's code, what ends an execution earlier is the reason: a data race.
      let checkers = scenario.code == nil ? checkers.filter { wanted.contains($0.name) } : checkers
      for model in [MemoryModel.tso, .c11] {
        let judging = ExecutionJudging(checkers, .untilOne)
        _ = try engine(model, subject).run(scenario, judging: judging)
        guard let shown = judging.shown else { continue }
        if let counterexample = try counterexample(
          scenario, subject, try token(shown, of: scenario), shown.checker, wantsSources: true)
        {
          tell(.counterexample(counterexample, model))
          return
        }
      }
      tell(.note("no explanation: exploring the racers involved for 10 s at most found no execution that shows it"))
    } catch {
      tell(.note("no explanation: \(error)"))
    }
  }

  private func token(_ shown: Judgements.Shown, of scenario: Scenario) throws(EngineError) -> ReplayToken {
    try replayToken(shown.token, of: scenario)
  }

  private func replayToken(_ text: String, of scenario: Scenario) throws(EngineError) -> ReplayToken {
    do throws(ReplayToken.Invalid) {
      return try ReplayToken(text, of: scenario)
    } catch {
      throw EngineError(error.description)
    }
  }

  /// The scenario with the racers that a finding names, if those are two to four, and of all others at most two of a role.
  private func cutDown(_ whole: Scenario, _ verdict: Verdict) -> Scenario {
    var scenario = whole
    scenario.explore.time = min(scenario.explore.time, Self.explainingSeconds)
    let roles = scenario.roles
    let involved = verdict.findings.first.map { $0.racers.filter { $0 < roles.count } } ?? []
    guard scenario.code == nil, (2...4).contains(involved.count), scenario.faults.allocationFailure?.racer == nil else {
      return scenario
    }
    scenario.explore.racers = scenario.racers.map { group in
      RacerGroup(role: group.role, count: involved.count { roles[$0] == group.role })
    }.filter { $0.count > 0 }
    return scenario
  }

  private static var explainingSeconds: Double { 10 }

  // MARK: The shortest way to show it

  /// Racers are left out as long as the checker still reports; then the shortest of all executions is taken.
  private func counterexample(
    _ scenario: Scenario, _ subject: any ExplorableSubject, _ token: ReplayToken, _ checker: String, wantsSources: Bool
  ) throws(EngineError) -> Counterexample? {
    var scenario = token.scenario(scenario)
    scenario.explore.part = nil
    var best = token
    while let (smaller, token) = try withoutOneRacer(scenario, subject, token.model, checker) {
      scenario = smaller
      best = token
    }
    let judging = ExecutionJudging(checkers.filter { $0.name == checker }, .all)
    scenario.explore.executions = Self.minimisingExecutions
    scenario.explore.time = Self.minimisingSeconds
    _ = try engine(token.model, subject).run(scenario, judging: judging)
    if let shown = judging.shown { best = try self.token(shown, of: scenario) }
    return try replay(best, of: scenario, subject, wantsSources: wantsSources)
  }

  private static var minimisingExecutions: Int { 5_000 }
  private static var minimisingSeconds: Double { 1 }

  private func withoutOneRacer(
    _ scenario: Scenario, _ subject: any ExplorableSubject, _ model: MemoryModel, _ checker: String
  ) throws(EngineError) -> (Scenario, ReplayToken)? {
    let groups = scenario.exploredRacers
    for index in groups.indices where groups[index].count > 0 && scenario.exploredRoles.count > 1 {
      var smaller = scenario
      var fewer = groups
      fewer[index].count -= 1
      smaller.explore.racers = fewer.filter { $0.count > 0 }
      smaller.explore.executions = Self.minimisingExecutions
      smaller.explore.time = Self.minimisingSeconds
      let judging = ExecutionJudging(checkers.filter { $0.name == checker }, .untilOne)
      _ = try engine(model, subject).run(smaller, judging: judging)
      if let shown = judging.shown { return (smaller, try token(shown, of: smaller)) }
    }
    return nil
  }

  /// Runs the execution of a token again. Nil where the program does not follow it: it is another version's.
  public func replay(
    _ token: ReplayToken, of scenario: Scenario, wantsSources: Bool = true
  ) throws(EngineError) -> Counterexample? {
    try replay(token, of: scenario, try explorable(scenario), wantsSources: wantsSources)
  }

  private func replay(
    _ token: ReplayToken, of scenario: Scenario, _ subject: any ExplorableSubject, wantsSources: Bool
  ) throws(EngineError) -> Counterexample? {
    var findings: [Finding] = []
    let checkers = checkers
    var counterexample = try engine(token.model, subject).replay(token, of: scenario, wantsSources: wantsSources) {
      evidence in
      findings = checkers.flatMap { $0.check(evidence) }
    }
    for index in findings.indices { findings[index].round = nil }
    counterexample?.findings = findings
    return counterexample
  }
}

/// Asks the checkers of executions, and keeps for each the shortest that shows what it reports.
private final class ExecutionJudging: ExecutionJudge {
  /// How long it goes on.
  enum Extent {
    case all, untilOne
    /// Until what is expected was reported, or something else.
    case until(ExpectedVerdict, accompanied: [String])
  }

  var judgements = Judgements()
  let findingsKept = Harness.findingsKept
  private let checkers: [any Checker]
  private let extent: Extent
  /// Of the checkers that are expected to report, an execution of one is worth more than of others.
  private let preferred: Set<String>
  /// Told of findings as they come, in the process that began.
  private let tell: ((RunEvent) -> Void)?
  private var told = 0
  private let process = getpid()

  init(_ checkers: [any Checker], _ extent: Extent, _ tell: ((RunEvent) -> Void)? = nil) {
    self.checkers = checkers
    self.extent = extent
    self.tell = tell
    if case .until(let expected, _) = extent { preferred = Set(expected.missing(among: [])) } else { preferred = [] }
  }

  func judge(_ evidence: Evidence, _ engine: Explore) -> Judgement {
    if !judgements.sawRefusal { judgements.sawRefusal = evidence.operations.contains(where: \.refused) }
    let findings = checkers.flatMap { $0.check(evidence) }
    guard !findings.isEmpty else { return .goOn }
    if judgements.firstFinding == nil { judgements.firstFinding = evidence.round + 1 }
    let checker = (findings.first { preferred.contains($0.checker) } ?? findings[0]).checker
    if judgements.isShorter(checker, engine.currentLength), let token = engine.currentToken() {
      judgements.add(Judgements.Shown(checker: checker, token: token.text, length: engine.currentLength))
    }
    for finding in findings { add(finding, of: evidence) }
    if getpid() == process { tellRest() }
    return isEnough(judgements) ? .stop : .goOn
  }

  private func add(_ finding: Finding, of evidence: Evidence) {
    judgements.counts[finding.checker, default: 0] += 1
    guard judgements.counts[finding.checker, default: 0] <= findingsKept else { return }
    var finding = finding
    finding.round = nil
    if let inode = finding.inode { finding.history += evidence.history(of: inode) }
    judgements.findings.append(finding)
  }

  /// Tells what was not told yet.
  func tellRest() {
    guard let tell, judgements.findings.count > told else { return }
    for finding in judgements.findings[told...] { tell(.finding(finding)) }
    told = judgements.findings.count
  }

  func isEnough(_ judgements: Judgements) -> Bool {
    switch extent {
    case .all: false
    case .untilOne: !judgements.counts.isEmpty
    case .until(let expected, let accompanied):
      expected.isSettled(by: judgements.reporters, accompanied: Set(accompanied))
    }
  }

  /// The shortest execution that shows what is expected, or else what came first.
  var shown: Judgements.Shown? {
    judgements.shortest.first { preferred.contains($0.checker) } ?? judgements.shortest.first
  }
}
