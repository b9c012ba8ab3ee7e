import AddonRace
import ArgumentParser
import CThreads
import Foundation

/// A scenario of the command line, resolved before the first one runs: as the invocation wants it, or why it cannot be run.
enum ResolvedScenario: Sendable {
  case ready(Scenario, file: String)
  case invalid(Scenario, file: String, reasons: [String], command: String)

  var name: String { scenario.name }

  var scenario: Scenario {
    switch self {
    case .ready(let scenario, _), .invalid(let scenario, _, _, _): scenario
    }
  }

  var file: String {
    switch self {
    case .ready(_, let file), .invalid(_, let file, _, _): file
    }
  }

  /// Reads and resolves all of them. What does not fit one scenario is a verdict on that one; what fits none is wrong usage.
  /// Where something that is named is not there, nothing is run.
  static func all(
    _ paths: [String], _ invocation: Invocation, _ section: Setting.Section, _ harness: Harness
  ) throws -> [ResolvedScenario] {
    let vocabulary = harness.vocabulary
    try invocation.checkStrategy(vocabulary)
    var misfits: [Misfit] = []
    var fits = 0
    let finder = ScenarioFinder(vocabulary, code: invocation.code, optimisations: invocation.optimisations)
    let found = finder.find(paths)
    for case .missing(let error) in found { StandardError.print("\(error)") }
    let resolved = try found.map { found -> ResolvedScenario in
      switch found {
      case .missing: throw ExitCode(ExitStatus.invalid.code)
      case .invalid(let error, let file):
        StandardError.print("\(error)")
        return .invalid(
          Scenario(name: file, question: "(the file is invalid)", site: "", strategy: "", racers: []), file: file,
          reasons: error.diagnostics.map(\.description), command: "addonrace check \(ShellWord.quoted(file))")
      case .scenario(let scenario, let file):
        do throws(Misfit) {
          let applied = try invocation.apply(to: scenario, section, vocabulary)
          fits += 1
          return built(applied, file: file, invocation, section, harness)
        } catch {
          misfits.append(error)
          return .invalid(
            scenario, file: file, reasons: [error.description],
            command: invocation.text(scenario, file: file, section == .explore ? .explore(.sc) : .stress))
        }
      }
    }
    if let first = misfits.first, fits == 0 { throw ValidationError(first.description) }
    return resolved
  }

  /// With its code built, where it has some.
  private static func built(
    _ scenario: Scenario, file: String, _ invocation: Invocation, _ section: Setting.Section, _ harness: Harness
  ) -> ResolvedScenario {
    do throws(EngineError) {
      return .ready(try harness.built(scenario, for: section == .explore ? .exploring : .racing), file: file)
    } catch {
      StandardError.print("\(error)")
      return .invalid(
        scenario, file: file, reasons: [error.description],
        command: invocation.text(scenario, file: file, section == .explore ? .explore(.sc) : .stress))
    }
  }
}

/// Runs the scenarios of an invocation, each in the engines that are asked for, and reports.
struct ScenarioRuns {
  let invocation: Invocation
  let section: Setting.Section
  let options: ReportOptions
  let inProcess: Bool
  /// Explorations at a time. Races have the machine to themselves.
  let jobs: Int
  /// Of the verdicts; nil is all.
  let shard: Shard?
  /// Of a scenario.
  let engines: (Scenario) -> [EngineKind]

  /// How the exploration of what is named can be divided.
  func frontier(_ paths: [String], _ parts: Int) throws -> Frontier {
    let scenarios = try ResolvedScenario.all(paths, invocation, section, AddonRaceCommand.harness)
    let work = scenarios.flatMap { resolved -> [(scenario: Scenario, file: String, model: MemoryModel)] in
      guard case .ready(let scenario, let file) = resolved else { return [] }
      return engines(scenario).compactMap(\.model).map { (scenario, file, $0) }
    }
    return try Frontier(work, arguments: Array(CommandLine.arguments.dropFirst(2)), parts: parts)
  }

