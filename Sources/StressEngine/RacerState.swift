import AddonMemory
import Glibc
import RaceModel

/// What a racer's operations touch in one round: one of these for each racer and each of the two rounds in flight.
///
/// Only its racer writes it, so nothing here orders racers. All of it is raw memory that `Arena` owns.
struct RacerState {
  // The heap: blocks of one size, handed out in order and never reused within the round.
  var blocks: UInt = 0
  var blockShift: UInt = 6
  var ledger: UnsafeMutablePointer<UInt64>
  var next = 0
  let capacity: Int

  var window = Window.none
  var usesMalloc = false
  /// What `malloc` served goes back at the end of the round: where slots go back to NULL an address that came again would
  /// name two allocations of one inode.
  var postponesFrees = false
  /// Blocks that visits free are filled with poison, and looked at after the round.
  let wantsPoison: Bool
  private(set) var poisons = true
  private(set) var phase = Phase.visiting
  /// What a free adds to the ledger in this phase: of an allocation made for the same inode, and for another.
  private(set) var freeOfOwn = LedgerEntry.freedByVisit
  private(set) var freeOfOther = LedgerEntry.freedElsewhere
  /// The locks that the visit holds, and a bit that no count reaches where failures are injected or `malloc` serves.
  private(set) var care = 0
  /// Allocations that were asked for in this round.
  var attempts = 0
  /// What this racer announces in the next window of a forced race, and when it leaves the visit.
  var ticket: UInt64 = 0
  var lastTicket: UInt64 = 0
  var patience = Patience()
  /// Instructions of delay in the window.
  var delay = 0

  var roundNumber = 0
  let racer: Int
  let slotCount: Int
  let round: UnsafeMutablePointer<RoundState>
  let meeting: Meeting
  var refusals: RefusalPolicy
  /// For the `malloc` heap: numbers by address, and addresses by number.
  var addresses: AddressBook
  var addressOf: UnsafeMutablePointer<UInt>

  /// Room for the inodes that this racer populated, which its sweep lists.
  let wins: UnsafeMutablePointer<UInt32>
  /// What this racer found each slot to show at quiescence, and which inodes it has then torn down. Each racer has its
  /// own, so that sweeping moves no line between them.
  let finals: UnsafeMutablePointer<UInt64>
  let tornDown: UnsafeMutablePointer<Bool>

  /// Of the whole run, so that a section never outlives its round unseen.
  let sections: ReadSections
  /// What this racer leaves to grace periods, by kind of grace period.
  let deferredFrees: UnsafeMutablePointer<DeferredFrees>
  /// The site's operations, in order.
  let history: UnsafeMutablePointer<RawHistoryEntry>
  let historyCapacity: Int
  var historyCount = 0

  // Rare events, in preallocated lists.
  var observations: UnsafeMutablePointer<RawObservation>
  var observationCount = 0
  var strays: UnsafeMutablePointer<Stray>
  var strayCount = 0
  let strayCapacity: Int

  static var observationCapacity: Int { 64 }

  mutating func enter(_ phase: Phase) {
    self.phase = phase
    freeOfOwn = phase.isTeardown ? LedgerEntry.freedByTeardown : LedgerEntry.freedByVisit
    freeOfOther = phase.isTeardown ? LedgerEntry.freedByTeardown : LedgerEntry.freedElsewhere
    poisons = wantsPoison && phase != .sweeping
  }

  private static let extraordinary = 1 << 32
  private static let sleepy = 1 << 16
  /// An allocation is more than taking the pool's next block.
  var needsCare: Bool { @inline(__always) get { care != 0 } }
  /// The locks that the visit holds and the sections that it is in: there a shape only delays.
  var isPinned: Bool { @inline(__always) get { care & (Self.extraordinary - 1) != 0 } }
  /// The locks that the visit holds, and the sections in which it may not sleep.
  var locksHeld: Int { @inline(__always) get { care & (Self.sleepy - 1) } }
  @inline(__always) mutating func tookLock() { care &+= 1 }
  @inline(__always) mutating func gaveLockBack() { care &-= 1 }
  @inline(__always) mutating func tookMutex() { care &+= Self.sleepy }
  @inline(__always) mutating func gaveMutexBack() { care &-= Self.sleepy }
  private(set) var sectionDepth = 0
  private(set) var sectionWindows = 0
  @inline(__always) mutating func entered(_ domain: ReadDomain) {
    care &+= domain.maySleep ? Self.sleepy : 1
    sectionDepth &+= 1
  }
  @inline(__always) mutating func left(_ domain: ReadDomain) {
    care &-= domain.maySleep ? Self.sleepy : 1
    sectionDepth &-= 1
  }

