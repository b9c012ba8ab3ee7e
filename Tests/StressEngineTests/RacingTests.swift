import AddonMemory
import AddonRace
import Addons
import Foundation
import RaceLoops
import RaceModel
import Testing

@testable import StressEngine

/// Small races: what they prove does not depend on how fast they are. Natural races are left to the command's tests:
/// whether one collides is a matter of timing.
private func small(_ entry: SubjectFacts, _ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
  var scenario = Scenario(
    name: "\(entry.site.name) with \(entry.strategy.name)", question: "?", site: entry.site.name,
    strategy: entry.strategy.name, racers: entry.racers)
  scenario.stress.inodes = 32
  scenario.stress.collisions = 300
  // One racer that allocates never collides, or only now and then.
  let looking = entry.roles.filter(\.looksOnly).map(\.name)
  let allocating = entry.racers.filter { !looking.contains($0.role) }.reduce(0) { $0 + $1.count }
  scenario.stress.time = entry.fault == nil && allocating < 2 ? 0.2 : 20
  scenario.stress.watchdog = 60
  scenario.stress.minimumYield = 0
  change(&scenario)
  return scenario
}

/// Without a harness.
private func race(_ scenario: Scenario, judge: @escaping (Evidence) -> Judgement) throws -> EngineRun {
  let subject = try Registry.linux.subject(of: scenario)
  return try Stress().run(scenario, subject.facts, subject.raced, judge: judge)
}

private struct Way: CustomTestStringConvertible, Sendable {
  let name: String
  let change: @Sendable (inout StressOptions) -> Void
  var testDescription: String { name }

  static let pipeline = Way(name: "pipeline") { $0.visitsInFlight = 8 }
  static let forced = Way(name: "forced") { $0.shape = .forced }
  static let delay = Way(name: "delay") {
    $0.widening = .delay
    $0.start = .adaptive
    $0.delay = 50
  }
  static let malloc = Way(name: "pipeline, malloc") {
    $0.visitsInFlight = 8
    $0.heap = .malloc
  }
  static let sureOfCollisions = [pipeline, forced]
  static let all = [pipeline, forced, delay, malloc]
}

private let right = Registry.linux.subjects.map(\.facts).filter { $0.fault == nil }
private let caughtByCheckers = Registry.linux.subjects.map(\.facts).filter { !($0.fault?.checkers.isEmpty ?? true) }
private let unseen = Registry.linux.subjects.map(\.facts).filter { $0.fault.map { !$0.shownByHardware } ?? false }
/// ThreadSanitizer reports what is faulty, or right in the kernel's model only, and a report fails the test process:
/// those race in children, in the command's tests.
private var mayRaceHere: (SubjectFacts) -> Bool {
  BuildKind.current == .threadSanitizer
    ? { $0.fault == nil && $0.strategy.rightIn.contains(.c11) } : { _ in true }
}

@Suite(.serialized) struct RacingTests {
  /// The pipeline takes all; of the other ways each takes its part of them.
  @Test(arguments: Way.all) private func nothingRightIsAccused(_ way: Way) {
    let others = Way.all.dropFirst().map(\.name)
    for (number, entry) in right.filter(mayRaceHere).enumerated() {
      if let part = others.firstIndex(of: way.name), number % others.count != part { continue }
      let verdict = Harness().run(small(entry) { way.change(&$0.stress) }, file: nil)
      #expect(verdict.outcome == .pass, "\(way.name), \(verdict.scenario.name): \(verdict.findings) \(verdict.notes)")
      #expect(verdict.figures.allocations == verdict.figures.frees, "\(way.name), \(verdict.scenario.name)")
    }
  }

  private static let kinds: [AllocationFailure.Which] = [.every(1), .every(3), .nth(2), .eachInTurn, .probability(0.3)]