  /// Answers all verdicts, and the exit status. `part`: one shard of what a frontier says. `judged`: what is there already,
  /// and is reported with them.
  func run(
    _ paths: [String], _ part: (frontier: Frontier, shard: Shard)? = nil, after judged: [LitmusRuns.Judged] = []
  ) throws -> (verdicts: [Verdict], status: ExitStatus) {
    let baseline = try options.baseline.map { try Baseline(path: $0) }
    var reports = try ReportSet(options, baseline: baseline)
    cthreads_catch_interrupts(1)
    var verdicts: [Verdict] = []
    let scenarios: [ResolvedScenario]
    do {
      scenarios = try ResolvedScenario.all(paths, invocation, section, AddonRaceCommand.harness)
    } catch {
      reports.discard()
      throw error
    }
    reports.expect(scenarios.count + judged.count, options)
    var work = scenarios.enumerated().flatMap { place, resolved in runs(of: resolved, place) }
    let keys = work.map(\.key)
    if let shard { work = work.filter { shard.has($0.key) } }
    if let (frontier, shard) = part {
      guard work.count == 1, keys[0].description == frontier.key else {
        reports.discard()
        throw Frontier.invalid(
          "\(frontier.scenario) is not what it was when the frontier was written",
          "write it anew, and explore all parts anew")
      }
      work[0].part = frontier.part(shard)
    }
    let journal: Journal?
    do {
      journal = try Journal(options.journal, part?.shard ?? shard, judged.map(\.key) + keys)
    } catch {
      reports.discard()
      throw error
    }
    let names = Dictionary(grouping: scenarios, by: \.name).mapValues(\.count)
    for (verdict, key) in judged {
      journal?.add(verdict, key, EncodedScenario(verdict.scenario))
      verdicts.append(verdict)
      try reports.show([verdict])
    }
    let done = perform(work, journal)
    var index = 0
    for place in scenarios.indices {
      var ofScenario: [Verdict] = []
      while index < work.count, work[index].place == place {
        if let verdict = done(index) {
          ofScenario.append(names[verdict.scenario.name] == 1 ? verdict : verdict.namedByFile())
        }
        index += 1
      }
      ofScenario = ofScenario.map { verdict in
        let noted = Optimiser(verdicts).note(on: verdict).map { verdict.with(note: $0) } ?? verdict
        return baseline?.knows(noted) == true ? noted.with(note: "what was found is known from the baseline") : noted
      }
      verdicts += ofScenario
      if !ofScenario.isEmpty { try reports.show(ofScenario) }
      if cthreads_interrupted() != 0, ofScenario.isEmpty { break }
    }
    try reports.end(verdicts)
    try journal?.close()
    let status = verdicts.map(options.status(baseline)).max() ?? .asExpected
    return (verdicts, cthreads_interrupted() == 0 ? status : .interrupted)
  }

  /// One scenario in one engine.
  private struct Run: Sendable {
    /// Of the scenario among all.
    let place: Int
    let resolved: ResolvedScenario
    let encoded: EncodedScenario
    let engine: EngineKind
    let key: JournalKey
    /// Of the exploration; nil is all of it.
    var part: ExplorationPart?

    init(_ resolved: ResolvedScenario, _ encoded: EncodedScenario, _ engine: EngineKind, place: Int) {
      self.resolved = resolved
      self.encoded = encoded
      self.engine = engine
      self.place = place
      key = JournalKey(encoded, engine, file: resolved.file)
    }
  }

  private func runs(of resolved: ResolvedScenario, _ place: Int) -> [Run] {
    let encoded = EncodedScenario(resolved.scenario)
    let engines: [EngineKind] =
      switch resolved {
      case .invalid: [section == .explore ? .explore(.sc) : .stress]
      case .ready(let scenario, _): engines(scenario)
      }
    return engines.map { Run(resolved, encoded, $0, place: place) }
  }

  /// Begins the work, and answers what waits for the verdict on a run; there is none on what was not begun before an
  /// interrupt.
  private func perform(_ work: [Run], _ journal: Journal?) -> (Int) -> Verdict? {
    let progress = ProgressLine(work.count)
    guard section == .explore, !inProcess else {
      let worker = worker(progress, nil, journal)
      return { cthreads_interrupted() == 0 ? worker(work[$0]) : nil }
    }
    let pool = WorkerPool(jobs, taken: min(jobs, work.count))
    let maker = Sendably { [self] in worker(progress, pool, journal) }
    // Whoever has nothing to begin leaves a slot to those who still explore.
    let done = SideBySide<Verdict>(
      work.count, jobs: jobs, willIdle: { pool?.release() },
      worker: {
        let worker = maker.value()
        return { worker(work[$0]) }
      })
    return { done.take($0) }
  }

