import AddonMemory
import Addons
import CThreads
import ExploreCore
import Foundation
import Machine
import RaceModel

/// Explores a scenario: every execution that one memory model allows, of the same code that the stress engine races.
public final class Explore {
  /// Of so many executions that look ordinary, about one is judged in full all the same.
  public static let sampling = 1024

  public let model: MemoryModel
  private let subject: any ExplorableSubject
  /// Called now and then, with how far the exploration is.
  public var progress: (ExploreProgress) -> Void = { _ in }
  /// Where executions are counted as they end, for whoever is left to say how far it came when one ends the process.
  public var counter: UnsafeMutablePointer<UInt64>?
  /// Judge every execution in full: what a checker needs that does not say what makes an execution ordinary.
  public var judgesAll = false
  /// Where there are free ones, parts of the exploration are given to copies of this process, which must have one thread.
  public var slots: WorkerSlots?
  private var current: ProgramExploration?

  package init(_ model: MemoryModel, _ subject: any ExplorableSubject) {
    self.model = model
    self.subject = subject
  }

  public convenience init(_ model: MemoryModel, _ facts: SubjectFacts, _ code: ExploredCode) {
    self.init(model, ExploredSite(facts, code))
  }

  /// Calls `judge` with the evidence of executions, one at a time.
  public func run(
    _ scenario: Scenario, judge: @escaping (Evidence) -> Judgement
  ) throws(EngineError) -> EngineRun {
    try run(scenario, judging: ClosureJudge(judge))
  }

  /// Shows `judge` the evidence of executions, one at a time.
  public func run(_ scenario: Scenario, judging judge: any ExecutionJudge) throws(EngineError) -> EngineRun {
    var room: Int?
    while true {
      let exploration = try makeExploration(of: scenario, room: room)
      current = exploration
      let run = exploration.run(self, judge)
      if let refusal = exploration.refusal { throw refusal }
      guard let wanted = exploration.wanted else { return run }
      // A later execution has more threads than the first one had.
      room = wanted
    }
  }

  /// The execution that is being judged, as a token that leads there again. Valid while `judge` is called.
  public func currentToken() -> ReplayToken? { current?.token() }
  /// The events of the execution that is being judged.
  public var currentLength: Int { current?.length ?? 0 }
  /// What was not looked into.
  public var notes: [String] { current?.notes ?? [] }

  /// About how many executions there are, or a low guess at it where they are very many, from random ways through the
  /// search within so many seconds.
  public func estimate(_ scenario: Scenario, seconds: Double) throws(EngineError) -> Double {
    try makeExploration(of: scenario).estimate(seconds: seconds)
  }

  /// A level of the search at which there are subtrees enough to be divided into so many parts, or the most that was found
  /// within some seconds; and how many there are.
  public func frontier(
    _ scenario: Scenario, parts: Int
  ) throws(EngineError) -> (level: Int, subtrees: Int) {
    var best = (level: 1, subtrees: 0)
    let started = MonotonicClock.now()
    for level in 1...Self.deepestFrontier {
      let whole = try makeExploration(of: scenario)
      whole.exploration.isEnough = { MonotonicClock.now() - started > Self.frontierSeconds }
      let subtrees = whole.exploration.subtrees(at: level)
      if subtrees <= best.subtrees, level > 2 { break }
      if subtrees > best.subtrees { best = (level, subtrees) }
      if subtrees >= parts * Self.subtreesOfPart || MonotonicClock.now() - started > Self.frontierSeconds { break }
    }
    return best
  }

  private static let deepestFrontier = 24
  /// So many that parts take about as long as each other, though subtrees do not.
  private static let subtreesOfPart = 16
  private static let frontierSeconds = 20.0

  /// Runs the execution of a token again, step by step. Nil where the program does not follow it.
  public func replay(
    _ token: ReplayToken, of scenario: Scenario, wantsSources: Bool, judge: (Evidence) -> Void
  ) throws(EngineError) -> Counterexample? {
    try makeExploration(of: token, scenario).replay(token, wantsSources, judge)
  }

  /// The dependencies that keep the execution of a token from being one: it was found without those that a compiler may
  /// break (``ExploreOptions/breaksDependencies``). Each with the first load that it is on.
  public func decisiveDependencies(
    _ token: ReplayToken, of scenario: Scenario, checker: String
  ) throws(EngineError) -> [FragileDependency] {
    try makeExploration(of: token, scenario).decisiveDependencies(token, checker)
  }

  /// With the room that the token's exploration had: addresses go by it.
  private func makeExploration(of token: ReplayToken, _ scenario: Scenario) throws(EngineError) -> ProgramExploration {
    try makeExploration(
      of: token.scenario(scenario), room: scenario.code == nil ? nil : token.decisions.count)
  }