  @Test(arguments: kinds.indices)
  private func nothingRightIsAccusedWhenAllocationsFail(_ kind: Int) {
    let which = Self.kinds[kind]
    let ways = AllocationFailure.Counting.allCases.flatMap { counting in
      [Way.pipeline, .malloc].map { (counting, $0) }
    }
    for (number, entry) in right.filter({ mayRaceHere($0) && !$0.site.eager }).enumerated() {
      // Each in turn: with five kinds of failure, every entry goes through all of them.
      let (counting, way) = ways[(number + kind) % ways.count]
      let scenario = small(entry) {
        way.change(&$0.stress)
        $0.stress.time = 0.05
        $0.faults.allocationFailure = AllocationFailure(which)
        $0.faults.allocationFailure?.counted = counting
      }
      let verdict = Harness().run(scenario, file: nil)
      #expect(
        // Without an addon there is none to detach.
        verdict.outcome == .pass
          || verdict.outcome == .vacuous && (verdict.figures.refusals == 0 || verdict.figures.detaches == 0),
        "\(which) per \(counting), \(way.name), \(scenario.name): \(verdict.findings) \(verdict.notes)")
    }
  }

  @Test func everyFaultIsCaughtByItsCheckers() {
    for entry in caughtByCheckers where mayRaceHere(entry) && !entry.keepsHistory {
      for way in Way.sureOfCollisions {
        let scenario = fault(entry) { way.change(&$0) }
        let verdict = Harness().run(scenario, file: nil)
        // Being refused after another has won needs the two to be at different places: the pipeline's business.
        if case .someOfOneRacer = entry.fault?.failures, way.name == "forced" { continue }
        #expect(
          verdict.asExpected,
          "\(way.name), \(scenario.name): \(verdict.outcome), by \(Set(verdict.findings.map(\.checker))), \(verdict.notes)"
        )
      }
    }
  }

  /// Where a slot goes back to NULL racers have to meet in other places than the window before a publication, and which
  /// shape makes them do so depends on the fault: in one of them each is caught.
  @Test func everyFaultOfWhatGoesAwayIsCaughtInSomeShape() {
    for entry in caughtByCheckers where mayRaceHere(entry) && entry.keepsHistory {
      let verdicts = Audit.shapes.lazy.map { shape in
        var scenario = Audit().scenario(for: entry, in: shape)
        scenario.stress.time = 3
        // Where two processors are one core, some take hundreds of thousands.
        scenario.stress.collisions = .max
        return Harness().run(scenario, file: nil)
      }
      #expect(verdicts.contains { $0.asExpected }, "\(entry.site.name)")
    }
  }

  @Test func whatHardwareCannotShowIsNotAccused() {
    for entry in unseen where mayRaceHere(entry) {
      let verdict = Harness().run(small(entry) { $0.stress.visitsInFlight = 8 }, file: nil)
      #expect(verdict.outcome == .pass, "\(verdict.scenario.name): \(verdict.findings)")
    }
  }

  /// The sweep must hand over every round that a checker would object to.
  @Test func theSweepMissesNothing() {
    // Where slots go back to NULL there is no sweep: every round is judged.
    for entry in caughtByCheckers where mayRaceHere(entry) && !entry.keepsHistory {
      // Those that may report besides do so by chance.
      let wanted = Set(entry.fault?.checkers ?? [])
      for checking in [Checking.ordinary, .everyRound] {
        let verdict = Harness().run(fault(entry) { $0.checking = checking }, file: nil)
        let reported = Set(verdict.findings.map(\.checker))
        #expect(reported.isSuperset(of: wanted), "\(verdict.scenario.name), checking \(checking): \(reported)")
      }
    }
  }

  /// The first round is judged in full anyway; a fault that shows later must be caught by the sweep alone.
  @Test func theSweepFindsWhatTheFirstRoundDidNotShow() throws {
    guard BuildKind.current != .threadSanitizer else { return }
    let entry = try #require(Registry.linux.subject(site: "file-owner", strategy: "loser-leaks")?.facts)
    for way in Way.sureOfCollisions {
      var rounds: [Int] = []
      var scenario = small(entry)
      way.change(&scenario.stress)
      _ = try race(scenario) { evidence in
        rounds.append(evidence.round)
        return rounds.count < 4 ? .goOn : .stop
      }
      #expect(rounds.prefix(4) == [0, 1, 2, 3], "\(way.name): every round of this strategy is out of the ordinary")
    }
    let good = try #require(Registry.linux.subject(site: "file-owner", strategy: "compare-exchange")?.facts)
    var judged: [Int] = []
    _ = try race(small(good) { $0.stress.visitsInFlight = 8 }) { evidence in
      judged.append(evidence.round)
      return .goOn
    }
    #expect(judged.first == 0)
    #expect(judged.count == 2, "the first and the last; what is between is ordinary: \(judged)")
  }

  private func fault(_ entry: SubjectFacts, _ change: (inout StressOptions) -> Void = { _ in }) -> Scenario {
    var scenario = Audit().scenario(for: entry, in: Audit.shapes[1])
    scenario.stress.inodes = 32
    scenario.stress.visitsInFlight = 8
    scenario.stress.collisions = 2000
    scenario.stress.time = 20
    scenario.stress.watchdog = 60
    change(&scenario.stress)
    return scenario
  }
}