  /// The site's slots go back to NULL: there visits are counted, and something may be freed under a reader.
  var outstaysOthers = false

  /// Now and then a reader stays in its section until the others have got on, to meet whoever frees without waiting for it.
  var staysInSection: Bool {
    mutating get {
      if sectionDepth == 0 || !outstaysOthers { return false }
      sectionWindows &+= 1
      return sectionWindows % 4 == 0
    }
  }

  mutating func forgetLocks() {
    care &= Self.extraordinary
    sectionDepth = 0
  }
  mutating func expectTheExtraordinary() { care |= Self.extraordinary }

  /// Whether nobody has freed an allocation yet.
  func isAlive(_ number: Int) -> Bool { ledger[number] & LedgerEntry.frees == 0 }

  /// Whether no visit has freed an allocation.
  func wasAliveAtQuiescence(_ number: Int) -> Bool { ledger[number] & LedgerEntry.freesByVisits == 0 }

  /// Gives back what `malloc` served and nobody freed: what a faulty strategy leaks must not fill the machine.
  mutating func freeWhatIsLeft() {
    guard usesMalloc else { return }
    for number in 0..<next where postponesFrees || isAlive(number) {
      free(UnsafeMutableRawPointer(bitPattern: addressOf[number]))
    }
    next = 0
  }

  /// What the racer is about: decides how a free is counted.
  enum Phase: UInt8 {
    case visiting, inspecting
    /// Tearing down inodes that it populated itself, while others do the same.
    case sweeping
    /// Tearing down whatever is left, alone.
    case clearing

    var isTeardown: Bool { self == .sweeping || self == .clearing }
    /// Nobody races: what waits for others has nobody to wait for.
    var isQuiescent: Bool { self != .visiting }
  }
}

/// What all racers of one round share. Written by the set-up only.
struct RoundState {
  let inodes: UInt
  let inodeCount: Int
  let slotCount: Int
  let shared: UInt
  let racerCount: Int
  /// Each racer's log: a word for each slot of each inode, inode-major.
  let logs: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  let states: UnsafeMutablePointer<UnsafeMutablePointer<RacerState>>
  let roles: UnsafeMutablePointer<UInt8>
  /// Where each inode lies, in bytes after the first one in memory: inodes are numbered in the order of visits.
  let offsets: UnsafeMutablePointer<UInt32>
  /// Addons found on the site's lists.
  let links: UnsafeMutablePointer<UInt64>
  var linkCount = 0
  let linkCapacity: Int
  /// Addons that hang off those in slots.
  let hanging: UnsafeMutablePointer<UInt64>
  /// Where each racer's pool begins; written by the set-up only.
  let pools: UnsafeMutablePointer<UInt>
  var hangingCount = 0

  @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(address: inodes &+ UInt(offsets[number]), shared: shared)
  }
}

/// A word that did not hold what its site expects, with its address.
struct RawObservation {
  var expectation: Expectation
  var phase: RacerState.Phase
  /// `UInt32.max`: none.
  var inode: UInt32
  var seen: UInt64
  var expected: UInt64
  var address: UInt
}

/// One operation of a site's history: what its slot held or came to hold, and between which ticks.
struct RawHistoryEntry {
  var begin: UInt64
  var end: UInt64
  /// The addon, and the kind in the bits above it.
  var what: UInt64
  var inode: UInt32
  var slot: UInt32

  @inline(__always) static func bits(_ result: HistoryResult) -> UInt64 {
    switch result {
    case .absent: 0
    case .found(let addon): 1 << 48 | UInt64(addon.address)
    case .attached(let addon): 2 << 48 | UInt64(addon.address)
    case .detached(let addon): 3 << 48 | UInt64(addon.address)
    }
  }

  var kind: HistoryEntry.Kind {
    switch what >> 48 {
    case 1: .found
    case 2: .attached
    case 3: .detached
    default: .absent
    }
  }
  var address: UInt { UInt(what & LogWord.address) }
}

/// Something that a racer did to an allocation which is not its own.
struct Stray {
  enum What { case publish, free }
  var what: What
  var address: UInt
  var inode: UInt32
  var phase: RacerState.Phase
}