  /// With room for all the racers that there are: a program that starts them itself shows in its first execution how many
  /// it wants.
  private func makeExploration(
    of scenario: Scenario, room known: Int? = nil
  ) throws(EngineError) -> ProgramExploration {
    var room = known ?? Self.firstRoom
    while true {
      let program = try subject.program(of: scenario, under: model, room: room)
      guard let exploration = ProgramExploration(program, scenario, model) else {
        let limit = AddressSpaceLimit.bytes.map { " in the \($0 >> 20) MB of address space that there are (ulimit -v)" }
        throw EngineError(
          "the scenario's memory is too large to be explored\(limit ?? ""); name fewer racers or inodes"
            + (limit == nil ? "" : ", or raise the limit"))
      }
      // Too much room is only left where a later execution was seen to need it.
      guard let wanted = exploration.wantedRacers(), wanted > room || known == nil && room == Self.firstRoom else {
        return exploration
      }
      guard ExploreLimits.racers.contains(wanted) else {
        throw EngineError(
          "the program has more than \(ExploreLimits.racers.upperBound) threads, which is too many to explore")
      }
      room = wanted
    }
  }

  private static let firstRoom = 8
}

/// Judges alone, without parts.
private final class ClosureJudge: ExecutionJudge {
  var judgements = Judgements()
  let findingsKept = 0
  private let judge: (Evidence) -> Judgement
  init(_ judge: @escaping (Evidence) -> Judgement) { self.judge = judge }
  func judge(_ evidence: Evidence, _ engine: Explore) -> Judgement { judge(evidence) }
  func isEnough(_ judgements: Judgements) -> Bool { false }
}

/// How far an exploration is.
public struct ExploreProgress: Sendable {
  public var model: MemoryModel
  public var executions: Int
  /// About how many there are in all.
  public var estimate: Double?

  public init(model: MemoryModel, executions: Int, estimate: Double?) {
    self.model = model
    self.executions = executions
    self.estimate = estimate
  }
}

/// One scenario under one memory model.
final class ProgramExploration {
  let program: JudgedProgram
  let scenario: Scenario
  let exploration: Exploration
  private let symmetryRefusal: String?
  var execution: Execution { exploration.execution }

  init?(_ program: JudgedProgram, _ scenario: Scenario, _ model: MemoryModel) {
    self.program = program
    self.scenario = scenario
    symmetryRefusal = Self.whyNotSymmetric(scenario)
    guard
      let exploration = Exploration(
        program, model: model, usesSymmetry: scenario.explore.symmetry && symmetryRefusal == nil,
        mostFailures: scenario.exploredFailures, mostSpuriousFailures: scenario.exploredSpuriousFailures)
    else { return nil }
    self.exploration = exploration
    exploration.part = scenario.explore.part.map { part in
      SearchPart(level: part.level, parts: part.parts) { part.owns($0) }
    }
    exploration.execution.state.pointee.failingRacer = scenario.faults.allocationFailure?.racer
  }

  /// Racers of one role run the same code, unless something names one of them.
  private static func whyNotSymmetric(_ scenario: Scenario) -> String? {
    if let racer = scenario.faults.allocationFailure?.racer { return "the fault names racer \(racer)" }
    return nil
  }

  var refusal: EngineError?
  /// More racers than there is room for: the exploration has to begin again.
  var wanted: Int?
  /// Of the program's copies that visited parts.
  private var notesOfParts: [String] = []

  var notes: [String] { program.notes + notesOfParts.filter { !program.notes.contains($0) } }

  /// Runs the first execution. Answers how many racers it wants, where that is not the number that there is room for.
  func wantedRacers() -> Int? {
    guard program.startsRacers else { return nil }
    repeat {
      execution.state.pointee.needsRestart = false
      exploration.restart()
      exploration.runOnce()
    } while execution.state.pointee.needsRestart
    exploration.restart()
    return program.wantedRacers
  }

  var length: Int { execution.graph.pointee.count }
  func token() -> ReplayToken {
    ReplayToken(scenario, execution.state.pointee.rules.pointee.model, exploration.guide())
  }

  func run(_ engine: Explore, _ judge: any ExecutionJudge) -> EngineRun {
    let options = scenario.explore
    let started = MonotonicClock.now()
    var figures = ExplorationFigures()
    figures.usedSymmetry = execution.state.pointee.rules.pointee.usesSymmetry
    figures.symmetryRefusal = options.symmetry ? symmetryRefusal : nil
    if estimate(seconds: 0, rounds: 2) > Double(options.executions) / 4 {
      figures.estimate = estimate(seconds: 0.1)
      engine.progress(ExploreProgress(model: engine.model, executions: 0, estimate: figures.estimate))
    }

    let slots = options.repetitions == 1 ? engine.slots : nil
    let visit = ExplorationVisit(self, engine, judge, estimate: figures.estimate, since: started)
    // What cannot be visited in parts is visited as a whole.
    var record = visit.whole(slots) ?? visit.whole(nil) ?? PartRecord()
    var repetitions = 1
    while repetitions < options.repetitions, record.end == .exhausted, refusal == nil {
      record = visit.whole(nil) ?? record
      repetitions += 1
    }
    notesOfParts = record.notes
    judge.judgements = record.reached.judgements
    let counts = record.reached.counts
    figures.isExhaustive = record.isExhaustive
    figures.bufferedLoads = record.bufferedLoads
    figures.leavesOutByDependencies = record.leavesOutByDependencies
    figures.leavesOutLoadBuffering =
      engine.model == .c11 || engine.model == .kernel && !(record.isExhaustive && record.bufferedLoads.isEmpty)
    figures.executions = counts.executions
    figures.judged = record.reached.judged
    figures.blockedRuns = counts.blockedRuns
    figures.prunedGraphs = counts.prunedGraphs
    figures.peakBytes = counts.peakBytes
    figures.longest = counts.longest
    figures.part = options.part
    figures.part?.restarts = counts.restarts
    if case .budget = record.end {
      figures.estimate = max(Double(counts.executions), figures.estimate ?? estimate(seconds: 0.2))
      sample(&figures, engine, judge)
    }
    figures.seconds = (MonotonicClock.now() - started) / Double(repetitions)
    return EngineRun(end: record.end, figures: Figures(), exploration: figures)
  }

