import AddonMemory
import Addons
import CAtomics
import Glibc
import RaceModel
import Recording

/// What a racer's operations touch in one round: one of these for each racer and each of the two rounds in flight.
///
/// Only its racer writes it, so nothing here orders racers. All of it is raw memory that the stress engine's arena owns.
public struct RacerState {
  // The heap: blocks of one size, handed out in order and never reused within the round.
  public var blocks: UInt = 0
  public var blockShift: UInt = 6
  public var ledger: UnsafeMutablePointer<UInt64>
  public var next = 0
  /// What the site's declaration leaves room for.
  public let capacity: Int
  public var blockBytes = 64
  /// The first of the numbers that visits get: those before it are the creation's.
  public var firstOfVisits = 0

  public var window = Window.none
  public var usesMalloc = false
  /// What `malloc` served goes back at the end of the round: where slots go back to NULL an address that came again would
  /// name two allocations of one inode.
  public var postponesFrees = false
  /// Blocks that visits free are filled with poison, and looked at after the round.
  public let wantsPoison: Bool
  public private(set) var poisons = true
  public private(set) var phase = RecordingPhase.visiting
  /// What a free adds to the ledger in this phase: of an allocation made for the same inode, and for another.
  public private(set) var freeOfOwn = LedgerEntry.freedByVisit
  public private(set) var freeOfOther = LedgerEntry.freedElsewhere
  /// Three fields: bits 0-15 count spin locks and sections that may not sleep, bits 16-31 mutexes and sections that may;
  /// bit 32 (`slowAllocation`) is set where an allocation is more than taking the pool's next block.
  public var pinDepth = 0
  /// Allocations that were asked for in this round.
  public var attempts = 0
  /// What this racer announces in the next window of a forced race, and when it leaves the visit.
  public var ticket: UInt64 = 0
  public var lastTicket: UInt64 = 0
  public var patience = Patience()
  /// Instructions of delay in the window.
  public var delay = 0

  public var roundNumber = 0
  public let racer: Int
  public let slotCount: Int
  public let round: UnsafeMutablePointer<RoundState>
  public let meeting: Meeting
  public var refusals: RefusalPolicy
  /// For the `malloc` heap: numbers by address, and addresses by number.
  public var addresses: AddressBook
  public var addressOf: UnsafeMutablePointer<UInt>

  /// Room for the inodes that this racer populated, which its sweep lists.
  public let wins: UnsafeMutablePointer<UInt32>
  /// What this racer found each slot to show at quiescence, and which inodes it has then torn down. Each racer has its
  /// own, so that sweeping moves no line between them.
  public let finals: UnsafeMutablePointer<UInt64>
  public let tornDown: UnsafeMutablePointer<Bool>

  /// Of the whole run, so that a section never outlives its round unseen.
  public let sections: ReadSections
  /// By index of a domain: whether the site's description names it.
  public let namedDomains: UInt64
  /// What this racer leaves to grace periods, by the number of the grace period.
  public let deferredFrees: UnsafeMutablePointer<DeferredFrees>
  /// Frees that visits have left in this round, and what the site's declaration leaves room for.
  public var deferredCount = 0
  public let mostDeferred: Int
  /// The site's operations, in order.
  public let history: UnsafeMutablePointer<RawHistoryEntry>
  public let historyCapacity: Int
  public var historyCount = 0

  // Rare events, in preallocated lists.
  public var observations: UnsafeMutablePointer<RecordedObservation>
  public var observationCount = 0
  public var strays: UnsafeMutablePointer<RecordedStray>
  public var strayCount = 0
  public let strayCapacity: Int

  public static var observationCapacity: Int { 64 }

  /// The site's slots go back to NULL: there visits are counted, and something may be freed under a reader.
  public var lingersInSections = false
  /// Racers begin each visit together, so that whoever populates can wait for company in a section.
  public var meetsInSections = false
  /// Windows of this round that were opened inside sections.
  public var windowsInSections = 0
  @usableFromInline var sectionDepth = 0
  private var turnsToLinger = 0

