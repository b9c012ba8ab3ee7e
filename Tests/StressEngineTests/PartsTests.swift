import RaceLoops
import RaceModel
import Recording
import Testing

@testable import StressEngine

@Suite struct VisitSequenceTests {
  @Test(arguments: VisitOrder.allCases, [8, 31, 62, 256, 1000])
  func everyInodeHasOnePlace(_ order: VisitOrder, _ count: Int) {
    #expect(VisitSequence.make(order, count: count, seed: 7).sorted() == Array(0..<count))
  }

  @Test func aSeedMakesTheOrder() {
    let one = VisitSequence.make(.shuffled, count: 256, seed: 1)
    #expect(one == VisitSequence.make(.shuffled, count: 256, seed: 1))
    #expect(one != VisitSequence.make(.shuffled, count: 256, seed: 2))
  }
}

@Suite struct RefusalPolicyTests {
  private func policy(_ failure: AllocationFailure, racer: Int = 0, seed: UInt64 = 1) -> RefusalPolicy {
    RefusalPolicy(failure, racer: racer, seed: seed, attemptsOfRound: 4, attemptsOfVisit: 2)
  }
  private func refused(_ policy: RefusalPolicy, round: Int = 0, attempts: Int = 8) -> [Int] {
    (1...attempts).filter { policy.refuses(attempt: $0, round: round, inode: 3) }
  }

  @Test func nthAndEvery() {
    #expect(refused(policy(AllocationFailure(.nth(3)))) == [3])
    #expect(refused(policy(AllocationFailure(.every(3)))) == [3, 6])
  }

  @Test func eachInTurnCoversEveryN() {
    let policy = policy(AllocationFailure(.eachInTurn))
    #expect((0..<6).map { refused(policy, round: $0) } == [[1], [2], [3], [4], [1], [2]])
  }

  @Test func onlyTheRacerThatIsNamed() {
    var failure = AllocationFailure(.every(1))
    failure.racer = 1
    #expect(refused(policy(failure, racer: 0)) == [])
    #expect(refused(policy(failure, racer: 1)).count == 8)
  }

  @Test func aProbabilityIsAFunctionOfSeedRacerRoundInodeAndAttempt() {
    let some = policy(AllocationFailure(.probability(0.25)))
    let hits = (0..<1000).flatMap { round in refused(some, round: round) }.count
    #expect((1600...2400).contains(hits), "about a quarter of 8,000")
    #expect(refused(some, round: 5) == refused(some, round: 5))
    #expect(refused(policy(AllocationFailure(.probability(1)))).count == 8)
    #expect(refused(policy(AllocationFailure(.probability(0)))).isEmpty)
  }
}

@Suite struct AddressBookTests {
  @Test func theNewestNumberOfAnAddressIsFound() {
    let book = AddressBook(capacity: 100)
    defer { book.destroy() }
    for number in 0..<100 { book.insert(UInt(4096 + number * 32), number: number) }
    book.insert(4096, number: 7)
    #expect(book.number(of: 4096) == 7)
    #expect((1..<100).allSatisfy { book.number(of: UInt(4096 + $0 * 32)) == $0 })
    #expect(book.number(of: 8) == nil)
    book.clear()
    #expect(book.number(of: 4096) == nil)
  }
}

@Suite struct AdaptiveStartTests {
  /// What each of so many looks finds, of something that is attached in these instructions of the others' visits.
  private func looks(_ count: Int, at attached: Range<Int>) -> [Bool] {
    var start = AdaptiveStart()
    return (0..<count).map { _ in
      let found = attached.contains(start.delay >> AdaptiveStart.fraction)
      start.looked(tooEarly: !found)
      return found
    }
  }

  /// It finds its way from 40 instructions on, and then sees as often what was there before as what is there after.
  @Test(arguments: [0, 50, 1000, 50_000])
  func aLookerHoversAboutThePublication(_ publication: Int) {
    let found = looks(4000, at: publication..<Int.max).suffix(2000).filter { $0 }.count
    #expect(publication == 0 ? found == 2000 : (900...1100).contains(found), "\(found) of 2000")
  }

  /// It comes from too late, where what is attached has gone when it begins, and sees it again and again.
  @Test(arguments: [10..<20, 1000..<1100, 20_000..<25_000])
  func aLookerMeetsWhatIsAttachedForAMomentOnly(_ attached: Range<Int>) {
    let found = looks(4000, at: attached).suffix(2000).filter { $0 }.count
    #expect((500...1500).contains(found), "\(found) of 2000")
  }