  /// Random executions, once the budget is spent.
  private func sample(_ figures: inout ExplorationFigures, _ engine: Explore, _ judge: any ExecutionJudge) {
    var generator = SplitMix(seed: scenario.explore.seed)
    var isStopped = false
    let started = MonotonicClock.now()
    while figures.samples < scenario.explore.samples, !isStopped, cthreads_interrupted() == 0,
      MonotonicClock.now() - started < scenario.explore.time
    {
      _ = exploration.sample(&generator, growth: 0) {
        figures.samples += 1
        let evidence = program.conclude(
          inFull: engine.judgesAll, number: figures.executions + figures.samples - 1)
        refusal = program.refusal
        isStopped = refusal != nil || evidence.map { judge.judge($0, engine) } == .stop
        return isStopped ? .stop : .goOn
      }
    }
  }

  func estimate(seconds: Double) -> Double { estimate(seconds: seconds, rounds: 16) }

  /// Rounds of samples, each of which guesses from those before how much the search grows with each event; the last one
  /// takes the time that is left. Few samples of something so uneven are low far more often than high, so the largest
  /// mean is taken.
  private func estimate(seconds: Double, rounds: Int) -> Double {
    var generator = SplitMix(seed: scenario.explore.seed)
    let started = MonotonicClock.now()
    var growth = 0.0
    var largest = 1.0
    for round in 1...rounds {
      var (sum, count) = (0.0, 0)
      while count < 8 || round == rounds && MonotonicClock.now() - started < seconds && count < 10_000 {
        sum += exploration.sample(&generator, growth: growth) { .goOn }
        count += 1
      }
      largest = max(largest, sum / Double(count))
      // Beyond what a number can say, "very many" is enough.
      largest = min(largest, 1e300)
      growth = log(largest) / Double(max(1, exploration.counts.longest))
    }
    return largest
  }

  /// The loads that may be buffered, each with its lines.
  func bufferedLoads(_ loadBuffering: LoadBuffering) -> [BufferedLoad] {
    var loads: [BufferedLoad] = []
    for (pair, guides) in loadBuffering.possible.sorted(by: { $0.key < $1.key }) {
      let kept =
        guides.first(where: exploration.keepsPromise) ?? (loadBuffering.incomplete.contains(pair) ? guides[0] : nil)
      guard let kept, let trace = exploration.trace(of: kept.withoutPromise, wantsSources: program.startsRacers) else {
        continue
      }
      let graph = execution.graph.pointee
      let reading = TraceReading(program, execution, trace)
      guard let load = graph.event(Int(pair.reader), pair.read).flatMap(reading.step(of:)),
        let store = graph.event(Int(pair.writer), pair.write).flatMap(reading.step(of:))
      else { continue }
      let found = BufferedLoad(load: load, store: store)
      if !loads.contains(where: { $0.isLike(found) }) { loads.append(found) }
    }
    return loads
  }

  func decisiveDependencies(_ token: ReplayToken, _ checker: String) -> [FragileDependency] {
    guard let trace = exploration.trace(of: token.guide, wantsSources: true) else { return [] }
    let graph = execution.graph.pointee
    let reading = TraceReading(program, execution, trace)
    return graph.decisiveWrites.compactMap { write in
      let dependencies = graph.events[write].dependencies
      let kind: FragileDependency.Kind = dependencies.data != 0 ? .data : .control
      let reads = kind == .data ? dependencies.data : dependencies.control
      guard let store = reading.step(of: Int32(write)),
        let load = graph.event(Int(graph.events[write].racer), Int32(reads.trailingZeroBitCount)).flatMap(
          reading.step(of:))
      else { return nil }
      return FragileDependency(store: store, load: load, kind: kind, checker: checker)
    }
  }

  func replay(_ token: ReplayToken, _ wantsSources: Bool, _ judge: (Evidence) -> Void) -> Counterexample? {
    guard let trace = exploration.trace(of: token.guide, wantsSources: wantsSources) else { return nil }
    let steps = TraceReading(program, execution, trace).steps
    if let evidence = program.conclude(inFull: true, number: 0) { judge(evidence) }
    return Counterexample(roles: program.roleNames, steps: steps, findings: [], token: token.text)
  }
}
