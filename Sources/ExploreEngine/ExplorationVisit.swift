import CAtomics
import CThreads
import ExploreCore
import Foundation
import Machine
import RaceModel

/// The way of one process through an exploration, or through its part of one: judges what it visits, keeps to the budgets,
/// and gives parts away.
final class ExplorationVisit {
  private let whole: ProgramExploration
  private let engine: Explore
  private let judge: any ExecutionJudge
  private let estimate: Double?
  private let started: Double
  private var loans: Loans?
  private var record = PartRecord()
  /// What was said before this part by those who gave it away; nil of the whole.
  private var before: Judgements?
  /// Under the kernel's model.
  private var loadBuffering: LoadBuffering?
  private var exploration: Exploration { whole.exploration }
  private var program: JudgedProgram { whole.program }
  private var options: ExploreOptions { whole.scenario.explore }

  init(
    _ whole: ProgramExploration, _ engine: Explore, _ judge: any ExecutionJudge, estimate: Double?,
    since started: Double
  ) {
    self.whole = whole
    self.engine = engine
    self.judge = judge
    self.estimate = estimate
    self.started = started
  }

  /// Visits everything. Nil where a part of it was lost.
  func whole(_ slots: WorkerSlots?) -> PartRecord? {
    record = PartRecord()
    loadBuffering = engine.model == .kernel ? LoadBuffering(exploration.execution) : nil
    judge.judgements = Judgements()
    exploration.clearCounts()
    engine.counter?.pointee = 0
    loans = slots.map { slots in Loans(slots) { [unowned self] in part($0) } }
    defer { loans = nil }
    let record = conclude {
      let isExhaustive = exploration.visitAll(visit)
      if let divergence = whole.execution.state.pointee.divergence, program.mayDiffer {
        whole.refusal = program.refusal(of: divergence)
      }
      return isExhaustive
    }
    return record.map(withBufferedLoads)
  }

  /// What a copy of the process does: visits a part. Nil where that shows something that concerns the whole.
  private func part(_ part: Exploration.Part) -> PartRecord? {
    before = said(judge.judgements)
    judge.judgements = Judgements()
    record = PartRecord()
    loadBuffering?.forget()
    let record = conclude { exploration.visit(part, visit) }
    let concernsTheWhole =
      whole.refusal != nil || whole.wanted != nil || whole.execution.state.pointee.divergence != nil
    if record == nil || concernsTheWhole {
      loans?.abandon(exploration)
      return nil
    }
    return record.map(withBufferedLoads)
  }

  /// With what was seen here; the search is over.
  private func withBufferedLoads(_ record: PartRecord) -> PartRecord {
    guard let loadBuffering, whole.refusal == nil, whole.wanted == nil else { return record }
    var record = record
    record.note(whole.bufferedLoads(loadBuffering))
    return record
  }

  /// Visits what is to be visited here, and adds what was given away.
  private func conclude(_ visitAll: () -> Bool) -> PartRecord? {
    exploration.isEnough = { [unowned self] in look() }
    exploration.willRestart = { [unowned self] in restart() }
    defer {
      exploration.isEnough = { false }
      exploration.willRestart = {}
    }
    record.isExhaustive = visitAll()
    record.reached.counts = exploration.counts
    record.reached.judgements = judge.judgements
    record.notes = program.notes + exploration.reservations
    record.leavesOutByDependencies = exploration.leavesOutByDependencies
    guard let loans else { return record }
    guard record.end != .stopped, whole.refusal == nil, whole.wanted == nil else {
      loans.abandon(exploration)
      return record
    }
    while let returned = loans.next(exploration) {
      guard case .record(let later) = returned else {
        loans.abandon(exploration)
        return nil
      }
      record.add(later, for: judge) { judge.isEnough(said($0)) }
      if record.end == .stopped {
        loans.abandon(exploration)
        break
      }
    }
    return record
  }

  /// With what was said before.
  private func said(_ judgements: Judgements) -> Judgements {
    guard var all = before else { return judgements }
    all.add(judgements, after: 0, keeping: judge.findingsKept)
    return all
  }

  private func visit() -> Exploration.Step {
    let counts = exploration.counts
    let visited = count()
    // By what the execution is, not by its number: the same ones, however many processes there are.
    let isFirst = before == nil && counts.executions == 1
    let isSample = isFirst || whole.execution.graph.pointee.mix % UInt64(Explore.sampling) == 0
    let evidence = program.conclude(inFull: isSample || engine.judgesAll, number: counts.executions - 1)
    if whole.execution.state.pointee.end == .complete {
      loadBuffering?.look(at: whole.execution.graph.pointee)
    }
    if let refusal = program.refusal {
      whole.refusal = refusal
      return .stop
    }
    if let wanted = program.wantedRacers, wanted > program.racerCount {
      whole.wanted = wanted
      return .stop
    }
    if let evidence, judges(evidence) == .stop {
      record.end = .stopped
      return .stop
    }
    if visited < options.executions { return .goOn }
    record.end = .budget("\(options.executions) executions")
    return .stop
  }

  /// Counts an execution. Answers how many there are, in all processes.
  private func count() -> Int {
    guard let counter = engine.counter else { return exploration.counts.executions }
    return Int(catomics_fetch_add_relaxed_64(counter, 1)) + 1
  }

  private func judges(_ evidence: Evidence) -> Judgement {
    record.reached.judged += 1
    let reporters = judge.judgements.counts.count
    let judgement = judge.judge(evidence, engine)
    guard before != nil, judge.judgements.counts.count > reporters else { return judgement }
    record.milestones.append(
      PartRecord.Milestone(
        counts: exploration.counts, judged: record.reached.judged, judgements: judge.judgements))
    return judge.isEnough(said(judge.judgements)) ? .stop : judgement
  }

  /// Now and then: whether to stop here, and whether there is something to give away.
  private func look() -> Bool {
    let counts = exploration.counts
    let seconds = MonotonicClock.now() - started
    engine.progress(ExploreProgress(model: engine.model, executions: counts.executions, estimate: estimate))
    if cthreads_interrupted() != 0 {
      record.end = .interrupted
    } else if seconds > options.time {
      record.end = .budget("\(options.time) seconds")
    } else if counts.peakBytes > options.memory << 20 / sharers {
      record.end = .budget("\(options.memory) MB")
    } else {
      if seconds > Self.secondsAlone { loans?.look(exploration) }
      return false
    }
    return true
  }

  /// Processes among which the memory is divided.
  private var sharers: Int { before == nil && loans?.isEmpty != false ? 1 : engine.slots?.count ?? 1 }

  /// Seconds for which nothing is given away: most explorations are done by then.
  private static let secondsAlone = 0.03

  /// The search begins again.
  private func restart() {
    loans?.abandon(exploration)
    // A part cannot: it is the whole that has to.
    if before != nil { _exit(Loans.unvisitable) }
    record.reached.judged = 0
    loadBuffering?.forget()
    engine.counter?.pointee = 0
  }
}
