import AddonRace
import Foundation
import Testing

/// A candidate that a test writes, builds and explores.
struct Candidate {
  var code: CandidateSource

  init(_ text: String, name: String = "candidate.c", flags: [String] = []) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("candidates-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    code = CandidateSource(sources: [file.path], flags: flags)
  }

  func scenario(_ racers: [RacerGroup] = []) -> Scenario {
    var scenario = Scenario(name: "candidate", question: "?", site: "", strategy: "", racers: racers)
    scenario.code = code
    scenario.explore.time = 60
    return scenario
  }

  /// In a child, as the command does it: one that crashes is a verdict.
  func explore(
    _ model: MemoryModel, _ racers: [RacerGroup] = [], _ change: (inout Scenario) -> Void = { _ in }
  ) throws -> Verdict {
    var scenario = scenario(racers)
    change(&scenario)
    let harness = Harness()
    return harness.explore(try harness.built(scenario), model)
  }

  /// On real threads, for at most a second.
  func race(_ racers: [RacerGroup] = [], _ change: (inout Scenario) -> Void = { _ in }) throws -> Verdict {
    var scenario = scenario(racers)
    scenario.stress.time = 1
    scenario.stress.collisions = 2000
    change(&scenario)
    let harness = Harness()
    return harness.run(try harness.built(scenario, for: .racing))
  }
}

/// All programs of a process share the hooks.
@Suite(.serialized) struct CandidateTests {}

extension CandidateTests {
  /// The code under test is not instrumented by sanitizers, so that one model will do there.
  static let models = BuildKind.current == .plain ? MemoryModel.allCases : [.c11]
}
