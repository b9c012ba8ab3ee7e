import AddonMemory
import Addons
import CAtomics
import Machine
import RaceLoops
import RaceModel
import Recording

/// All memory of a run, allocated before it and freed after it: two rounds in flight, and the lines that racers wait on.
final class Arena {
  static let roundsInFlight = 2

  let plan: Plan
  let code: RacedCode
  private let memory = ArenaMemory()
  /// Line pairs: the barrier, flags, then one for each racer's progress.
  let lines: UnsafeMutablePointer<UInt64>
  /// Where each inode lies, in bytes after the first one in memory and in the order of visits; repeated at the end, so that
  /// prefetching may run ahead.
  let offsets: UnsafeMutablePointer<UInt32>
  static let overhang = 128
  let sections: ReadSections
  private let deferredFrees: [UnsafeMutablePointer<DeferredFrees>]
  private(set) var rounds: [UnsafeMutablePointer<RoundState>]
  /// What each racer has counted in all its sweeps, as it was when a round began: one for each round in flight.
  private var tallies: [UnsafeMutablePointer<Tally>]
  private var settings: [UnsafeMutablePointer<VisitSetting>]

  init(_ plan: Plan, _ code: RacedCode) {
    self.plan = plan
    self.code = code
    let racers = plan.racerCount
    let limits = plan.facts.limits
    lines = memory.allocate(UInt64.self, (Line.progress + racers) * LinePair.words)
    offsets = memory.allocate(UInt32.self, plan.inodeCount + Self.overhang)
    let sequence = VisitSequence.make(plan.options.order, count: plan.inodeCount, seed: plan.options.seed)
    for number in 0..<plan.inodeCount + Self.overhang {
      offsets[number] = UInt32(sequence[number % plan.inodeCount] * plan.spacing)
    }
    let domains = ReadDomain.count
    sections = ReadSections(
      words: memory.allocate(UInt64.self, ReadSections.wordCount(racers: racers, domains: domains)),
      racerCount: racers, domainCount: domains)
    deferredFrees = (0..<racers).map { [memory] _ in
      Self.deferredFrees(domains, racers, limits.deferredFreesPerVisit, memory)
    }
    rounds = []
    tallies = []
    settings = []
    for _ in 0..<Self.roundsInFlight { addRound() }
    for round in rounds { create(round) }
  }

  private static func deferredFrees(
    _ domains: Int, _ racers: Int, _ perVisit: Int, _ memory: ArenaMemory
  ) -> UnsafeMutablePointer<DeferredFrees> {
    let frees = memory.allocate(DeferredFrees.self, domains + 1)
    for gracePeriod in GracePeriod.all(ofDomains: domains) {
      (frees + gracePeriod.number).initialize(
        to: DeferredFrees(
          gracePeriod, perVisit: perVisit,
          addons: memory.allocate(UInt.self, DeferredFrees.room(perVisit: perVisit)),
          seen: memory.allocate(UInt64.self, domains * racers)))
    }
    return frees
  }

  private func addRound() {
    let (racers, inodes, limits) = (plan.racerCount, plan.inodeCount, plan.facts.limits)
    let roles = memory.allocate(UInt8.self, racers)
    for racer in 0..<racers { roles[racer] = plan.roles[racer] }
    let round = memory.allocate(RoundState.self, 1)
    let listed = (0..<racers).reduce(0) { $0 + plan.capacity(of: $1) }
    round.initialize(
      to: RoundState(
        inodes: UInt(bitPattern: memory.allocate(UInt8.self, inodes * plan.spacing)), inodeCount: inodes,
        slotCount: limits.slotCount,
        shared: limits.sharedSize == 0 ? 0 : UInt(bitPattern: memory.allocate(UInt8.self, limits.sharedSize)),
        racerCount: racers, logs: memory.allocate(UnsafeMutablePointer<UInt64>.self, racers),
        states: memory.allocate(UnsafeMutablePointer<RacerState>.self, racers), roles: roles, offsets: offsets,
        links: memory.allocate(UInt64.self, listed), linkCapacity: listed,
        hanging: memory.allocate(UInt64.self, listed), pools: memory.allocate(BlockPool.self, racers),
        exceeded: memory.allocate(UInt64.self, 1)))
    for racer in 0..<racers {
      round.pointee.logs[racer] = memory.allocate(UInt64.self, inodes * limits.slotCount + LinePair.words)
      round.pointee.states[racer] = makeState(racer, round)
      tallies.append(memory.allocate(Tally.self, 2))
      let setting = memory.allocate(VisitSetting.self, 1)
      setting.initialize(
        to: VisitSetting(
          round.pointee, racer: racer, section: plan.readSections[racer], isLooking: plan.looksOnly[racer]))
      code.setRole(plan.roles[racer], setting)
      settings.append(setting)
    }
    rounds.append(round)
  }

