import AddonMemory
import Addons
import RaceModel
import Recording

/// What is noted of one execution of a site. Unsafe: belongs to the `SiteProgram`.
struct SiteState {
  let inodeCount: Int
  let slotCount: Int
  let racerCount: Int
  let limits: SiteLimits
  /// The domains that the site's description names, RCU first.
  let domains: [ReadDomain]
  /// By racer, inode and slot, as the stress engine's.
  let logs: UnsafeMutablePointer<UInt64>
  let roles: UnsafeMutablePointer<UInt8>
  /// By racer: the read-side section inside which it makes its visits.
  let callersSections: UnsafeMutablePointer<ReadDomain?>
  let locksHeld: UnsafeMutablePointer<Int>
  /// By racer, nobody included: what it has allocated, and left to grace periods, in the visit it is at.
  let allocationsInVisit: UnsafeMutablePointer<Int>
  let deferredInVisit: UnsafeMutablePointer<Int>
  /// By inode and slot: what it shows at quiescence.
  let finals: UnsafeMutablePointer<UInt64>
  var phase = RecordingPhase.clearing
  var observations: [RecordedObservation] = []
  var strays: [RecordedStray] = []
  var links: [UInt] = []
  var hanging: [UInt] = []
  var history: [RecordedOperation] = []
  /// Allocations of the creation of all inodes and the shared area, and how many there may be.
  var createdCount = 0
  let creationCapacity: Int
  /// What the site's code went beyond.
  var exceeded: SiteLimit?
  /// By domain and racer: how deep it is in sections, and how many it has begun or ended.
  let depths: UnsafeMutablePointer<Int>
  let sections: UnsafeMutablePointer<UInt64>
  /// The words of sections, by domain and racer, and those of deferred frees, by racer: what exists from the start.
  var sectionWords: UInt = 0
  var deferralWords: UInt = 0
  let deferralsPerRacer: Int
  /// What each racer has handed over to be freed, and after what.
  let deferred: UnsafeMutablePointer<Deferred>
  let deferredCounts: UnsafeMutablePointer<Int>
  /// By inode and slot: where it lies, once somebody has looked.
  let slotAddresses: UnsafeMutablePointer<UInt>
  /// By racer and inode: its events when the visit began; at the end of each racer's row, when its last one ended.
  let visitStarts: UnsafeMutablePointer<Int32>

  struct Deferred {
    var address: UInt
    var gracePeriod: GracePeriod
  }

  var sectionCount: Int { domains.count * racerCount }
  var logCount: Int { racerCount * inodeCount * slotCount }

  static let mostObservations = 64
  /// What the word of a deferred free holds: odd as long as nobody knows.
  static var isUnknown: UInt64 { 1 }
  static var isDeferred: UInt64 { 2 }
  static var isNone: UInt64 { 4 }
  /// A slot that lies in an addon, and so in several places in turn.
  static var isMoving: UInt { .max }

  /// `everyRacer`: those that free what others leave to grace periods included.
  init(_ facts: SubjectFacts, _ scenario: Scenario, roles numbers: [UInt8], everyRacer: Int) {
    let names = scenario.exploredRoles
    let slots = scenario.explore.inodes * facts.limits.slotCount
    inodeCount = scenario.explore.inodes
    slotCount = facts.limits.slotCount
    racerCount = names.count
    limits = facts.limits
    domains = facts.site.domains
    deferralsPerRacer = facts.limits.deferredFreesPerVisit * scenario.explore.inodes
    creationCapacity =
      (scenario.explore.inodes + 1) * max(facts.limits.allocationsPerCreation, facts.site.eager ? 1 : 0)
    logs = .allocate(capacity: racerCount * slots)
    roles = .allocate(capacity: racerCount)
    callersSections = .allocate(capacity: racerCount)
    for (racer, name) in names.enumerated() {
      roles[racer] = numbers[racer]
      (callersSections + racer).initialize(to: scenario.readSections[name])
    }
    locksHeld = .allocate(capacity: everyRacer + 1)
    allocationsInVisit = .allocate(capacity: everyRacer + 1)
    deferredInVisit = .allocate(capacity: everyRacer + 1)
    finals = .allocate(capacity: slots)
    depths = .allocate(capacity: domains.count * racerCount)
    sections = .allocate(capacity: domains.count * racerCount)
    deferred = .allocate(capacity: racerCount * deferralsPerRacer)
    deferredCounts = .allocate(capacity: racerCount)
    slotAddresses = .allocate(capacity: slots)
    visitStarts = .allocate(capacity: racerCount * (inodeCount + 1))
    clear(everyRacer: everyRacer)
  }

  func destroy() {
    logs.deallocate()
    roles.deallocate()
    callersSections.deallocate()
    locksHeld.deallocate()
    allocationsInVisit.deallocate()
    deferredInVisit.deallocate()
    finals.deallocate()
    depths.deallocate()
    sections.deallocate()
    deferred.deallocate()
    deferredCounts.deallocate()
    slotAddresses.deallocate()
    visitStarts.deallocate()
  }

  /// Before an execution.
  mutating func clear(everyRacer: Int) {
    logs.initialize(repeating: 0, count: logCount)
    locksHeld.initialize(repeating: 0, count: everyRacer + 1)
    allocationsInVisit.initialize(repeating: 0, count: everyRacer + 1)
    deferredInVisit.initialize(repeating: 0, count: everyRacer + 1)
    finals.initialize(repeating: 0, count: inodeCount * slotCount)
    slotAddresses.initialize(repeating: 0, count: inodeCount * slotCount)
    depths.initialize(repeating: 0, count: sectionCount)
    sections.initialize(repeating: 0, count: sectionCount)
    deferredCounts.initialize(repeating: 0, count: racerCount)
    if !observations.isEmpty { observations.removeAll() }
    if !strays.isEmpty { strays.removeAll() }
    if !links.isEmpty { links.removeAll(keepingCapacity: true) }
    if !hanging.isEmpty { hanging.removeAll(keepingCapacity: true) }
    if !history.isEmpty { history.removeAll(keepingCapacity: true) }
  }
}