@Suite(.serialized) struct ShapeTests {
  private let entry = Registry.linux.subject(site: "file-owner", strategy: "compare-exchange")!.facts

  @Test func aPipelineAndAMeetingMakeEveryPopulationACollision() {
    for way in Way.sureOfCollisions {
      let verdict = Harness().run(small(entry) { way.change(&$0.stress) }, file: nil)
      #expect(verdict.figures.yield > 0.99, "\(way.name): \(verdict.figures.yield)")
    }
  }

  @Test func sixteenRacersOnAnyNumberOfProcessorsAllCollide() {
    let scenario = small(entry) {
      $0.racers = [RacerGroup(role: "allocate", count: 16)]
      $0.stress.visitsInFlight = 8
    }
    let verdict = Harness().run(scenario, file: nil)
    #expect(verdict.outcome == .pass, "\(verdict.notes)")
    #expect(verdict.figures.losersPerSlot > 13.5)
    #expect(verdict.figures.winsByRacer.count == 16)
  }

  @Test func everyShapeEndsOnOneProcessor() {
    for shape in RaceShape.allCases {
      for widening in Widening.allCases {
        for start in Start.allCases {
          let scenario = small(entry) {
            $0.stress.shape = shape
            $0.stress.widening = widening
            $0.stress.start = start
            $0.stress.processors = 1
            $0.stress.collisions = 50
            $0.stress.time = 0.2
          }
          let verdict = Harness().run(scenario, file: nil)
          #expect(verdict.outcome == .pass, "\(shape) \(widening) \(start): \(verdict.notes)")
          #expect(verdict.figures.calibration.processors == 1)
          #expect(verdict.figures.calibration.roundTripBefore == nil, "there is nobody to measure with")
        }
      }
    }
  }

  @Test func moreRacersThanCanStartIsAnError() {
    let scenario = small(entry) { $0.racers = [RacerGroup(role: "allocate", count: 256)] }
    let verdict = Harness().run(scenario, file: nil)
    #expect(verdict.outcome == .invalid)
    #expect(verdict.notes == ["256 racers: a race needs 2 to 255"])
  }

