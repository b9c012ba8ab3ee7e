import AddonMemory
import AddonRace
import Foundation
import Testing

/// A scenario to explore: `racers` of one role.
private func exploring(
  _ site: String, _ strategy: String, _ racers: [RacerGroup], _ change: (inout Scenario) -> Void = { _ in }
) -> Scenario {
  var scenario = Scenario(name: site, question: "?", site: site, strategy: strategy, racers: racers)
  scenario.explore.racers = racers
  scenario.explore.symmetry = false
  change(&scenario)
  return scenario
}

/// Without a harness.
private func explorer(_ model: MemoryModel, _ scenario: Scenario) throws -> Explore {
  let subject = try Registry.linux.subject(of: scenario)
  return Explore(model, subject.facts, subject.explored)
}

@Suite struct SiteExplorationTests {
  @Test(arguments: 2...6, MemoryModel.allCases)
  func closedForm(_ racers: Int, _ model: MemoryModel) throws {
    let scenario = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: racers)])
    let run = try explorer(model, scenario).run(scenario) { evidence in
      evidence.mishaps.isEmpty ? .goOn : .stop
    }
    let figures = try #require(run.exploration)
    #expect(run.end == .exhausted)
    #expect(figures.executions == racers << (racers - 1))
    #expect(figures.blockedRuns == 0)
  }

  /// Whoever sets the owner holds its lock alone, two readers hold it with each other. Of the six orders in which two
  /// readers take and give back their shares, two leave the writer three places and four leave it two: 14 executions. One
  /// reader alone comes before the writer or after it, and it may be either: 4. And both may come too early.
  @Test(arguments: MemoryModel.allCases) func readersShareALock(_ model: MemoryModel) throws {
    let racers = [RacerGroup(role: "set-owner", count: 1), RacerGroup(role: "read", count: 2)]
    let scenario = exploring("file-owner", "compare-exchange", racers)
    let run = try explorer(model, scenario).run(scenario) { $0.mishaps.isEmpty ? .goOn : .stop }
    #expect(run.end == .exhausted)
    #expect(try #require(run.exploration).executions == 14 + 4 + 1)
  }
}

/// The first findings of a scenario, by checker.
private func reported(
  _ scenario: Scenario, _ model: MemoryModel, judgesAll: Bool = false, stopsAtFirst: Bool = true
) throws -> (checkers: Set<String>, figures: ExplorationFigures) {
  let engine = try explorer(model, scenario)
  engine.judgesAll = judgesAll
  var checkers: Set<String> = []
  let run = try engine.run(scenario) { evidence in
    for checker in CheckerCatalog.all where !checker.check(evidence).isEmpty { checkers.insert(checker.name) }
    return checkers.isEmpty || !stopsAtFirst ? .goOn : .stop
  }
  return (checkers, try #require(run.exploration))
}

@Suite struct CatalogExplorationTests {
  /// Sanitizers make the explorer, which is one thread, many times slower: there the long ones are left to the plain build.
  private static let entries = Registry.linux.subjects.map(\.facts).enumerated().filter {
    BuildKind.current == .plain || !$0.element.keepsHistory && $0.offset % 3 == 0
  }.map(\.element)
  private static let models = BuildKind.current == .plain ? MemoryModel.allCases : [.c11]
  /// The scenarios, which have every entry too, are explored by the release build under every model; here each entry has
  /// one of them.
  private static let cases = entries.enumerated().map { ($1, models[$0 % models.count]) }

  /// Every entry, as the catalog says. `audit` does the same in children.
  @Test(arguments: cases) func verdict(_ entry: SubjectFacts, _ model: MemoryModel) {
    if entry.fault == nil, !entry.rightIn.contains(model) { return }
    var scenario = Audit().scenario(for: entry, in: Audit.shapes[0])
    scenario.explore.time = 600  // a loaded machine gets there too
    let verdict = Harness().explore(scenario, model)
    let context = "\(scenario.name) under \(model): \(verdict.findings.map(\.message))"
    #expect(verdict.asExpected, "\(context)")
    if verdict.outcome == .fail {
      #expect(verdict.counterexample?.steps.isEmpty == false, "\(context)")
      let first = verdict.exploration?.firstFinding ?? .max
      if first > 100 {  // in an exploration of some hundred executions there is nothing to be early in
        var whole = scenario
        whole.explore.executions = first * 10
        let all = (try? reported(whole, model, stopsAtFirst: false))?.figures.executions ?? 0
        #expect(first * 10 <= all, "\(context): \(first) of \(all)")
      }
    }
  }

  /// What the quick look lets pass, the checkers do too.
  @Test(.enabled(if: BuildKind.current == .plain), arguments: entries.filter { !$0.keepsHistory || $0.fault != nil })
  func quickLookMissesNothing(_ entry: SubjectFacts) throws {
    var scenario = Audit().scenario(for: entry, in: Audit.shapes[0])
    scenario.explore.executions = 1_000
    let quick = try reported(scenario, .sc, stopsAtFirst: false)
    let full = try reported(scenario, .sc, judgesAll: true, stopsAtFirst: false)
    #expect(quick.checkers == full.checkers, "\(scenario.name)")
    #expect(quick.figures.executions == full.figures.executions)
  }

  @Test func symmetryIsRefusedWhereAFaultNamesARacer() throws {
    var scenario = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: 3)])
    scenario.explore.symmetry = true
    #expect(try reported(scenario, .c11).figures.executions == 3)
    #expect(try reported(scenario, .c11).figures.usedSymmetry)
    scenario.faults.allocationFailure = AllocationFailure(.every(1))
    scenario.faults.allocationFailure?.racer = 1
    let refused = try reported(scenario, .c11).figures
    #expect(!refused.usedSymmetry)
    #expect(refused.symmetryRefusal != nil)
  }

  @Test func budgetsEndInconclusive() throws {
    var scenario = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: 6)])
    scenario.explore.executions = 50
    scenario.explore.samples = 20
    let verdict = Harness().explore(scenario, .c11)
    #expect(verdict.outcome == .inconclusive)
    #expect(verdict.exploration?.executions == 50)
    #expect(verdict.exploration?.samples ?? 0 >= 20)
    #expect((verdict.exploration?.estimate ?? 0) > 50)
    #expect(!(verdict.exploration?.isExhaustive ?? true))
  }

  /// Of the closed form, within a factor of thirty; samples are a function of the seed.
  @Test(arguments: [(6, 1), (4, 2), (5, 3)])
  func estimateIsOfTheRightSize(_ size: (racers: Int, inodes: Int)) throws {
    let scenario = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: size.racers)]) {
      $0.explore.inodes = size.inodes
    }
    let exact = pow(Double(size.racers << (size.racers - 1)), Double(size.inodes))
    let estimate = try explorer(.c11, scenario).estimate(scenario, seconds: 0)
    #expect((exact / 30...exact * 30).contains(estimate), "\(estimate) for \(exact)")
  }

  @Test func memoryIsFlat() throws {
    let small = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: 3)]) {
      $0.explore.inodes = 2
    }
    let large = exploring("file-owner", "compare-exchange", [RacerGroup(role: "allocate", count: 4)]) {
      $0.explore.inodes = 2
    }
    let few = try reported(small, .c11).figures
    let many = try reported(large, .c11).figures
    #expect(many.executions > few.executions * 6)
    #expect(many.peakBytes < few.peakBytes * 6)
  }
}