  /// What runs one after the other, in this process or in children.
  private func worker(_ progress: ProgressLine, _ pool: WorkerPool?, _ journal: Journal?) -> (Run) -> Verdict {
    let perform = inProcess ? inThisProcess(progress) : inChildren(progress, pool)
    return { run in
      switch run.resolved {
      case .invalid(let scenario, let file, let reasons, let command):
        let verdict = Verdict(invalid: scenario, run.engine, reasons: reasons, file: file, command: command)
        journal?.add(verdict, run.key, run.encoded)
        return verdict
      case .ready(let scenario, let file):
        defer { progress.finish() }
        if let known = journal?.verdict(run.key, AddonRaceCommand.harness) { return known }
        var scenario = scenario
        scenario.explore.part = run.part
        var verdict = perform(scenario, run.engine, file)
        verdict = verdict.with(command: invocation.text(scenario, file: file, run.engine, verdict.figures))
        journal?.add(verdict, run.key, run.encoded)
        return verdict
      }
    }
  }

  private func inThisProcess(_ progress: ProgressLine) -> (Scenario, EngineKind, String) -> Verdict {
    var harness = AddonRaceCommand.harness
    harness.explains = options.explain
    return { scenario, engine, file in
      let warning = SizeWarning(scenario, progress)
      harness.progress = { progress.show(scenario.name, $0) }
      harness.exploreProgress = { warning.show($0) }
      return engine.model.map { harness.explore(scenario, $0, file: file) } ?? harness.run(scenario, file: file)
    }
  }

  private func inChildren(_ progress: ProgressLine, _ pool: WorkerPool?) -> (Scenario, EngineKind, String) -> Verdict {
    let children = Children(AddonRaceCommand.harness, pool: pool)
    children.explains = options.explain
    return { scenario, engine, file in
      let warning = SizeWarning(scenario, progress)
      children.progress = { progress.show(scenario.name, $0) }
      children.exploreProgress = { warning.show($0) }
      return children.run(scenario, engine, file: file, command: "")
    }
  }
}

/// Passed to other threads, which do not use it at the same time.
struct Sendably<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// What a compiler's optimiser changes about the same code.
private struct Optimiser {
  private let before: [Verdict]

  /// - Parameter before: verdicts that are there already.
  init(_ before: [Verdict]) { self.before = before }

  /// What there is to say of a verdict that is another one with less optimisation, or with more.
  func note(on verdict: Verdict) -> String? {
    guard let level = verdict.scenario.code?.optimisation else { return nil }
    let others = before.filter { other in
      other.engine == verdict.engine && other.file == verdict.file && other.scenario.code?.optimisation != level
        && other.scenario.code != nil
    }
    guard let other = others.first(where: { $0.outcome != verdict.outcome }),
      let otherLevel = other.scenario.code?.optimisation
    else { return nil }
    return
      "with -O\(otherLevel) it \(other.outcome == .pass ? "passes" : "is: \(other.outcome.rawValue)"), and not with -O\(level): "
      + "undefined behaviour, a dependency that the compiler may break, or accesses that it leaves out"
  }
}

/// Says once that an exploration will not be whole.
private final class SizeWarning {
  private let scenario: Scenario
  private let progress: ProgressLine
  private var hasWarned = false

  init(_ scenario: Scenario, _ progress: ProgressLine) {
    self.scenario = scenario
    self.progress = progress
  }

  func show(_ state: ExploreProgress) {
    progress.show(scenario.name, state)
    guard !hasWarned, let estimate = state.estimate, estimate > Double(scenario.explore.executions) else { return }
    hasWarned = true
    progress.print(
      "note: \(scenario.name) has about \(Coverage.scientific(estimate)) executions or more under "
        + "\(state.model.rawValue), above the budget of \(Number.grouped(scenario.explore.executions)): it cannot be "
        + "explored whole; name fewer racers or inodes, or raise --executions and --time")
  }
}
