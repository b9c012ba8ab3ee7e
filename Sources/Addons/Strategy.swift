import AddonMemory

/// The algorithm that populates one slot.
///
/// Functions are `@inlinable @inline(__always)`, so that the racing loop of each catalog entry is one piece of code.
public protocol Strategy {
  static var about: StrategyDescription { get }

  /// Looks for the addon without making one: what readers do, and what `populate` begins with. By default an acquiring load.
  static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon?

  /// Makes sure that the slot is populated.
  static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated

  /// Who calls `populate` does not go by what it answers, and looks at the slot again. By default no.
  static var callersLookAgain: Bool { get }

  /// Takes the addon out of the slot, when the inode goes and nobody else looks at it.
  static func empty<M: Memory>(_ slot: Slot, of inode: Inode, in memory: M)
}

extension Strategy {
  @inlinable public static var callersLookAgain: Bool { false }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    memory.load(slot, .acquiring)
  }

  @inlinable @inline(__always)
  public static func empty<M: Memory>(_ slot: Slot, of inode: Inode, in memory: M) {
    memory.store(slot, nil, .relaxed)
  }
}

/// How a slot came to be populated, as the strategy tells it.
@frozen public enum Populated {
  /// It was populated already.
  case found(Addon)
  /// By this visit.
  case won(Addon)
  /// By another racer meanwhile, whose addon this is, or was: this visit has freed its own.
  case lost(to: Addon?)
  /// By another racer meanwhile: this visit has freed its own, and does not know whose it is.
  case lostWithoutLooking
  /// By another racer meanwhile, whose addon is the second: the first is this visit's own, which the caller must free.
  case lostKeeping(Addon, to: Addon?)

  /// The addon in the slot, where the strategy says it.
  @inlinable public var addon: Addon? {
    switch self {
    case .found(let addon), .won(let addon): addon
    case .lost(to: let winner), .lostKeeping(_, to: let winner): winner
    case .lostWithoutLooking: nil
    }
  }
}

/// How a site makes an addon: what it allocates, and what must be in it before anyone sees it.
public protocol Maker {
  var kind: AddonKind { get }
  func initialise<M: Memory>(_ addon: Addon, in memory: M)
  /// Takes back what `initialise` did outside the addon: a loser's, before it is freed. By default nothing.
  func undo<M: Memory>(_ addon: Addon, in memory: M)
}

extension Maker {
  @inlinable @inline(__always) public func undo<M: Memory>(_ addon: Addon, in memory: M) {}

  /// Undoes and frees what was made in vain.
  @inlinable @inline(__always)
  public func discard<M: Memory>(_ addon: Addon, in memory: M) {
    undo(addon, in: memory)
    memory.free(addon)
  }

  /// Allocates and initialises.
  @inlinable @inline(__always)
  public func make<M: Memory>(in memory: M) throws(OutOfMemory) -> Addon {
    let addon = try memory.allocate(kind)
    initialise(addon, in: memory)
    return addon
  }
}

/// What a catalog says about a strategy.
public struct StrategyDescription: Sendable {
  public let name: String
  /// One sentence.
  public let summary: String
  /// Where it stands in Linux, or that it is ours.
  public let source: String
  /// The memory models in which it is right.
  public let rightIn: Set<MemoryModel>
  /// It promises that a racer whose allocation fails finds what another racer has installed by then.
  public let looksAgainAfterFailure: Bool
  /// It takes the inode's lock, so it goes only with sites whose inode has one.
  public let usesInodeLock: Bool
  /// What is wrong with it, on purpose.
  public let fault: Fault?

  public init(
    _ name: String, _ summary: String, source: String = "synthetic", rightIn: Set<MemoryModel>,
    looksAgainAfterFailure: Bool = false, usesInodeLock: Bool = false, fault: Fault? = nil
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.rightIn = rightIn
    self.looksAgainAfterFailure = looksAgainAfterFailure
    self.usesInodeLock = usesInodeLock
    self.fault = fault
  }
}

extension Set<MemoryModel> {
  public static let everyModel: Set = [.sc, .tso, .c11, .kernel]
  /// Right as long as dependencies order.
  public static let allButC11: Set = [.sc, .tso, .kernel]
  /// Right where every load acquires and every store releases.
  public static let strongOnly: Set = [.sc, .tso]
}

/// A known defect, made on purpose.
public struct Fault: Sendable {
  /// The class of the defect, in a few words.
  public let defect: String
  /// Where it was shipped, or that it is synthetic.
  public let happenedAs: String
  /// What shows it.
  public let caught: Caught
  /// Checkers that may report it as well.
  public let may: [String]
  /// What exploration shows instead, where that is something else: it need not wait for a wrong value to see the race.
  public let explored: [String]?
  /// The racers that can show it, by role.
  public let racers: [(role: String, count: Int)]
  /// The allocation failures it needs.
  public let failures: Failures
  /// A site's: the memory models in which it does not show. (A strategy's own are in its description.)
  public let rightIn: Set<MemoryModel>

  public enum Failures: Sendable {
    case none
    /// Every racer's every allocation.
    case all
    /// Every second one of the second racer.
    case someOfOneRacer
  }

  public enum Caught: Sendable {
    /// On any hardware, by all of these checkers.
    case by([String])
    /// On any hardware by these, but rarely: exploration shows it for sure.
    case byChance([String])
    /// On any hardware, by ending the process.
    case byCrash
    /// On any hardware, by never coming to an end.
    case byWatchdog
    /// Not on x86 hardware: by ThreadSanitizer's data-race, and by exploration.
    case byThreadSanitizer
    /// Not on x86 hardware and no data race: by exploration alone.
    case byExploration([String])
  }

  public init(
    _ defect: String, happenedAs: String, caught: Caught, may: [String] = [],
    explored: [String]? = nil,
    racers: [(role: String, count: Int)] = [], failures: Failures = .none,
    rightIn: Set<MemoryModel> = []
  ) {
    self.defect = defect
    self.happenedAs = happenedAs
    self.caught = caught
    self.may = may
    self.explored = explored
    self.racers = racers
    self.failures = failures
    self.rightIn = rightIn
  }

  /// The checkers that must report it in a plain stress run.
  public var checkers: [String] { if case .by(let names) = caught { names } else { [] } }
  /// Whether a plain stress run on x86 can show it.
  public var shownByHardware: Bool {
    switch caught {
    case .by, .byChance, .byCrash, .byWatchdog: true
    case .byThreadSanitizer, .byExploration: false
    }
  }
}
