import AddonMemory
import CThreads
import Checkers
import ExploreEngine
import Foundation
import RaceModel
import StressEngine

/// Runs each scenario in a child process, so that a crash or a hang of one is a verdict and the rest go on.
public struct Children {
  /// The hidden subcommand that the child is started with.
  public static let subcommand = "child"
  /// Seconds that a child may take beyond its time and its own watchdog.
  static let grace = 60.0

  /// Called every so often with how far the child is.
  public var progress: (RunProgress) -> Void = { _ in }
  public var exploreProgress: (ExploreProgress) -> Void = { _ in }
  /// What is measured, how much of it is done, and in which process.
  public var benchProgress: (String) -> Void = { _ in }
  public var explains = false

  public init() {}

  /// Races a scenario. A child that died is explained by another, which explores.
  public func run(_ scenario: Scenario, file: String?, command: String) -> Verdict {
    var verdict = run(Trial(scenario: scenario, explains: explains), file: file, command: command)
    if verdict.outcome == .crashed, explains || !verdict.asExpected {
      var explored = scenario
      explored.expect.explore[.tso] = .verdict(.pass)
      let explanation = run(Trial(scenario: explored, model: .tso, explains: true), file: file, command: command)
      verdict.memoryModel = explanation.memoryModel
      verdict.counterexample = explanation.counterexample
    }
    return verdict
  }

  /// Explores a scenario under one memory model.
  public func explore(_ scenario: Scenario, _ model: MemoryModel, file: String?, command: String) -> Verdict {
    run(Trial(scenario: scenario, model: model, explains: explains), file: file, command: command)
  }

  private func run(_ trial: Trial, file: String?, command: String) -> Verdict {
    do {
      let child = try TrialInChild(trial, progress: progress, exploreProgress: exploreProgress)
      var verdict = try child.verdict(file: file)
      verdict.command = command
      return verdict
    } catch {
      var verdict = Verdict(scenario: trial.scenario, file: file, outcome: .crashed, expected: trial.expected)
      verdict.command = command
      verdict.notes = ["no child process could be started: \(error.localizedDescription)"]
      return verdict
    }
  }

  /// The child's side: reads a job from standard input, does it, and writes the answer to standard output. Answers the exit
  /// status.
  public static func serve(page path: String, parent: Int32) -> Int32 {
    guard cthreads_die_with_parent(parent) != 0, let page = SharedPage.open(path) else { return 70 }
    cthreads_catch_interrupts()
    guard let job = try? JSONDecoder().decode(Job.self, from: FileHandle.standardInput.readDataToEndOfFile())
    else { return 70 }
    let answer: Data?
    var leavesRacers = false
    switch job {
    case .judge(let trial):
      let verdict = verdict(of: trial, page)
      // Racers that are stuck in a visit would keep the process alive.
      leavesRacers = verdict.outcome == .timedOut
      answer = try? JSONEncoder().encode(verdict)
    case .measure(let scenario, let axis): answer = try? JSONEncoder().encode(Measured(scenario, axis, page))
    }
    page[.phase] = SharedPage.Phase.reporting.rawValue
    guard let answer else { return 70 }
    FileHandle.standardOutput.write(answer)
    if leavesRacers { _exit(0) }
    return 0
  }

  private static func verdict(of trial: Trial, _ page: SharedPage) -> Verdict {
    page[.phase] = (trial.model == nil ? SharedPage.Phase.racing : .exploring).rawValue
    page[.seed] = trial.scenario.stress.seed
    var harness = Harness()
    harness.progress = { progress in
      page[.rounds] = UInt64(progress.round)
      page[.populations] = UInt64(progress.populations)
      page[.collisions] = UInt64(progress.collisions)
    }
    harness.explains = trial.explains
    harness.explorationCounter = page.address(of: .executions)
    harness.exploreProgress = { progress in
      page[.estimate] = UInt64(min(progress.estimate ?? 0, 1e18))
    }
    return trial.model.map { harness.explore(trial.scenario, $0, file: nil) } ?? harness.run(trial.scenario, file: nil)
  }
}