@Suite struct ReplayTests {
  private var scenario: Scenario {
    exploring("file-owner", "loser-leaks", [RacerGroup(role: "allocate", count: 2)])
  }

  private func token() throws -> String {
    try #require(Harness().explore(scenario, .c11).counterexample?.token)
  }

  @Test func aTokenLeadsToTheSameEnd() throws {
    let token = try ReplayToken(try token(), of: scenario)
    let again = try #require(try Harness().replay(token, of: scenario, wantsSources: false))
    #expect(again.findings.contains { $0.checker == "no-leak" })
    #expect(again.token == token.text)
    let twice = try #require(try Harness().replay(token, of: scenario, wantsSources: false))
    #expect(twice == again)
  }

  @Test func tokensOfEveryFault() throws {
    for entry in Registry.linux.subjects.map(\.facts) where entry.fault != nil {
      let scenario = Audit().scenario(for: entry, in: Audit.shapes[0])
      let verdict = Harness().explore(scenario, .c11)
      let counterexample = try #require(verdict.counterexample, "\(scenario.name)")
      let token = try ReplayToken(counterexample.token, of: scenario)
      let again = try #require(try Harness().replay(token, of: scenario, wantsSources: false), "\(scenario.name)")
      #expect(again.findings == counterexample.findings, "\(scenario.name)")
      let expected = verdict.expected.missing(among: [])
      #expect(again.findings.contains { expected.contains($0.checker) }, "\(scenario.name)")
    }
  }

  @Test(arguments: [
    ("hello", "no replay token"), ("ar0:c11:x", "of version 'ar0'"), ("ar1:c11:allocate=2", "broken"),
    ("ar1:c12:allocate=2:inodes=1:00000000:AA", "memory model 'c12'"),
    ("ar1:c11:allocate=2:inodes=1:00000000:AA", "not of scenario"),
  ])
  func badTokens(_ text: String, _ complaint: String) {
    #expect {
      try ReplayToken(text, of: scenario)
    } throws: { error in
      "\(error)".contains(complaint)
    }
  }

  /// Without the release a reader may see the flag, and not the pointer that was stored before it.
  @Test(arguments: MemoryModel.allCases) func staleLoadsAreMarked(_ model: MemoryModel) throws {
    let scenario = exploring(
      "lock-context-flag", "flag-not-released",
      [RacerGroup(role: "lock", count: 1), RacerGroup(role: "read", count: 1)])
    let engine = try explorer(model, scenario)
    engine.judgesAll = true
    var tokens: [ReplayToken] = []
    _ = try engine.run(scenario) { _ in
      if let token = engine.currentToken() { tokens.append(token) }
      return .goOn
    }
    let steps = try tokens.flatMap { token in
      try #require(try Harness().replay(token, of: scenario, wantsSources: false)).steps
    }
    let stale = steps.filter(\.isStale)
    #expect(stale.isEmpty == (model == .sc || model == .tso))
    #expect(stale.allSatisfy { $0.verb == .load && $0.place == .slot("i_flctx", inode: nil) && $0.value == .null })
    let text = TraceText(Counterexample(roles: ["lock", "read"], steps: stale, findings: [], token: "")).lines
    #expect(text.dropFirst().allSatisfy { $0.hasSuffix("STALE") })
  }

  @Test func aBrokenTokenIsNotFollowed() throws {
    let text = try token()
    let cut = String(text.dropLast(4))
    let token = try? ReplayToken(cut, of: scenario)
    if let token { #expect(try Harness().replay(token, of: scenario, wantsSources: false) == nil) }
    var other = scenario
    other.strategy = "winner-freed"
    #expect(throws: ReplayToken.Invalid.self) { try ReplayToken(text, of: other) }
  }
}
