import AddonMemory
import Addons
import CThreads
import RaceModel

/// A scenario resolved for one site: every number settled but those that are tuned at run time.
struct Plan {
  let racerCount: Int
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
  let faults: Faults
  /// Every round is judged in full: the site or the faults are beyond what a sweep can tell.
  let judgesEveryRound: Bool
  let eager: Bool
  let looksAgainAfterFailure: Bool
  let slots: [String]

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

  init<S: Site>(_ scenario: Scenario, site: S.Type) throws(EngineError) {
    let about = S.about
    var roles: [UInt8] = []
    var looksOnly: [Bool] = []
    var readSections: [ReadDomain?] = []
    for group in scenario.racers {
      guard let role = S.Role.allCases.first(where: { $0.name == group.role }) else {
        let known = S.Role.allCases.map(\.name).joined(separator: ", ")
        throw EngineError("site \(about.name) has no role '\(group.role)'; it has: \(known)")
      }
      for _ in 0..<group.count {
        roles.append(role.rawValue)
        looksOnly.append(role.looksOnly)
        readSections.append(scenario.readSections[group.role])
      }
    }
    guard (2...Stress.mostRacers).contains(roles.count) else {
      throw EngineError("\(roles.count) racers: a race needs 2 to \(Stress.mostRacers)")
    }
    let options = scenario.stress
    racerCount = roles.count
    self.roles = roles
    self.looksOnly = looksOnly
    self.readSections = readSections
    self.options = options
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
    spacing = max(options.spacing ?? (options.shape == .natural ? S.inodeSize : 64), S.inodeSize)
    faults = scenario.faults
    eager = about.eager
    looksAgainAfterFailure = S.strategy.looksAgainAfterFailure
    slots = about.slots
    judgesEveryRound =
      options.checking == .everyRound || S.slotCount > 1 || S.keepsHistory || S.sharedSize > 0 || about.eager
      || scenario.faults.allocationFailure != nil || !looksOnly.contains(false)
  }
}
