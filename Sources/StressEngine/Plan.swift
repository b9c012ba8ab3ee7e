import AddonMemory
import CThreads
import RaceLoops
import RaceModel

/// A scenario resolved for one site: every number settled but those that are tuned at run time.
struct Plan {
  let facts: SubjectFacts
  let racerCount: Int
  /// By racer.
  let roleNames: [String]
  /// Raw values of the site's roles, by racer.
  let roles: [UInt8]
  /// Racers that only look.
  let looksOnly: [Bool]
  /// The read-side section inside which a racer makes its visits.
  let readSections: [ReadDomain?]
  let processors: Int
  let window: Window
  let adaptiveStart: Bool
  let options: StressOptions
  let inodeCount: Int
  let spacing: Int
  let faults: InjectedFailures
  /// Every round is judged in full: the site or the faults are beyond what a sweep can tell.
  let judgesEveryRound: Bool

  /// Allocations of one racer in a round, its visits' and the creation's, which is the first racer's.
  func capacity(of racer: Int) -> Int {
    inodeCount * facts.limits.allocationsPerVisit + (racer == 0 ? creationCapacity : 0)
  }
  /// The shared area counts as one more inode.
  var creationCapacity: Int {
    (inodeCount + 1) * max(facts.limits.allocationsPerCreation, facts.site.eager ? 1 : 0)
  }

  /// Racers that outnumber the processors give them away instead of spinning.
  var spins: Int { racerCount <= processors ? 20_000 : 0 }

  /// The pipeline's choices of visits in flight, to tune from; one where the scenario says it.
  var visitsInFlightChoices: [Int] {
    guard window == .pipeline else { return [] }
    if let settled = options.visitsInFlight { return [settled] }
    return racerCount > processors ? [32, 64] : [8, 16, 32, 64]
  }

  /// Instructions of delay to tune from.
  var delayChoices: [Int] {
    guard window == .delay else { return [] }
    if let settled = options.delay { return [settled] }
    return [50, 100, 200, 400, 800]
  }

  init(_ scenario: Scenario, _ facts: SubjectFacts) throws(EngineError) {
    self.facts = facts
    roleNames = scenario.roles
    roles = try facts.roleNumbers(of: roleNames)
    guard (2...Stress.mostRacers).contains(roles.count) else {
      throw EngineError("\(roles.count) racers: a race needs 2 to \(Stress.mostRacers)")
    }
    looksOnly = roles.map { facts.roles[Int($0)].looksOnly }
    readSections = roleNames.map { scenario.readSections[$0] }
    options = scenario.stress
    racerCount = roles.count
    processors = min(options.processors ?? .max, Int(cthreads_processor_count()))
    window =
      switch (options.shape, options.widening) {
      case (.natural, _): .none
      case (.forced, _): .meet
      case (.widened, .pipeline): .pipeline
      case (.widened, .delay): .delay
      case (.widened, .yield): .yield
      }
    adaptiveStart = options.start == .adaptive && window != .pipeline && window != .meet
    inodeCount = options.inodes
    let size = facts.limits.inodeSize
    spacing = max(options.spacing ?? (options.shape == .natural ? size : 64), size)
    faults = scenario.faults
    judgesEveryRound =
      options.checking == .everyRound || facts.limits.slotCount > 1 || facts.keepsHistory
      || facts.limits.sharedSize > 0 || facts.limits.allocationsPerCreation > 0 || facts.site.eager
      || scenario.faults.allocationFailure != nil || !looksOnly.contains(false)
  }
}