  private func makeState(_ racer: Int, _ round: UnsafeMutablePointer<RoundState>) -> UnsafeMutablePointer<RacerState> {
    let (racers, inodes, limits) = (plan.racerCount, plan.inodeCount, plan.facts.limits)
    let slots = inodes * limits.slotCount
    let capacity = plan.capacity(of: racer)
    let usesMalloc = plan.options.heap == .malloc
    let keepsHistory = plan.facts.keepsHistory
    // Whoever starts over does so because another racer detached something: a few times, with as many racers.
    let historyCapacity = keepsHistory ? inodes * (2 + 2 * racers + 2 * limits.slotCount) : 0
    let strayCapacity = 4 * slots
    let state = memory.allocate(RacerState.self, 1)
    state.initialize(
      to: RacerState(
        ledger: memory.allocate(UInt64.self, capacity + LinePair.words), capacity: capacity,
        wantsPoison: plan.options.checking != .none, racer: racer, slotCount: limits.slotCount, round: round,
        meeting: Meeting(
          progress: line(Line.progress), abandoned: line(Line.abandoned), racer: racer, racerCount: racers,
          spins: plan.spins),
        refusals: RefusalPolicy(
          plan.faults.allocationFailure, racer: racer, seed: plan.options.seed,
          attemptsOfRound: inodes * limits.allocationsPerVisit, attemptsOfVisit: limits.allocationsPerVisit),
        addresses: AddressBook(capacity: usesMalloc ? capacity : 1),
        addressOf: memory.allocate(UInt.self, usesMalloc ? capacity : 1),
        wins: memory.allocate(UInt32.self, inodes + 1), finals: memory.allocate(UInt64.self, slots),
        tornDown: memory.allocate(Bool.self, inodes), sections: sections,
        namedDomains: plan.facts.site.domains.reduce(0) { $0 | 1 << UInt64($1.index) },
        deferredFrees: deferredFrees[racer],
        mostDeferred: inodes * limits.deferredFreesPerVisit,
        history: memory.allocate(RawHistoryEntry.self, historyCapacity), historyCapacity: historyCapacity,
        observations: memory.allocate(RecordedObservation.self, RacerState.observationCapacity),
        strays: memory.allocate(RecordedStray.self, strayCapacity), strayCapacity: strayCapacity))
    while 1 << state.pointee.blockShift < limits.biggestAddon { state.pointee.blockShift += 1 }
    state.pointee.blockBytes = limits.biggestAddon
    state.pointee.usesMalloc = usesMalloc
    state.pointee.lingersInSections = keepsHistory
    state.pointee.postponesFrees = usesMalloc && keepsHistory
    if usesMalloc || plan.faults.allocationFailure != nil { state.pointee.alwaysAllocateSlowly() }
    if !usesMalloc {
      let bytes = capacity << Int(state.pointee.blockShift)
      state.pointee.blocks = UInt(bitPattern: memory.allocate(UInt8.self, bytes))
      round.pointee.pools[racer] = BlockPool(start: state.pointee.blocks, bytes: UInt(bytes))
    }
    state.pointee.enter(.visiting)
    return state
  }

  deinit {
    for round in rounds {
      for racer in 0..<plan.racerCount {
        round.pointee.states[racer].pointee.freeWhatIsLeft()
        round.pointee.states[racer].pointee.addresses.destroy()
      }
    }
  }

  /// Bytes that the run holds, whatever its length.
  var bytes: Int { memory.bytes }

  func tally(of racer: Int, round: Int) -> UnsafeMutablePointer<Tally> {
    tallies[round % Self.roundsInFlight * plan.racerCount + racer]
  }

