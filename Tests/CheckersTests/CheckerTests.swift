import AddonMemory
import Checkers
import RaceModel
import Testing

/// One inode, one slot and two racers that collided in the right way; each test breaks one thing.
private func collision() -> Evidence {
  var evidence = Evidence()
  evidence.slots = ["slot"]
  evidence.roles = ["allocate", "allocate"]
  evidence.inodeCount = 1
  var won = VisitOperation(racer: 0, inode: 0, slot: 0)
  won.sawNull = true
  won.published = true
  won.report = .success
  won.returned = .allocation(0)
  var lost = VisitOperation(racer: 1, inode: 0, slot: 0)
  lost.sawNull = true
  lost.report = .success
  lost.returned = .allocation(0)
  evidence.operations = [won, lost]
  var winner = Allocation(racer: 0, inode: 0, size: 40)
  winner.published = 1
  winner.freedByTeardown = 1
  var loser = Allocation(racer: 1, inode: 0, size: 40)
  loser.freedByVisit = 1
  evidence.allocations = [winner, loser]
  evidence.finals = [.allocation(0)]
  return evidence
}

/// Who reports, and how often.
private func reports(_ evidence: Evidence) -> [String: Int] {
  var counts: [String: Int] = [:]
  for checker in CheckerCatalog.all {
    let findings = checker.check(evidence)
    for finding in findings {
      #expect(finding.checker == checker.name)
      #expect(!finding.message.isEmpty)
    }
    if !findings.isEmpty { counts[checker.name] = findings.count }
  }
  return counts
}

private func broken(_ change: (inout Evidence) -> Void) -> [String: Int] {
  var evidence = collision()
  change(&evidence)
  return reports(evidence)
}

/// Histories of one slot: racer, what it answered, from when to when.
@Suite struct HistoryTests {
  private func findings(
    _ operations: [(Int, HistoryEntry.Kind, Int?, ClosedRange<UInt64>)], precedence: [[Bool]] = []
  ) -> [Finding] {
    var evidence = Evidence()
    evidence.slots = ["slot"]
    evidence.roles = ["add", "add", "add"]
    evidence.inodeCount = 1
    evidence.finals = [.empty]
    evidence.keepsHistory = true
    evidence.precedence = precedence
    evidence.setHistory(
      operations.map { racer, kind, allocation, moments in
        HistoryEntry(
          racer: racer, inode: 0, slot: 0, kind: kind, allocation: allocation, begin: moments.lowerBound,
          end: moments.upperBound)
      })
    return Linearizability().check(evidence)
  }

  @Test func whatHappensInOrderIsExplained() {
    #expect(
      findings([
        (0, .absent, nil, 0...1), (0, .attached, 0, 2...3), (1, .found, 0, 4...5), (0, .detached, 0, 6...7),
        (1, .absent, nil, 8...9), (1, .attached, 1, 10...11),
      ]).isEmpty)
  }

  @Test func whatOverlapsMayHaveHappenedEitherWay() {
    #expect(findings([(0, .attached, 0, 0...9), (1, .absent, nil, 1...2), (1, .found, 0, 3...4)]).isEmpty)
    // Began first, took effect last.
    #expect(findings([(0, .found, 1, 0...9), (1, .attached, 1, 5...6)]).isEmpty)
  }

  @Test func whatNoOrderExplains() throws {
    let twice = findings([(0, .attached, 0, 0...1), (0, .detached, 0, 2...5), (1, .detached, 0, 3...6)])
    #expect(twice.count == 1)
    let table = try #require(twice.first).history
    #expect(table.count == 4)
    #expect(table[0].contains("answer"))
    #expect(table[1].hasPrefix("racer 0 (add)") && table[1].hasSuffix("attached allocation 0"))
    #expect(!findings([(0, .attached, 0, 0...1), (1, .absent, nil, 2...3)]).isEmpty, "a stale NULL")
    #expect(!findings([(0, .attached, 0, 0...1), (0, .detached, 0, 2...3), (1, .found, 0, 4...5)]).isEmpty)
    #expect(!findings([(0, .attached, 0, 0...3), (1, .attached, 1, 1...2)]).isEmpty, "one over the other")
    #expect(!findings([(0, .found, 0, 0...1)]).isEmpty, "never attached")
  }

  /// Explored executions have no clock: what happens before what decides.
  @Test func precedenceInsteadOfMoments() {
    let operations: [(Int, HistoryEntry.Kind, Int?, ClosedRange<UInt64>)] = [
      (0, .attached, 0, 0...1), (1, .absent, nil, 0...1),
    ]
    #expect(findings(operations, precedence: [[false, false], [false, false]]).isEmpty)
    #expect(!findings(operations, precedence: [[false, true], [false, false]]).isEmpty)
  }

  @Test func aHistoryWithGapsIsNotJudged() {
    var evidence = Evidence()
    evidence.slots = ["slot"]
    evidence.keepsHistory = true
    evidence.historyIsWhole = false
    #expect(Linearizability().check(evidence).isEmpty)
  }
}

