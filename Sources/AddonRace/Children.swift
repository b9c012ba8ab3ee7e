import CThreads
import ExploreEngine
import Foundation
import RaceModel
import StressEngine

/// Runs each scenario in a child process, so that a crash or a hang of one is a verdict and the rest go on. A race has a
/// process of its own, a copy of one that waits for the next race; explorations of sites have one after the other, as long
/// as it lives.
///
/// The child streams the record of its run; the verdict is concluded here. Used by one thread at a time: it is the parent
/// whose end ends the child.
public final class Children {
  /// The hidden subcommand that the child is started with.
  public static let subcommand = "child"

  private let harness: Harness
  /// Called every so often with how far the child is.
  public var progress: (RunProgress) -> Void = { _ in }
  public var exploreProgress: (ExploreProgress) -> Void = { _ in }
  /// What is measured, how much of it is done, and in which process.
  public var benchProgress: (_ what: String, _ share: Double) -> Void = { _, _ in }
  public var explains = false
  private let pool: WorkerPool?
  /// For the next job that leaves nothing behind.
  private var kept: ChildRunner?
  /// For the next job that is done in a copy.
  private var copied: ChildRunner?

  /// The child makes the same harness of its own: it is this program again. With a pool, it gives parts of large explorations
  /// to copies of itself.
  public init(_ harness: Harness, pool: WorkerPool? = nil) {
    self.harness = harness
    self.pool = pool
  }

  /// Races a scenario, or explores it under a memory model. What is not as expected is explained by another child.
  public func run(_ scenario: Scenario, _ engine: EngineKind, file: String?, command: String) -> Verdict {
    var record = RunRecord(engine)
    add(Job(.run(engine, explains: explains), scenario), engine, to: &record)
    let verdict = harness.verdict(record, of: scenario, file: file, command: command)
    guard verdict.needsExplanation(explains), cthreads_interrupted() == 0 else { return verdict }
    // What goes wrong while it explains is no verdict on the scenario.
    var explanation = RunRecord(engine)
    add(Job(.explain(record), scenario), engine, to: &explanation)
    if let counterexample = explanation.counterexample, let model = explanation.counterexampleModel {
      record.add(.counterexample(counterexample, model))
    }
    switch explanation.end {
    case .died(let how), .killed(let how):
      record.add(.note("no explanation: the process that explores the finding ended: \(how)"))
    default: for note in explanation.notes { record.add(.note(note)) }
    }
    return harness.verdict(record, of: scenario, file: file, command: command)
  }

  /// What a child has to say.
  private func add(_ job: Job, _ engine: EngineKind, to record: inout RunRecord) {
    do {
      let runner = try runner(for: job)
      let run = RunInChild(job, engine, in: runner, progress: progress, exploreProgress: exploreProgress)
      for event in try run.events() { record.add(event) }
    } catch {
      record.add(.ended(.died("no child process could be started: \(error.localizedDescription)")))
    }
  }

  private func runner(for job: Job) throws -> ChildRunner {
    switch job.place {
    case .kept: try Self.alive(&kept, pool)
    case .copy: try Self.alive(&copied, pool)
    case .own: try ChildRunner(pool)
    }
  }

  private static func alive(_ runner: inout ChildRunner?, _ pool: WorkerPool?) throws -> ChildRunner {
    if let runner, runner.child.isAlive { return runner }
    let new = try ChildRunner(pool)
    runner = new
    return new
  }

  // MARK: The child's side

  /// Does the jobs that it is given, and writes to standard output what there is to say. Answers the exit status.
  public func serve(page path: String, parent: Int32) -> Int32 {
    guard cthreads_die_with_parent(parent) != 0, let page = SharedPage.open(path) else { return 70 }
    cthreads_catch_interrupts(0)
    _ = cthreads_join_parents_group()
    var jobs = JobQueue(page)
    while let job = jobs.next() {
      if job.place == .copy {
        page[.statusOfCopy] = performInCopy(job, page)
        jobs.finish()
        continue
      }
      let leavesRacers = perform(job, page)
      jobs.finish()
      if job.place == .kept { continue }
      // Racers that are stuck in a visit would keep the process alive.
      if leavesRacers { _exit(0) }
      return 0
    }
    return 70
  }

  /// Answers what wait(2) says of the copy. This process has but one thread, so a copy is whole.
  private func performInCopy(_ job: Job, _ page: SharedPage) -> UInt64 {
    let copy = cthreads_fork()
    if copy == 0 {
      _ = perform(job, page)
      _exit(0)
    }
    return UInt64(copy < 0 ? Self.noCopy : cthreads_await_copy(copy))
  }
  /// Exit status 71, as wait(2) says it.
  private static let noCopy: Int32 = 71 << 8

  /// Answers whether racers are left in a visit.
  private func perform(_ job: Job, _ page: SharedPage) -> Bool {
    var leavesRacers = false
    let tell: (RunEvent) -> Void = { event in
      if case .ended(.engine(.timedOut)) = event { leavesRacers = true }
      FileHandle.standardOutput.writeLine(event)
    }
    let scenario = job.scenario
    switch job.task {
    case .run(let engine, let explains):
      page[.phase] = (engine == .stress ? SharedPage.Phase.racing : .exploring).rawValue
      page[.seed] = scenario.stress.seed
      reporting(to: page, explains).run(scenario, engine, tell)
    case .explain(let record):
      page[.phase] = SharedPage.Phase.exploring.rawValue
      reporting(to: page, true).explain(harness.verdict(record, of: scenario, file: nil, command: ""), tell)
      tell(.ended(.engine(.exhausted)))
    case .measure(let axis):
      FileHandle.standardOutput.writeLine(Measured(harness.registry, scenario, axis, page))
    }
    page[.phase] = SharedPage.Phase.reporting.rawValue
    return leavesRacers
  }

  private func reporting(to page: SharedPage, _ explains: Bool) -> Harness {
    var harness = harness
    harness.explains = explains
    // ThreadSanitizer does not follow a process into its copy.
    if BuildKind.current != .threadSanitizer { harness.slots = pool?.slots }
    harness.progress = { progress in
      page[.rounds] = UInt64(progress.round)
      page[.populations] = UInt64(progress.populations)
      page[.collisions] = UInt64(progress.collisions)
    }
    harness.explorationCounter = page.address(of: .executions)
    harness.exploreProgress = { progress in
      page[.estimate] = UInt64(min(progress.estimate ?? 0, 1e18))
    }
    return harness
  }
}

extension FileHandle {
  /// One value as JSON, on a line of its own.
  fileprivate func writeLine(_ value: some Encodable) {
    guard var data = try? JSONEncoder().encode(value) else { return }
    data.append(UInt8(ascii: "\n"))
    write(data)
  }
}
