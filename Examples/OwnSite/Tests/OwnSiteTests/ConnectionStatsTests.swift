import AddonRace
import Foundation
import OwnSite
import Testing

@Suite struct ConnectionStatsTests {
  let harness: Harness
  init() throws { harness = try Harness(catalogs: [LinuxCatalog.self, OwnCatalog.self], checkers: [Waste()]) }

  private func scenario(_ strategy: String, _ racers: [RacerGroup]) -> Scenario {
    var scenario = Scenario(
      name: "connection-stats", question: "Does it hold?", site: "connection-stats", strategy: strategy, racers: racers)
    scenario.stress.minimumYield = 0
    scenario.stress.time = 0.2
    return scenario
  }

  /// A failure says what happened, step by step; the report is attached as JSON.
  private func expectAsExpected(_ verdict: Verdict) {
    Attachment.record(verdict.json, named: "\(verdict.scenario.name).json")
    #expect(throws: Never.self) { try verdict.requireAsExpected() }
  }

  @Test func holdsInARace() {
    let racers = [RacerGroup(role: "count", count: 2), RacerGroup(role: "reset", count: 1)]
    expectAsExpected(harness.run(scenario("publish-once", racers)))
  }

  @Test(arguments: MemoryModel.allCases) func holdsInEveryExecution(_ model: MemoryModel) {
    let racers = [RacerGroup(role: "count", count: 2), RacerGroup(role: "reset", count: 1)]
    expectAsExpected(harness.explore(scenario("publish-once", racers), model))
  }

  /// What a failure looks like: the test passes because it is expected.
  @Test func aLeakIsShownStepByStep() throws {
    let verdict = harness.explore(scenario("publish-and-forget", [RacerGroup(role: "count", count: 2)]), .c11)
    let failure = try #require(throws: UnexpectedVerdict.self) { try verdict.requireAsExpected() }
    #expect(failure.description.contains("losers-freed: "))
    #expect(failure.description.contains("compare-exchange, lost"))
  }

  @Test func aCheckerOfOnesOwnSeesEveryExecution() {
    var three = scenario("publish-once", [RacerGroup(role: "count", count: 3)])
    three.explore.racers = three.racers
    #expect(harness.explore(three, .sc).findings.contains { $0.checker == "waste" })
  }

  @Test func aStrategyOfOnesOwnAtASiteOfLinux() {
    let owner = Scenario(
      name: "file-owner", question: "?", site: "file-owner", strategy: "publish-once",
      racers: [RacerGroup(role: "allocate", count: 2)])
    expectAsExpected(harness.explore(owner, .kernel))
  }

  @Test(arguments: ["connection-stats", "publish-and-forget", "waste"]) func scenarioFiles(_ name: String) throws {
    let path = "scenarios/\(name).yaml"
    let scenario = try ScenarioFile.read(String(contentsOfFile: path, encoding: .utf8), file: path, harness.vocabulary)
    expectAsExpected(harness.explore(scenario, .c11, file: path))
  }
}