@Suite struct CheckerTests {
  @Test func nothingIsWrongWithARightCollision() { #expect(reports(collision()) == [:]) }

  @Test func namesAreUnique() { #expect(Set(CheckerCatalog.names).count == CheckerCatalog.names.count) }

  /// What the explorer sees happen goes to one checker each.
  @Test(arguments: [
    (Mishap.Kind.dataRace, "data-race"), (.useAfterFree, "no-use-after-free"), (.crash, "crash"), (.stuck, "progress"),
  ])
  func mishapsAreReported(_ kind: Mishap.Kind, _ checker: String) {
    var evidence = collision()
    evidence.mishaps = [Mishap(kind, racers: [1], message: "it went wrong")]
    #expect(reports(evidence) == [checker: 1])
  }

  @Test func singleWinnerSeesTwoPublications() {
    var evidence = collision()
    evidence.operations[1].published = true
    #expect(SingleWinner().check(evidence).map(\.racers) == [[0, 1]])
  }

  @Test func singleWinnerSeesSuccessWithoutPopulation() {
    var evidence = collision()
    evidence.operations[0].published = false
    evidence.finals = [.empty]
    #expect(SingleWinner().check(evidence).map(\.racers) == [[0, 1]])
    evidence.operations[0].report = .failure
    evidence.operations[1].report = .absent
    #expect(SingleWinner().check(evidence).isEmpty, "nobody promised anything")
  }

  @Test func singleWinnerSeesAPopulationThatNobodyMade() {
    var evidence = collision()
    evidence.operations[0].published = false
    #expect(SingleWinner().check(evidence).count == 1)
    evidence.eager = true
    #expect(SingleWinner().check(evidence).isEmpty, "creation made it")
  }

  @Test func agreementSeesWhatWasNeverInTheSlot() {
    #expect(broken { $0.operations[1].returned = .allocation(1) } == ["agreement": 1])
    #expect(broken { $0.operations[1].returned = .stranger } == ["agreement": 1])
    #expect(broken { $0.operations[1].returned = .nothing } == [:], "it may keep it to itself")
  }

  @Test func losersFreedWantsOneFreeByTheVisit() {
    #expect(broken { $0.allocations[1].freedByVisit = 0 } == ["losers-freed": 1, "no-leak": 1])
    #expect(broken { $0.allocations[1].freedByVisit = 2 } == ["losers-freed": 1, "no-use-after-free": 1])
    #expect(
      broken {
        $0.allocations[1].freedByVisit = 0
        $0.allocations[1].freedElsewhere = 1
      } == ["losers-freed": 1])
  }

  @Test func noLeakSeesWhatTheTeardownForgot() {
    #expect(broken { $0.allocations[0].freedByTeardown = 0 } == ["no-leak": 1])
  }

  @Test func noLeakSeesWhatNothingReaches() {
    var evidence = collision()
    evidence.finals = [.empty]
    #expect(NoLeak().check(evidence).map(\.allocations) == [[0]])
    evidence.allocations[0].links = 1
    #expect(NoLeak().check(evidence).isEmpty, "a list reaches it")
  }

  @Test func visibleOnceSeesEachWayToBeVisibleTwice() {
    #expect(broken { $0.allocations[0].published = 2 } == ["visible-once": 1])
    var evidence = collision()
    evidence.slots = ["one", "two"]
    evidence.finals = [.allocation(0), .allocation(0)]
    #expect(VisibleOnce().check(evidence).count == 1)
    #expect(
      broken { $0.allocations[0].freedByVisit = 1 } == ["visible-once": 1, "no-use-after-free": 1],
      "visible after its free")
  }

