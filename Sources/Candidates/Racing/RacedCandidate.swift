import RaceModel
import StressEngine

/// What can be raced of a candidate: racers on objects of their own, or a program again and again.
package struct RacedCandidate {
  /// Loaded once in a process: its runner keeps its threads.
  nonisolated(unsafe) private static var loaded: [String: LoadedObject] = [:]

  package init() {}

  /// Answers the run, and what is to be said of it.
  package func run(
    _ scenario: Scenario, progress: @escaping (RunProgress) -> Void, judge: @escaping (Evidence) -> Judgement
  ) throws(EngineError) -> (EngineRun, notes: [String]) {
    let object = try object(of: scenario)
    if let racers = RacedObjects(object, scenario) {
      if case .raced(let run, let notes) = try racers.run(progress: progress, judge: judge) { return (run, notes) }
    }
    let run = try RacedProgram(object, scenario).run(progress: progress) { _ = judge($0) }
    let rate = Int(Double(run.figures.rounds) / max(run.figures.seconds, 1e-9))
    return (run, ["\(run.figures.rounds) runs of the whole program, \(rate) a second"])
  }

  func object(of scenario: Scenario) throws(EngineError) -> LoadedObject {
    guard let code = scenario.code else { throw EngineError("the scenario has no code") }
    let built: BuiltCandidate
    if let before = code.raced { built = before } else { built = try CandidateBuild(code, for: .racing).build() }
    if let before = Self.loaded[built.object] { return before }
    let object = try LoadedObject(built, binding: "addonrace_bind_race")
    Self.loaded[built.object] = object
    return object
  }
}