  public init(
    ledger: UnsafeMutablePointer<UInt64>, capacity: Int, wantsPoison: Bool, racer: Int, slotCount: Int,
    round: UnsafeMutablePointer<RoundState>, meeting: Meeting, refusals: RefusalPolicy, addresses: AddressBook,
    addressOf: UnsafeMutablePointer<UInt>, wins: UnsafeMutablePointer<UInt32>, finals: UnsafeMutablePointer<UInt64>,
    tornDown: UnsafeMutablePointer<Bool>, sections: ReadSections, namedDomains: UInt64,
    deferredFrees: UnsafeMutablePointer<DeferredFrees>,
    mostDeferred: Int, history: UnsafeMutablePointer<RawHistoryEntry>, historyCapacity: Int,
    observations: UnsafeMutablePointer<RecordedObservation>, strays: UnsafeMutablePointer<RecordedStray>,
    strayCapacity: Int
  ) {
    self.ledger = ledger
    self.capacity = capacity
    self.wantsPoison = wantsPoison
    self.racer = racer
    self.slotCount = slotCount
    self.round = round
    self.meeting = meeting
    self.refusals = refusals
    self.addresses = addresses
    self.addressOf = addressOf
    self.wins = wins
    self.finals = finals
    self.tornDown = tornDown
    self.sections = sections
    self.namedDomains = namedDomains
    self.deferredFrees = deferredFrees
    self.mostDeferred = mostDeferred
    self.history = history
    self.historyCapacity = historyCapacity
    self.observations = observations
    self.strays = strays
    self.strayCapacity = strayCapacity
  }

  public mutating func enter(_ phase: RecordingPhase) {
    self.phase = phase
    freeOfOwn = phase.isTeardown ? LedgerEntry.freedByTeardown : LedgerEntry.freedByVisit
    freeOfOther = phase.isTeardown ? LedgerEntry.freedByTeardown : LedgerEntry.freedElsewhere
    poisons = wantsPoison && phase != .sweeping
  }
}

// MARK: Locks and sections

extension RacerState {
  @inlinable static var slowAllocation: Int { 1 << 32 }
  @inlinable static var sleepable: Int { 1 << 16 }

  /// An allocation is more than taking the pool's next block.
  @inlinable public var needsSlowAllocation: Bool { @inline(__always) get { pinDepth != 0 } }
  /// The locks that the visit holds and the sections that it is in: there no fiber gives way.
  @inlinable public var isPinned: Bool { @inline(__always) get { pinDepth & (Self.slowAllocation - 1) != 0 } }
  /// The locks that the visit holds, and the sections in which it may not sleep.
  @inlinable public var locksHeld: Int { @inline(__always) get { pinDepth & (Self.sleepable - 1) } }
  @inlinable @inline(__always) public mutating func tookLock() { pinDepth &+= 1 }
  @inlinable @inline(__always) public mutating func gaveLockBack() { pinDepth &-= 1 }
  @inlinable @inline(__always) public mutating func tookMutex() { pinDepth &+= Self.sleepable }
  @inlinable @inline(__always) public mutating func gaveMutexBack() { pinDepth &-= Self.sleepable }

  @inlinable @inline(__always) public mutating func entered(_ domain: ReadDomain) {
    pinDepth &+= domain.maySleep ? Self.sleepable : 1
    sectionDepth &+= 1
  }
  @inlinable @inline(__always) public mutating func left(_ domain: ReadDomain) {
    pinDepth &-= domain.maySleep ? Self.sleepable : 1
    sectionDepth &-= 1
  }

  /// Whether all that pins the visit is sections: no lock, for which others might wait.
  public var isInSectionOnly: Bool {
    let sleepable = pinDepth >> 16 & (Self.sleepable - 1)
    return sectionDepth > 0 && locksHeld &+ sleepable == sectionDepth
  }

  /// Now and then a reader stays in its section until the others have got on, to meet whoever frees without waiting for it.
  public mutating func staysInSection() -> Bool {
    guard lingersInSections else { return false }
    turnsToLinger &+= 1
    return turnsToLinger % Self.windowsToLinger == 0
  }
  private static var windowsToLinger: Int { 16 }

  @inlinable @inline(__always) public func names(_ domain: ReadDomain) -> Bool {
    namedDomains >> UInt64(domain.index) & 1 != 0
  }
  public func names(_ gracePeriod: GracePeriod) -> Bool {
    gracePeriod.number == 0 || namedDomains >> UInt64(gracePeriod.number - 1) & 1 != 0
  }

  public mutating func forgetLocks() {
    pinDepth &= Self.slowAllocation
    sectionDepth = 0
  }
  /// Where failures are injected, or `malloc` serves.
  public mutating func alwaysAllocateSlowly() { pinDepth |= Self.slowAllocation }
}

// MARK: Heap

extension RacerState {
  /// Whether nobody has freed an allocation yet.
  public func isAlive(_ number: Int) -> Bool { ledger[number] & LedgerEntry.frees == 0 }

