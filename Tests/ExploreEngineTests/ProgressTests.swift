import AddonMemory
import AddonRace
import Addons
import ExploreEngine
import Testing

@Suite struct ProgressTests {
  /// Whoever comes after the one who keeps the lock waits for ever, and only they.
  @Test(arguments: MemoryModel.allCases) func aLockThatIsNeverGivenBack(_ model: MemoryModel) throws {
    func findings(_ racers: Int) throws -> [Finding] {
      var scenario = Scenario(name: "?", question: "?", site: "?", strategy: "?", racers: [])
      scenario.explore.racers = [RacerGroup(role: "lock", count: racers)]
      let site = LockContext<CompareExchange, ContextLockKept>.self
      let engine = Explore(model, ExploredSite(SubjectFacts(site), ExploredCode(site)))
      engine.judgesAll = true
      var findings: [Finding] = []
      _ = try engine.run(scenario) { evidence in
        findings += ProgressChecker().check(evidence)
        return .goOn
      }
      return findings
    }
    #expect(try findings(1).isEmpty)
    let stuck = try findings(2)
    #expect(!stuck.isEmpty)
    #expect(
      stuck.allSatisfy { $0.checker == "progress" && $0.message.contains("waits for something that no racer will do") })
  }
}
