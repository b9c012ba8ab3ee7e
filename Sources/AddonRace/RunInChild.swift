import CThreads
import ExploreEngine
import Foundation
import Machine
import RaceModel
import StressEngine

/// One run in a child, from its start to the last that it says.
struct RunInChild {
  private let job: Job
  private let engine: EngineKind
  private let runner: ChildRunner
  private var child: ChildProcess { runner.child }
  private var page: SharedPage { child.page }
  private let progress: (RunProgress) -> Void
  private let exploreProgress: (ExploreProgress) -> Void

  init(
    _ job: Job, _ engine: EngineKind, in runner: ChildRunner,
    progress: @escaping (RunProgress) -> Void, exploreProgress: @escaping (ExploreProgress) -> Void
  ) {
    self.job = job
    self.engine = engine
    self.runner = runner
    self.progress = progress
    self.exploreProgress = exploreProgress
  }

  /// All that it said, and what is to be said of it.
  func events() throws -> [RunEvent] {
    let start = MonotonicClock.now()
    let end = try child.perform(job) {
      showProgress()
      return MonotonicClock.now() - start <= limit
    }
    var events = child.answers(RunEvent.self)
    let hasEnded = events.contains { if case .ended = $0 { true } else { false } }
    if !hasEnded { events += cthreads_interrupted() != 0 ? [.ended(.engine(.interrupted))] : death(end) }
    let races = runner.dataRaces()
    // Racers that were given up leave their visits without what they waited for.
    let wasGivenUp = events.contains { if case .ended(.engine(.timedOut)) = $0 { true } else { false } }
    return wasGivenUp ? events : events + races
  }

  /// Seconds that a child may take beyond its time and its own watchdog.
  private static let grace = 60.0

  /// Seconds that it may take.
  private var limit: Double {
    let (stress, explore) = (job.scenario.stress, job.scenario.explore)
    return Self.grace + (engine == .stress ? stress.time + stress.watchdog : explore.time * 2)
  }

  private func showProgress() {
    if let model = engine.model {
      let estimate = page[.estimate]
      exploreProgress(
        ExploreProgress(
          model: model, executions: Int(page[.executions]), estimate: estimate == 0 ? nil : Double(estimate)))
    } else {
      progress(
        RunProgress(
          round: Int(page[.rounds]), populations: Int(page[.populations]), collisions: Int(page[.collisions])))
    }
  }

  /// What can be said of a child that did not say how it ended.
  private func death(_ end: ChildProcess.End) -> [RunEvent] {
    var figures = Figures()
    figures.seed = page[.seed]
    figures.rounds = Int(page[.rounds])
    figures.populations = Int(page[.populations])
    figures.collisions = Int(page[.collisions])
    let moment = engine == .stress ? "round \(page[.rounds])" : "in execution \(page[.executions] + 1)"
    let how = end == .killed ? "it did not end in time and was killed" : child.causeOfDeath
    let sentence = "\(how), \(page.phase.words), \(moment)"
    var events: [RunEvent] = [.figures(figures)]
    if let words = child.lastWords { events.append(.note("standard error: \(words)")) }
    events.append(.ended(end == .killed ? .killed(sentence) : .died(sentence)))
    return events
  }
}

/// A child, and the file for what ThreadSanitizer has to say of it.
final class ChildRunner {
  let child: ChildProcess
  private let raceReports: URL

  init(_ pool: WorkerPool?) throws {
    raceReports = FileManager.default.temporaryDirectory
      .appendingPathComponent("addonrace-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    // Reports go to files that the parent reads; a child that found races still says how its run went.
    let options = [
      "log_path=\(raceReports.path)", "exitcode=66", "atexit_sleep_ms=0", "history_size=4", "handle_segv=0",
    ]
    let before = ProcessInfo.processInfo.environment["TSAN_OPTIONS"]
    child = try ChildProcess(
      environment: ["TSAN_OPTIONS": ([before].compactMap { $0 } + options).joined(separator: ":")], pool: pool)
  }

  /// What ThreadSanitizer reported since it was asked last, as findings.
  func dataRaces() -> [RunEvent] {
    guard BuildKind.current == .threadSanitizer else { return [] }
    let folder = raceReports.deletingLastPathComponent()
    let prefix = raceReports.lastPathComponent
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.flatMap { name in
      let file = folder.appendingPathComponent(name)
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      try? FileManager.default.removeItem(at: file)
      return DataRaceReport.findings(in: text).map { RunEvent.finding($0) }
    }
  }
}