  /// Whether no visit has freed an allocation.
  public func wasAliveAtQuiescence(_ number: Int) -> Bool { ledger[number] & LedgerEntry.freesByVisits == 0 }

  /// Whether a freed block of the pool still holds the poison that it was filled with.
  @inlinable @inline(__always) public func blockIsPoisoned(_ number: Int) -> Bool {
    PoisonedBlock(blocks &+ UInt(bitPattern: number) &<< blockShift).isIntact(words: LedgerEntry.words(ledger[number]))
  }

  /// Gives back what `malloc` served and nobody freed: what a faulty strategy leaks must not fill the machine.
  public mutating func freeWhatIsLeft() {
    guard usesMalloc else { return }
    for number in 0..<next where postponesFrees || isAlive(number) {
      free(UnsafeMutableRawPointer(bitPattern: addressOf[number]))
    }
    next = 0
  }

  /// What the site declares is not enough: the run ends, and says so. Nothing was written beyond it.
  @inline(never) public mutating func exceed(_ limit: SiteLimit) {
    catomics_store_relaxed_64(round.pointee.exceeded, UInt64(limit.rawValue))
    catomics_store_relaxed_64(meeting.abandoned, 1)
  }
}

/// Where a racer's blocks lie: address and bytes.
public struct BlockPool {
  public let start: UInt
  public let bytes: UInt
  public init(start: UInt, bytes: UInt) {
    self.start = start
    self.bytes = bytes
  }
}

/// What all racers of one round share. Written by the set-up, and by whoever looks at it at quiescence.
public struct RoundState {
  public let inodes: UInt
  public let inodeCount: Int
  public let slotCount: Int
  public let shared: UInt
  public let racerCount: Int
  /// Each racer's log: a word for each slot of each inode, inode-major.
  public let logs: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  public let states: UnsafeMutablePointer<UnsafeMutablePointer<RacerState>>
  public let roles: UnsafeMutablePointer<UInt8>
  /// Where each inode lies, in bytes after the first one in memory: inodes are numbered in the order of visits.
  public let offsets: UnsafeMutablePointer<UInt32>
  /// Addons found on the site's lists.
  public let links: UnsafeMutablePointer<UInt64>
  public var linkCount = 0
  public let linkCapacity: Int
  /// Addons that hang off those in slots.
  public let hanging: UnsafeMutablePointer<UInt64>
  public var hangingCount = 0
  /// Each racer's pool; written by the set-up only.
  public let pools: UnsafeMutablePointer<BlockPool>
  /// The raw value of a `SiteLimit` that the site's code went beyond, or 0. Racers access it atomically.
  public let exceeded: UnsafeMutablePointer<UInt64>

  public init(
    inodes: UInt, inodeCount: Int, slotCount: Int, shared: UInt, racerCount: Int,
    logs: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>,
    states: UnsafeMutablePointer<UnsafeMutablePointer<RacerState>>, roles: UnsafeMutablePointer<UInt8>,
    offsets: UnsafeMutablePointer<UInt32>, links: UnsafeMutablePointer<UInt64>, linkCapacity: Int,
    hanging: UnsafeMutablePointer<UInt64>, pools: UnsafeMutablePointer<BlockPool>,
    exceeded: UnsafeMutablePointer<UInt64>
  ) {
    self.inodes = inodes
    self.inodeCount = inodeCount
    self.slotCount = slotCount
    self.shared = shared
    self.racerCount = racerCount
    self.logs = logs
    self.states = states
    self.roles = roles
    self.offsets = offsets
    self.links = links
    self.linkCapacity = linkCapacity
    self.hanging = hanging
    self.pools = pools
    self.exceeded = exceeded
  }

  @inlinable @inline(__always) public func inode(_ number: Int) -> Inode {
    Inode(address: inodes &+ UInt(offsets[number]), shared: shared)
  }
}

/// One operation of a site's history: what its slot held or came to hold, and between which ticks.
public struct RawHistoryEntry {
  public var begin: UInt64
  public var end: UInt64
  public var kind: HistoryEntry.Kind
  public var address: UInt
  public var inode: UInt32
  public var slot: UInt32

  @inlinable @inline(__always)
  public init(begin: UInt64, end: UInt64, _ result: HistoryResult, inode: UInt32, slot: UInt32) {
    self.begin = begin
    self.end = end
    let (kind, addon) = HistoryEntry.Kind.of(result)
    self.kind = kind
    address = addon?.address ?? 0
    self.inode = inode
    self.slot = slot
  }
}