  @Test(arguments: [
    (Promise.initialised, "initialised"), (.released, "no-leak"), (.balanced, "accounting"),
    (.winnerEffect, "winner-effects"), (.mayNotSleep, "atomic-context"),
  ])
  func anObservationGoesToItsChecker(_ promise: Promise, _ checker: String) {
    let observation = Observation(
      promise: promise, moment: .visit(racer: 1, inode: 0), seen: 1, expected: 2, allocation: 0)
    #expect(broken { $0.observations = [observation] } == [checker: 1])
  }

  @Test func readingPoisonIsUseAfterFree() {
    for seen in [Poison.freed, Poison.freed & 0xffff_ffff] {
      let observation = Observation(
        promise: .initialised, moment: .quiescence(inode: 0), seen: seen, expected: 2, allocation: 0)
      #expect(broken { $0.observations = [observation] } == ["no-use-after-free": 1])
    }
  }

  @Test func noUseAfterFreeSeesBadFreesAndLateWrites() {
    #expect(
      broken { $0.badFrees = [BadFree(racer: 1, inode: 0, duringTeardown: false)] } == ["no-use-after-free": 1])
    #expect(broken { $0.writesAfterFree = [1] } == ["no-use-after-free": 1])
    #expect(
      broken { $0.allocations[0].freedByTeardown = 2 } == ["no-use-after-free": 1], "torn down twice")
  }

  @Test func allocationFailureSeesItReportedWronglyEitherWay() {
    #expect(broken { $0.operations[1].report = .failure } == ["allocation-failure": 1], "none failed")
    var evidence = collision()
    evidence.operations[1].refused = true
    evidence.operations[1].report = .failure
    #expect(AllocationFailureChecker().check(evidence).isEmpty)
    evidence.operations[1].populatedWhenRefused = true
    #expect(AllocationFailureChecker().check(evidence).isEmpty, "it made no promise")
    evidence.looksAgainAfterFailure = true
    #expect(AllocationFailureChecker().check(evidence).map(\.racers) == [[1]])
    evidence.operations[0].published = false
    evidence.operations[1].report = .success
    evidence.finals = [.empty]
    #expect(AllocationFailureChecker().check(evidence).map(\.racers) == [[1]])
  }

  @Test func allocationFailureSeesADamagedSlot() {
    #expect(
      AllocationFailureChecker().check(
        {
          var evidence = collision()
          evidence.finals = [.stranger(1)]
          return evidence
        }()
      ).count == 1)
  }

  @Test func winnerEffectsSeesLinksThatShouldNotBe() {
    #expect(broken { $0.allocations[0].links = 2 } == ["winner-effects": 1])
    #expect(broken { $0.allocations[0].links = 1 } == [:])
    var evidence = collision()
    evidence.allocations[1].links = 1
    #expect(WinnerEffects().check(evidence).map(\.allocations) == [[1]])
  }

  @Test func theHistoryTellsWhoDidWhat() {
    #expect(
      collision().history(of: 0) == [
        "racer 0 (allocate), slot: saw NULL, went on to populate, published, reported success, returned allocation 0",
        "racer 1 (allocate), slot: saw NULL, went on to populate, reported success, returned allocation 0",
        "allocation 0 (racer 0, 40 bytes): published, freed by teardown",
        "allocation 1 (racer 1, 40 bytes): freed by its visit",
        "slot at the end: allocation 0",
      ])
  }
}
