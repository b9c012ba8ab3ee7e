import AddonMemory
import Addons
import CAtomics
import RaceModel

/// All memory of a run, allocated before it and freed after it: two rounds in flight, and the lines that racers wait on.
final class Arena {
  static let roundsInFlight = 2
  static let lineWords = 16

  let plan: Plan
  /// Line pairs of 128 bytes: the barrier, flags, then one for each racer's progress.
  let lines: UnsafeMutablePointer<UInt64>
  /// Where each inode lies, in bytes after the first one in memory and in the order of visits; repeated at the end, so that
  /// prefetching may run ahead.
  let offsets: UnsafeMutablePointer<UInt32>
  static let overhang = 128
  let rounds: [UnsafeMutablePointer<RoundState>]
  let sections: ReadSections
  let slotCount: Int
  let inodeBytes: Int
  /// What each racer has counted in all its sweeps, as it was when a round began: one for each round in flight.
  let tallies: [UnsafeMutablePointer<Tally>]
  private let visitSettings: [UnsafeMutableRawPointer]
  private var blocks: [(UnsafeMutableRawPointer, bytes: Int)] = []

  init<S: Site>(_ plan: Plan, site: S.Type) {
    self.plan = plan
    let racers = plan.racerCount
    let inodes = plan.inodeCount
    slotCount = S.slotCount
    inodeBytes = inodes * plan.spacing
    var blocks: [(UnsafeMutableRawPointer, bytes: Int)] = []
    func allocate<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
      let bytes = max(count * MemoryLayout<T>.stride, 1)
      let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: bytes >= 4096 ? 4096 : 128)
      block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      blocks.append((block, bytes))
      return block.assumingMemoryBound(to: T.self)
    }

    lines = allocate(UInt64.self, (Line.progress + racers) * Self.lineWords)
    offsets = allocate(UInt32.self, inodes + Self.overhang)
    let sequence = VisitSequence.make(plan.options.order, count: inodes, seed: plan.options.seed)
    for number in 0..<inodes + Self.overhang { offsets[number] = UInt32(sequence[number % inodes] * plan.spacing) }

    var blockShift = 6
    while 1 << blockShift < S.biggestAddon { blockShift += 1 }
    // Creation, in an eager site, allocates from the first racer's heap.
    let capacity = inodes * (S.allocationsPerVisit + (plan.eager ? 1 : 0))
    sections = ReadSections(
      words: allocate(UInt64.self, ReadSections.wordCount(racers: racers)), racerCount: racers)
    let deferredFrees = (0..<racers).map { racer in
      let frees = allocate(DeferredFrees.self, GracePeriod.allCases.count)
      for gracePeriod in GracePeriod.allCases {
        (frees + gracePeriod.rawValue).initialize(
          to: DeferredFrees(
            gracePeriod, addons: allocate(UInt.self, DeferredFrees.room),
            seen: allocate(UInt64.self, ReadDomain.count * racers)))
      }
      return frees
    }
    // Whoever starts over does so because another racer detached something: a few times, with as many racers.
    let historyCapacity = S.keepsHistory ? inodes * (2 + 2 * racers + 2 * S.slotCount) : 0
    var rounds: [UnsafeMutablePointer<RoundState>] = []
    var tallies: [UnsafeMutablePointer<Tally>] = []
    var visitSettings: [UnsafeMutableRawPointer] = []
    for _ in 0..<Self.roundsInFlight {
      let roles = allocate(UInt8.self, racers)
      for racer in 0..<racers { roles[racer] = plan.roles[racer] }
      let logs = allocate(UnsafeMutablePointer<UInt64>.self, racers)
      let states = allocate(UnsafeMutablePointer<RacerState>.self, racers)
      let round = allocate(RoundState.self, 1)
      round.initialize(
        to: RoundState(
          inodes: UInt(bitPattern: allocate(UInt8.self, inodeBytes)), inodeCount: inodes,
          slotCount: S.slotCount, shared: S.sharedSize == 0 ? 0 : UInt(bitPattern: allocate(UInt8.self, S.sharedSize)),
          racerCount: racers, logs: logs, states: states, roles: roles, offsets: offsets,
          links: allocate(UInt64.self, capacity * racers), linkCapacity: capacity * racers,
          hanging: allocate(UInt64.self, capacity * racers), pools: allocate(UInt.self, racers)))
      rounds.append(round)
      for racer in 0..<racers {
        logs[racer] = allocate(UInt64.self, inodes * S.slotCount + Self.lineWords)
        let strayCapacity = 4 * inodes * S.slotCount
        let state = allocate(RacerState.self, 1)
        state.initialize(
          to: RacerState(
            ledger: allocate(UInt64.self, capacity + Self.lineWords), capacity: capacity,
            wantsPoison: plan.options.checking != .none, racer: racer,
            slotCount: S.slotCount, round: round,
            meeting: Meeting(
              progress: lines + Line.progress * Self.lineWords, abandoned: lines + Line.abandoned * Self.lineWords,
              racer: racer, racerCount: racers, spins: plan.spins),
            refusals: RefusalPolicy(
              plan.faults.allocationFailure, racer: racer, seed: plan.options.seed, attemptsOfRound: capacity,
              attemptsOfVisit: S.allocationsPerVisit),
            addresses: AddressBook(capacity: plan.options.heap == .malloc ? capacity : 1),
            addressOf: allocate(UInt.self, plan.options.heap == .malloc ? capacity : 1),
            wins: allocate(UInt32.self, inodes + 1),
            finals: allocate(UInt64.self, inodes * S.slotCount), tornDown: allocate(Bool.self, inodes),
            sections: sections, deferredFrees: deferredFrees[racer],
            history: allocate(RawHistoryEntry.self, historyCapacity), historyCapacity: historyCapacity,
            observations: allocate(RawObservation.self, RacerState.observationCapacity),
            strays: allocate(Stray.self, strayCapacity), strayCapacity: strayCapacity))
        state.pointee.blockShift = UInt(blockShift)
        state.pointee.usesMalloc = plan.options.heap == .malloc
        state.pointee.outstaysOthers = S.keepsHistory
        state.pointee.postponesFrees = plan.options.heap == .malloc && S.keepsHistory
        if plan.options.heap == .malloc || plan.faults.allocationFailure != nil {
          state.pointee.expectTheExtraordinary()
        }
        if plan.options.heap == .pool {
          state.pointee.blocks = UInt(bitPattern: allocate(UInt8.self, capacity << blockShift))
          round.pointee.pools[racer] = state.pointee.blocks
        }
        state.pointee.enter(.visiting)
        states[racer] = state
        tallies.append(allocate(Tally.self, 2))
        let setting = allocate(VisitSetting<S>.self, 1)
        setting.initialize(to: VisitSetting(plan, round.pointee, racer: racer))
        visitSettings.append(setting)
      }
    }
    self.rounds = rounds
    self.tallies = tallies
    self.visitSettings = visitSettings
    self.blocks = blocks
    for round in rounds { Self.create(round, slotsOf: S.self, bytes: inodeBytes) }
  }

  deinit {
    for round in rounds {
      for racer in 0..<plan.racerCount {
        round.pointee.states[racer].pointee.freeWhatIsLeft()
        round.pointee.states[racer].pointee.addresses.destroy()
      }
    }
    for (block, _) in blocks { block.deallocate() }
  }

  /// Bytes that the run holds, whatever its length.
  var bytes: Int { blocks.reduce(0) { $0 + $1.bytes } }

  func tally(of racer: Int, round: Int) -> UnsafeMutablePointer<Tally> {
    tallies[round % Self.roundsInFlight * plan.racerCount + racer]
  }

  /// A `VisitSetting` of the arena's site.
  func visitSetting(of racer: Int, buffer: Int) -> UnsafeMutableRawPointer {
    visitSettings[buffer * plan.racerCount + racer]
  }

  func line(_ number: Int) -> UnsafeMutablePointer<UInt64> { lines + number * Self.lineWords }

  /// Puts inodes and shared area of a round into their first state. Only while nobody races there.
  static func create<S: Site>(_ round: UnsafeMutablePointer<RoundState>, slotsOf: S.Type, bytes: Int) {
    UnsafeMutableRawPointer(bitPattern: round.pointee.inodes)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: bytes)
    // What one round left in the shared area must not be held against the next.
    UnsafeMutableRawPointer(bitPattern: round.pointee.shared)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: S.sharedSize)
    let state = round.pointee.states[0]
    state.pointee.window = .none
    state.pointee.enter(.clearing)
    var ignored: UInt64 = 0
    withUnsafeMutablePointer(to: &ignored) { ignored in
      if S.sharedSize > 0 {
        S.createShared(
          at: round.pointee.shared, in: RacedMemory(state, entry: ignored, inode: .max, fiber: nil))
      }
      for inode in 0..<round.pointee.inodeCount {
        S.create(
          round.pointee.inode(inode), in: RacedMemory(state, entry: ignored, inode: UInt32(inode), fiber: nil))
      }
    }
    state.pointee.enter(.visiting)
  }
}