  @Test func aLookerThatNeverFindsAnythingDoesNotWaitForEver() {
    var start = AdaptiveStart()
    for _ in 0..<10_000 {
      start.looked(tooEarly: true)
      #expect(start.delay <= AdaptiveStart.limitOfLookers)
    }
  }
}

@Suite struct TuningTests {
  @Test func theFastestOfThoseThatYieldEnoughIsKept() {
    var tuning = Tuning([8, 16, 32], enoughYield: 0.9, minimumYield: 0)
    var time = 0.0
    var populations = 0
    var collisions = 0
    var round = 0
    let behaviour = [8: (rate: 900, yield: 0.5), 16: (rate: 500, yield: 1.0), 32: (rate: 700, yield: 0.95)]
    while !tuning.isSettled, time < 10 {
      let (rate, yield) = behaviour[tuning.choice ?? 0]!
      time += 0.001
      collisions += rate
      populations += Int(Double(rate) / yield)
      tuning.note(round: round, time: time, populations: populations, collisions: collisions)
      round += 1
    }
    #expect(tuning.choice == 32)
  }

  @Test func whatIsCountedForTheChoiceBeforeIsLeftOut() {
    // A round takes as long as a choice is tried, and is counted three rounds later.
    var tuning = Tuning([32, 64], enoughYield: 0.9, minimumYield: 0)
    var choices: [Int] = []
    var populations = 0
    var collisions = 0
    for round in 0..<100 where !tuning.isSettled {
      if round == 4 { tuning.tryAlso(1, afterRound: round) }
      choices.append(tuning.choice ?? 0)
      if round >= 3 {
        populations += 100
        collisions += choices[round - 3] == 1 ? 70 : 5
      }
      tuning.note(round: round, time: Double(round) * 0.003, populations: populations, collisions: collisions)
    }
    #expect(tuning.isSettled && tuning.choice == 1)
  }

  @Test func whereNothingCollidesRacersMeetAtEachVisitIfTheirWindowsAreInSections() {
    var tuning = Tuning([32, 64], enoughYield: 0.9, minimumYield: 0)
    tuning.tryAlso(1, afterRound: 0)
    for round in 0..<100 {
      tuning.note(round: round, time: Double(round) * 0.003, populations: 100 * round, collisions: 0)
    }
    #expect(tuning.isSettled && tuning.choice == 1)
  }

  @Test func whereNoneYieldsEnoughTheScenariosMinimumCounts() {
    func settled(minimum: Double) -> Int? {
      var tuning = Tuning([8, 16, 32], enoughYield: 0.9, minimumYield: minimum)
      let behaviour = [8: (rate: 300, yield: 0.8), 16: (rate: 500, yield: 0.5), 32: (rate: 900, yield: 0.1)]
      var (populations, collisions) = (0, 0)
      for round in 0..<200 {
        let (rate, yield) = behaviour[tuning.choice ?? 0]!
        collisions += rate
        populations += Int(Double(rate) / yield)
        tuning.note(round: round, time: Double(round) * 0.001, populations: populations, collisions: collisions)
      }
      return tuning.choice
    }
    #expect(settled(minimum: 0.2) == 16)
    #expect(settled(minimum: 0) == 32)
    #expect(settled(minimum: 0.85) == 8)
  }

  @Test func oneChoiceNeedsNoTuning() {
    #expect(Tuning([5], enoughYield: 1, minimumYield: 0).isSettled)
    #expect(Tuning([], enoughYield: 1, minimumYield: 0).choice == nil)
  }
}

@Suite struct LogWordTests {
  private func anomaly(_ words: UInt64...) -> Bool {
    var told: UInt64 = 0
    return words.map { LogWord.anomaly($0, told: &told) }.contains { $0 != 0 }
  }

  @Test func theFourWaysToBeOrdinary() {
    let mine: UInt64 = 0x7000_1000
    let won = LogWord.sawNull | LogWord.published | LogWord.success | mine
    #expect(!anomaly(won, LogWord.sawNull | LogWord.success | mine))
    #expect(!anomaly(won, LogWord.success | mine), "found")
    #expect(!anomaly(won, LogWord.success), "it need not say which")
    #expect(!anomaly(won, LogWord.absent))
  }

  @Test func anythingElseIsNot() {
    let mine: UInt64 = 0x7000_1000
    let won = LogWord.sawNull | LogWord.published | LogWord.success | mine
    #expect(anomaly(won, LogWord.success | 0x7000_2000), "another addon")
    #expect(anomaly(won | LogWord.refused))
    #expect(anomaly(LogWord.sawNull | LogWord.failure))
    #expect(anomaly(LogWord.published | LogWord.success), "without having seen NULL")
    #expect(anomaly(0))
  }
}
