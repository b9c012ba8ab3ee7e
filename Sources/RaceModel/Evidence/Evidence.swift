import AddonMemory

/// What an engine recorded of one round (or one execution), whole and at quiescence. Checkers turn it into findings.
///
/// Allocations are named by their index in `allocations`, never by an address.
public struct Evidence: Sendable {
  /// The number of the round, from 0.
  public var round = 0
  /// The site's slots, by name.
  public var slots: [String] = []
  /// Every inode was populated at creation: populations without a publishing visit are right.
  public var eager = false
  /// The strategy promises to look again when its allocation fails.
  public var looksAgainAfterFailure = false
  /// The role of each racer.
  public var roles: [String] = []
  public var inodeCount = 0

  public var operations: [VisitOperation] = []
  public var allocations: [Allocation] = []
  /// What each slot shows at quiescence, before teardown: inode-major, `slots.count` to an inode.
  public var finals: [Final] = []
  /// What site and strategy noted as not being as it should.
  public var observations: [Observation] = []
  /// Frees of what was never allocated, or no longer anyone's.
  public var badFrees: [BadFree] = []
  /// Freed blocks whose poison somebody has written over.
  public var writesAfterFree: [Int] = []
  /// What was seen to go wrong, in the order in which it did.
  public var mishaps: [Mishap] = []
  /// The site's slots go back to NULL, and it keeps a history.
  public var keepsHistory = false
  /// The site's operations on its slots, by inode, slot and begin.
  public private(set) var history: [HistoryEntry] = []
  /// Every operation is there.
  public var historyIsWhole = true
  /// By entry, whether another one ended before it began: what the explorer's happens-before says. Empty: moments say it.
  public var precedence: [[Bool]] = []

  public init() {}

  /// Takes the operations of all racers, each racer's in their order.
  public mutating func setHistory(_ entries: [HistoryEntry]) {
    history = entries.sorted { $0.place < $1.place }
  }

  /// What the slot of an inode shows at quiescence.
  public func final(inode: Int, slot: Int) -> Final { finals[inode * slots.count + slot] }
}

/// One operation of one visit on one slot.
public struct VisitOperation: Sendable, Equatable {
  public var racer: Int
  public var inode: Int
  public var slot: Int
  /// It saw NULL: it went on to allocate, or reported that there is none, or waited for a lock.
  public var sawNull = false
  /// It put an addon into the slot.
  public var published = false
  /// An allocation of it was refused.
  public var refused = false
  /// The slot was populated already when that allocation was refused.
  public var populatedWhenRefused = false
  public var report = Answer.nothing
  /// What it returned, if it said so.
  public var returned = Returned.nothing
  /// Whether that was in the slot at some moment of the visit, where the engine can tell.
  public var returnedWasInSlot: Bool?

  public init(racer: Int, inode: Int, slot: Int) {
    self.racer = racer
    self.inode = inode
    self.slot = slot
  }

  public enum Answer: Sendable, Equatable {
    case nothing, success, failure, absent, again
  }

  public enum Returned: Sendable, Equatable {
    case nothing
    case allocation(Int)
    /// Something that the heap never handed out in this round.
    case stranger
  }
}

/// One operation on one slot, with what it did or learnt, and when.
public struct HistoryEntry: Sendable, Equatable {
  public enum Kind: Sendable, Equatable { case found, attached, detached, absent }
  public var racer: Int
  public var inode: Int
  public var slot: Int
  public var kind: Kind
  /// The addon; nil where it was absent, or where no allocation of this round has its address.
  public var allocation: Int?
  /// In the engine's own unit: processor ticks, or the racer's events.
  public var begin: UInt64
  public var end: UInt64

  /// Inode, slot, begin and end, for sorting.
  fileprivate var place: (Int, Int, UInt64, UInt64) { (inode, slot, begin, end) }

  public init(racer: Int, inode: Int, slot: Int, kind: Kind, allocation: Int?, begin: UInt64, end: UInt64) {
    self.racer = racer
    self.inode = inode
    self.slot = slot
    self.kind = kind
    self.allocation = allocation
    self.begin = begin
    self.end = end
  }
}

/// One successful call of allocate, and what became of it.
public struct Allocation: Sendable, Equatable {
  public var racer: Int
  /// Beyond the inodes of the round where it belongs to the area that all of them share.
  public var inode: Int
  /// No visit made it, but the creation of its inode or of the shared area: whoever owns it by then may free it.
  public var isOfCreation = false
  /// Bytes.
  public var size: Int
  /// How often it was put into a slot, by the racer that made it or another.
  public var published = 0
  /// How often visits said that it hangs off another allocation now, and goes with it.
  public var linkedByVisits = 0
  /// How often it was freed by the visit that made it.
  public var freedByVisit = 0
  /// How often it was freed by another visit.
  public var freedElsewhere = 0
  /// How often it was freed by the teardown.
  public var freedByTeardown = 0
  /// How many of the site's lists hold it at quiescence.
  public var links = 0
  /// It hangs off an addon that a slot shows, at quiescence.
  public var hangs = false

  public init(racer: Int, inode: Int, size: Int) {
    self.racer = racer
    self.inode = inode
    self.size = size
  }

  public var freedBeforeTeardown: Int { freedByVisit + freedElsewhere }
  public var freed: Int { freedBeforeTeardown + freedByTeardown }
}

/// What a slot shows at quiescence.
public enum Final: Sendable, Equatable {
  case empty
  case allocation(Int)
  /// Something that the heap never handed out in this round.
  case stranger(UInt64)
}

/// A word that does not hold what the site says.
public struct Observation: Sendable, Equatable {
  public enum Moment: Sendable, Equatable {
    case visit(racer: Int, inode: Int)
    case quiescence(inode: Int?)
    case teardown(inode: Int)
  }
  public var promise: Promise
  public var moment: Moment
  public var seen: UInt64
  public var expected: UInt64
  /// The allocation that holds the word, where one does.
  public var allocation: Int?
  /// What the site says of it in its own words.
  public var sentence: String?

  public init(
    promise: Promise, moment: Moment, seen: UInt64, expected: UInt64, allocation: Int?
  ) {
    self.promise = promise
    self.moment = moment
    self.seen = seen
    self.expected = expected
    self.allocation = allocation
  }

  /// Whoever reads the poison of freed blocks has read freed memory.
  public var isPoison: Bool { seen == Poison.freed || seen == Poison.freed & 0xffff_ffff }
}

/// What the heap fills blocks with, as the kernel's slab debugging does.
public enum Poison {
  /// A freed block.
  public static let freed: UInt64 = 0x6b6b_6b6b_6b6b_6ba5
  /// A block that was handed out without being zeroed.
  public static let uninitialised: UInt64 = 0x5a5a_5a5a_5a5a_5aa5
}

/// A free of something that is not an allocation of this round.
public struct BadFree: Sendable, Equatable {
  public var racer: Int
  public var inode: Int
  public var duringTeardown: Bool
  public init(racer: Int, inode: Int, duringTeardown: Bool) {
    self.racer = racer
    self.inode = inode
    self.duringTeardown = duringTeardown
  }
}