/// The lines that racers share.
enum Line {
  static let barrier = 0
  /// Nonzero ends all waiting: the run is given up.
  static let abandoned = 1
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

/// What a racer counted.
struct Tally {
  var rounds = 0
  var populations = 0
  var collisions = 0
  var losers = 0
  /// Stretches of neighbouring inodes that one racer populated.
  var stretches = 0
  var allocations = 0
  var frees = 0
  var refusals = 0
  var detaches = 0

  static func += (sum: inout Tally, more: Tally) {
    sum.rounds &+= more.rounds
    sum.populations &+= more.populations
    sum.collisions &+= more.collisions
    sum.losers &+= more.losers
    sum.stretches &+= more.stretches
    sum.allocations &+= more.allocations
    sum.frees &+= more.frees
    sum.refusals &+= more.refusals
    sum.detaches &+= more.detaches
  }

  static func - (sum: Tally, part: Tally) -> Tally {
    Tally(
      rounds: sum.rounds - part.rounds, populations: sum.populations - part.populations,
      collisions: sum.collisions - part.collisions, losers: sum.losers - part.losers,
      stretches: sum.stretches - part.stretches, allocations: sum.allocations - part.allocations,
      frees: sum.frees - part.frees, refusals: sum.refusals - part.refusals, detaches: sum.detaches - part.detaches)
  }
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
        sequence.swapAt(last, Int(Random.mix(seed, UInt64(last)) % UInt64(last + 1)))
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
