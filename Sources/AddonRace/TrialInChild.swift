import AddonMemory
import Checkers
import ExploreEngine
import Foundation
import RaceModel
import StressEngine

/// One trial in a child, from its start to its verdict.
struct TrialInChild {
  private let trial: Trial
  private var scenario: Scenario { trial.scenario }
  private let child: ChildProcess
  private var page: SharedPage { child.page }
  private let raceReports: URL
  private let progress: (RunProgress) -> Void
  private let exploreProgress: (ExploreProgress) -> Void

  init(
    _ trial: Trial, progress: @escaping (RunProgress) -> Void, exploreProgress: @escaping (ExploreProgress) -> Void
  ) throws {
    self.trial = trial
    self.progress = progress
    self.exploreProgress = exploreProgress
    raceReports = FileManager.default.temporaryDirectory
      .appendingPathComponent("addonrace-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    // Reports go to files that the parent reads; a child that found races still gives its verdict.
    let options = [
      "log_path=\(raceReports.path)", "exitcode=66", "atexit_sleep_ms=0", "history_size=4", "handle_segv=0",
    ]
    let before = ProcessInfo.processInfo.environment["TSAN_OPTIONS"]
    child = try ChildProcess(
      .judge(trial),
      environment: ["TSAN_OPTIONS": ([before].compactMap { $0 } + options).joined(separator: ":")])
  }

  func verdict(file: String?) throws -> Verdict {
    let start = Clock.now()
    let end = try child.run {
      showProgress()
      return Clock.now() - start <= limit
    }
    var verdict = child.answer(Verdict.self) ?? died(end)
    verdict.file = file
    addDataRaces(to: &verdict)
    verdict.asExpected = verdict.expected.accepts(verdict)
    return verdict
  }

  /// Seconds that it may take.
  private var limit: Double {
    Children.grace
      + (trial.model == nil ? scenario.stress.time + scenario.stress.watchdog : scenario.explore.time * 2)
  }

  private func showProgress() {
    if let model = trial.model {
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

  /// What can be said of a child that left no verdict.
  private func died(_ end: ChildProcess.End) -> Verdict {
    var verdict = Verdict(
      scenario: scenario, file: nil, outcome: end == .killed ? .timedOut : .crashed, expected: trial.expected)
    if let model = trial.model {
      verdict.engine = "explore"
      verdict.memoryModel = model
    }
    verdict.figures.seed = page[.seed]
    verdict.figures.rounds = Int(page[.rounds])
    verdict.figures.populations = Int(page[.populations])
    verdict.figures.collisions = Int(page[.collisions])
    let how = end == .killed ? "it did not end in time and was killed" : child.causeOfDeath
    let moment = trial.model == nil ? "round \(page[.rounds])" : "in execution \(page[.executions] + 1)"
    verdict.notes.append("\(how), \(page.phase.words), \(moment)")
    if let words = child.lastWords { verdict.notes.append("it said: \(words)") }
    return verdict
  }

  // MARK: ThreadSanitizer's reports

  private func addDataRaces(to verdict: inout Verdict) {
    let folder = raceReports.deletingLastPathComponent()
    let prefix = raceReports.lastPathComponent
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(prefix) {
      let file = folder.appendingPathComponent(name)
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      verdict.findings += DataRaceReport.findings(in: text)
      try? FileManager.default.removeItem(at: file)
    }
    guard verdict.findings.contains(where: { $0.checker == DataRace.checkerName }) else { return }
    if verdict.outcome == .pass || verdict.outcome == .vacuous { verdict.outcome = .fail }
  }
}
