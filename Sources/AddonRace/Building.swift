import Candidates
import RaceModel

/// Scenarios whose code somebody brought.
extension Harness {
  /// A scenario with its code built to be explored, or raced, and with racers, where none were named: one of each role.
  ///
  /// - Throws: what the compiler says, as it says it.
  public func built(
    _ scenario: Scenario, for purpose: CandidateBuild.Purpose = .exploring
  ) throws(EngineError) -> Scenario {
    guard var code = scenario.code else { return scenario }
    var scenario = scenario
    let built = try CandidateBuild(code, for: purpose).build()
    switch purpose {
    case .exploring:
      code.built = built
      if Labels.isAvailable, scenario.explore.memoryModels.contains(where: scenario.tracksDependencies(under:)) {
        code.tracked = try CandidateBuild.tracked(code)
      }
    case .tracking: code.tracked = built
    case .racing: code.raced = built
    }
    scenario.code = code
    let groups = scenario.racers + (scenario.explore.racers ?? [])
    guard let roles = built.roles else {
      if groups.isEmpty { return scenario }
      throw EngineError("the program has a main, which starts its threads itself: leave the racers out")
    }
    for group in groups where !roles.contains(group.role) {
      throw EngineError(
        "the program has no function racer_\(group.role); it has: "
          + roles.map { "racer_\($0)" }.joined(separator: ", "))
    }
    if scenario.racers.isEmpty { scenario.racers = roles.map { RacerGroup(role: $0, count: 1) } }
    return scenario
  }
}