  @Test func anUnknownRoleIsAnError() {
    let scenario = small(entry) { $0.racers = [RacerGroup(role: "nobody", count: 2)] }
    #expect(
      Harness().run(scenario, file: nil).notes
        == ["site file-owner has no role 'nobody'; it has: allocate, set-owner, read"])
  }

  @Test func whatIsBelowTheFloorIsVacuous() {
    let scenario = small(entry) {
      $0.racers = [RacerGroup(role: "read", count: 2)]
      $0.stress.minimumYield = 0.5
      $0.stress.time = 0.05
    }
    let verdict = Harness().run(scenario, file: nil)
    #expect(verdict.outcome == .vacuous)
    #expect(verdict.exitStatus == .undecided)
  }

  @Test func aFaultThatNeverHappensIsVacuous() {
    let scenario = small(entry) { $0.faults.allocationFailure = AllocationFailure(.nth(1_000_000)) }
    #expect(Harness().run(scenario, file: nil).outcome == .vacuous)
  }

  @Test func nobodyIsJudgedWhereNothingIsChecked() {
    let scenario = small(entry) { $0.stress.checking = .none }
    let verdict = Harness().run(scenario, file: nil)
    #expect(verdict.figures.roundsJudged == 0)
    #expect(verdict.figures.collisions >= 300)
    #expect(Set(verdict.record.notJudged.map(\.checker)) == Set(CheckerCatalog.names))
  }

  @Test func theWatchdogEndsARaceThatStands() {
    let scenario = small(entry) {
      $0.stress.watchdog = 0.3
      $0.stress.collisions = .max
    }
    var stood = false
    let run = try? race(scenario) { _ in
      // Whoever judges holds up all the others: for longer than the watchdog waits, once.
      if !stood { Thread.sleep(forTimeInterval: 1) }
      stood = true
      return .goOn
    }
    guard case .timedOut(let why) = run?.end else {
      Issue.record("ended with \(String(describing: run?.end))")
      return
    }
    #expect(why.contains("no round ended for 0.3 s"))
  }

  /// Not under ThreadSanitizer: once a run is abandoned its racers go on without the locks that they wait for, and race.
  @Test(.enabled(if: BuildKind.current != .threadSanitizer))
  func aReaderThatStaysIsNamed() throws {
    let entry = try #require(
      Registry.linux.subject(site: "fsnotify-marks-section-kept", strategy: "compare-exchange")?.facts)
    let scenario = small(entry) {
      // Longer than a round takes, on a loaded machine too.
      $0.stress.watchdog = 3
      $0.stress.collisions = .max
      $0.stress.time = 120
      // A round leaves more frees than a racer may before it waits.
      $0.stress.inodes = 256
      // One mark stays, so that the hook gets past the mask and into its section whenever it comes.
      $0.racers.append(RacerGroup(role: "add", count: 1))
    }
    let verdict = Harness().run(scenario, file: nil)
    #expect(verdict.outcome == .timedOut)
    #expect(
      verdict.notes.contains { $0.contains("inside a read-side section of fsnotify-marks: racer 1;") },
      "\(verdict.notes)")
  }

  /// Whoever has left 64 frees to a grace period waits, for as long as a reader stays in its section.
  @Test func deferredFreesAreBounded() throws {
    var facts = entry
    facts.limits = SiteLimits(inodeSize: 8, biggestAddon: 40, deferredFreesPerVisit: 1)
    let plan = try Plan(small(entry) { $0.stress.inodes = 256 }, facts)
    let arena = Arena(plan, RacedCode(FileOwnerForTests.self))
    let state = arena.rounds[0].pointee.states[0]
    state.pointee.enter(.visiting)
    let memory = RacedMemory(state, entry: arena.rounds[0].pointee.logs[0], inode: 0, fiber: nil)
    func leave(_ count: Int) throws {
      for _ in 0..<count {
        memory.freeAfterGracePeriod(try memory.allocate(AddonKind(size: 40, zeroed: true)), .rcu)
      }
    }
    let sections = arena.sections
    sections.enter(.rcu, as: 1)
    try leave(DeferredFrees.most)
    let frees = state.pointee.deferredFrees + GracePeriod.rcu.number
    #expect(frees.pointee.count == DeferredFrees.most)
    let reader = Thread {
      Thread.sleep(forTimeInterval: 0.2)
      sections.leave(.rcu, as: 1)
    }
    reader.start()
    try leave(1)
    #expect(sections.word(of: 1, .rcu).pointee & ReadSections.depth == 0, "it did not wait for the reader")
    #expect(frees.pointee.count <= 1)
    try leave(100)
    #expect(frees.pointee.count <= DeferredFrees.most)
    frees.pointee.finish(in: memory)
    #expect(frees.pointee.count == 0)
  }

  @Test func memoryIsBoundedByTheScenario() throws {
    let bytes = Arena(try Plan(small(entry), entry), RacedCode(FileOwnerForTests.self)).bytes
    #expect(bytes < 200_000)
  }
}
