import AddonRace
import Testing

/// Reports of every round and execution that it is shown.
private struct Talkative: Checker {
  let name = "talkative"
  let summary = "Everything."
  func check(_ evidence: Evidence) -> [Finding] {
    [Finding(checker: name, message: "seen", round: evidence.round)]
  }
}

enum PromiseBroken: TinyBehaviour {
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    memory.expect(Word32(inode.address &+ 8), holds: 7, "the word is seven")
  }
}

/// What `create` makes, whoever owns it by then may free: here the one who populates.
enum MadeAtCreation: TinyBehaviour {
  static var allocationsPerCreation: Int { 1 }
  static func create<M: Memory>(_ inode: Inode, in memory: M) {
    guard let made = memory.block(of: AddonKind(size: 16, zeroed: true)) else { return }
    memory.store(inode.word64(at: 8), UInt64(made.address), .relaxed)
  }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    let made = memory.exchange(inode.word64(at: 8), 0, .acquiringAndReleasing)
    if made != 0 { memory.free(Addon(address: UInt(made))) }
  }
}

@Suite(.serialized) struct OwnCheckerTests {
  @Test func itIsAskedOfEveryExecution() throws {
    var harness = Harness(checkers: [Talkative()])
    var scenario = Scenario(
      name: "n", question: "?", site: "file-owner", strategy: "compare-exchange",
      racers: [RacerGroup(role: "allocate", count: 3)])
    scenario.explore.racers = scenario.racers
    scenario.explore.symmetry = false
    scenario.expect.explore[.c11] = .fail(checkers: ["talkative", "never"], may: [])
    let verdict = harness.explore(scenario, .c11)
    #expect(verdict.exploration?.executions == 12)
    #expect(verdict.exploration?.judged == 12, "every one is ordinary, and shown all the same")
    #expect(verdict.record.counts["talkative"] == 12)
    harness.checkers = CheckerCatalog.all
    #expect(harness.explore(scenario, .c11).exploration?.judged == 1)
  }

  @Test func itIsAskedOfEveryRound() throws {
    let harness = try Harness(catalogs: [CatalogOf<Plain>.self], checkers: [Talkative()])
    let scenario = tinyScenario("Plain")
    let verdict = harness.run(scenario)
    #expect(verdict.outcome == .fail)
    #expect(verdict.findings.first?.round == 0)
    var patient = scenario
    patient.expect.stress = .fail(checkers: ["talkative", "never"], may: [])
    let all = harness.run(patient)
    #expect(all.figures.roundsJudged == all.figures.rounds)
    #expect(all.record.counts["talkative"] == all.figures.rounds)
  }

  /// What other files expect is not upset by a checker that they cannot know.
  @Test func itMayAccompanyOthers() throws {
    var scenario = Audit().scenario(
      for: try #require(Registry.linux.subject(site: "file-owner", strategy: "loser-leaks")).facts, in: Audit.shapes[1])
    scenario.stress.visitsInFlight = 8
    let verdict = Harness(checkers: [Talkative()]).run(scenario)
    #expect(verdict.asExpected, "\(verdict.record.reporters)")
    #expect(verdict.record.reporters.contains("talkative"))
    scenario.expect.stress = .verdict(.pass)
    #expect(!Harness(checkers: [Talkative()]).run(scenario).asExpected)
  }

  @Test func aPromiseOfTheSitesOwn() throws {
    let harness = try Harness(catalogs: [CatalogOf<PromiseBroken>.self])
    let verdicts = [harness.run(tinyScenario("PromiseBroken")), harness.explore(tinyScenario("PromiseBroken"), .sc)]
    for verdict in verdicts {
      #expect(verdict.record.reporters == ["assertion"])
      #expect(verdict.findings[0].message == "the word is seven: a word holds 0 instead of 7")
    }
  }

  @Test func whatCreationMakesMayBeFreedByAVisit() throws {
    let harness = try Harness(catalogs: [CatalogOf<MadeAtCreation>.self])
    for model in MemoryModel.allCases {
      let verdict = harness.explore(tinyScenario("MadeAtCreation"), model)
      #expect(verdict.outcome == .pass, "\(model): \(verdict.findings.map(\.message)) \(verdict.notes)")
    }
    for shape in RaceShape.allCases {
      for heap in HeapKind.allCases {
        var scenario = tinyScenario("MadeAtCreation")
        scenario.stress.shape = shape
        scenario.stress.heap = heap
        let verdict = harness.run(scenario)
        #expect(verdict.outcome == .pass, "\(shape) \(heap): \(verdict.findings.map(\.message)) \(verdict.notes)")
      }
    }
  }

  @Test func anUnexpectedVerdictSaysWhatHappened() throws {
    let scenario = Scenario(
      name: "leaky", question: "?", site: "file-owner", strategy: "loser-leaks",
      racers: [RacerGroup(role: "allocate", count: 2)])
    let verdict = Harness().explore(scenario, .c11)
    let error = try #require(throws: UnexpectedVerdict.self) { try verdict.requireAsExpected() }
    #expect(error.description.contains("NOT OK leaky"))
    #expect(error.description.contains("losers-freed: execution 2: allocation 1 of 40 bytes lost the race"))
    #expect(error.description.contains("compare-exchange, lost acquire f_owner: allocation 0"))
    #expect(verdict.json.contains("\"format\" : \"addonrace-report\""))
  }
}