  func setting(of racer: Int, buffer: Int) -> UnsafePointer<VisitSetting> {
    UnsafePointer(settings[buffer * plan.racerCount + racer])
  }

  func line(_ number: Int) -> UnsafeMutablePointer<UInt64> { lines + number * LinePair.words }

  /// The limit that the site's code went beyond, if it did.
  var exceeded: SiteLimit? {
    rounds.lazy.compactMap { round in
      let number = catomics_load_relaxed_64(round.pointee.exceeded)
      return SiteLimit(rawValue: UInt8(truncatingIfNeeded: number))
    }.first
  }

  /// Puts inodes and shared area of a round into their first state. Only while nobody races there.
  func create(_ round: UnsafeMutablePointer<RoundState>) {
    let sharedSize = plan.facts.limits.sharedSize
    UnsafeMutableRawPointer(bitPattern: round.pointee.inodes)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: plan.inodeCount * plan.spacing)
    // What one round left in the shared area must not be held against the next.
    UnsafeMutableRawPointer(bitPattern: round.pointee.shared)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: sharedSize)
    let state = round.pointee.states[0]
    state.pointee.window = .none
    state.pointee.enter(.clearing)
    let ignored = UnsafeMutablePointer<UInt64>.allocate(capacity: plan.facts.limits.slotCount)
    ignored.initialize(repeating: 0, count: plan.facts.limits.slotCount)
    defer { ignored.deallocate() }
    if sharedSize > 0 {
      code.createShared(round.pointee.shared, RacedMemory(state, entry: ignored, inode: .max, fiber: nil))
    }
    for inode in 0..<round.pointee.inodeCount {
      code.create(
        round.pointee.inode(inode), RacedMemory(state, entry: ignored, inode: UInt32(inode), fiber: nil))
    }
    if state.pointee.next > plan.creationCapacity { state.pointee.exceed(.allocationsPerCreation) }
    state.pointee.firstOfVisits = state.pointee.next
    state.pointee.enter(.visiting)
  }
}

/// Memory that goes with its owner: zeroed, on pages or line pairs of its own.
private final class ArenaMemory {
  private var blocks: [(UnsafeMutableRawPointer, bytes: Int)] = []

  func allocate<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
    let bytes = max(count * MemoryLayout<T>.stride, 1)
    let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: bytes >= 4096 ? 4096 : LinePair.bytes)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    blocks.append((block, bytes))
    return block.assumingMemoryBound(to: T.self)
  }

  var bytes: Int { blocks.reduce(0) { $0 + $1.bytes } }

  deinit { for (block, _) in blocks { block.deallocate() } }
}

/// The lines that racers share.
enum Line {
  static let barrier = 0
  /// Nonzero ends all waiting: the run is given up.
  static let abandoned = 1
  /// What `abandoned` holds where code failed and was left.
  static let leftInTheMiddle: UInt64 = 2
  /// Racers leave before the round of this number; 0: not yet.
  static let stop = 2
  /// For each round in flight, 1 + the number of the round in which something out of the ordinary was seen.
  static let suspect = 3
  /// Rounds begun: what the watchdog looks at.
  static let heartbeat = 5
  /// Visits in flight, and instructions of delay, of the next round.
  static let visitsInFlight = 6
  static let delay = 7
  /// Racers that stand at the start.
  static let arrived = 8
  static let started = 9
  /// The first of as many lines as there are racers.
  static let roundTrip = 10
  static let progress = 11
}

/// The order in which inodes are visited, as places in memory.
enum VisitSequence {
  /// A permutation of `0..<count`, a function of its arguments.
  static func make(_ order: VisitOrder, count: Int, seed: UInt64) -> [Int] {
    switch order {
    case .sequential: return Array(0..<count)
    case .strided:
      // A stride that shares no factor with the count visits everything once.
      var stride = min(31, count - 1)
      while !isCoprime(stride, count) { stride += 1 }
      return (0..<count).map { $0 * stride % count }
    case .shuffled:
      var sequence = Array(0..<count)
      for last in stride(from: count - 1, to: 0, by: -1) {
        sequence.swapAt(last, Int(SplitMix.hash(seed, UInt64(last)) % UInt64(last + 1)))
      }
      return sequence
    }
  }

  private static func isCoprime(_ a: Int, _ b: Int) -> Bool {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a == 1
  }
}
