import AddonMemory
import RaceModel

/// What was recorded of one round or one execution: the same questions to every engine. `EvidenceAssembly` makes
/// evidence of the answers.
///
/// Allocations are numbered through all racers, each racer's in the order in which it made them.
public protocol RoundRecord {
  var facts: SubjectFacts { get }
  /// By racer, those that only do what others left to grace periods included.
  var roles: [String] { get }
  /// Racers that have a log: the first of them all.
  var visitorCount: Int { get }
  var inodeCount: Int { get }

  /// A `LogWord`.
  func word(of racer: Int, inode: Int, slot: Int) -> UInt64
  /// The address of what the slot shows at quiescence, or 0.
  func final(inode: Int, slot: Int) -> UInt64
  /// Whether what a visit returned was in the slot at some moment of that visit, where the engine can tell.
  func returnedWasInSlot(_ word: UInt64, racer: Int, inode: Int, slot: Int) -> Bool?

  /// The allocation that begins at an address; of several that did in this round, the one made for `inode`.
  func allocation(at address: UInt, inode: Int?) -> Int?
  /// The allocation that an address lies in.
  func allocation(holding address: UInt, inode: Int?) -> Int?
  /// Calls `body` with each allocation in the order of numbers.
  func forEachAllocation(_ body: (RecordedAllocation) -> Void)

  var history: [RecordedOperation] { get }
  var historyIsWhole: Bool { get }
  /// Whether the first of two operations came before the second; nil where their moments say it.
  func precedence(of history: [HistoryEntry]) -> [[Bool]]

  var observations: [RecordedObservation] { get }
  var strays: [RecordedStray] { get }
  var mishaps: [Mishap] { get }
  /// Addresses of what the site's lists hold, as often as they hold it.
  var links: [UInt] { get }
  /// Addresses of what hangs off an addon that a slot shows.
  var hanging: [UInt] { get }
}

extension RoundRecord {
  public func returnedWasInSlot(_ word: UInt64, racer: Int, inode: Int, slot: Int) -> Bool? { nil }
  public func precedence(of history: [HistoryEntry]) -> [[Bool]] { [] }
  public var historyIsWhole: Bool { true }
  public var mishaps: [Mishap] { [] }
}

/// One allocation, as its racer's ledger has it.
public struct RecordedAllocation {
  /// A `LedgerEntry`.
  public var entry: UInt64
  public var racer: Int
  /// No visit made it, but the creation of its inode or of the shared area.
  public var isOfCreation: Bool
  public var wasWrittenAfterFree: Bool

  public init(_ entry: UInt64, racer: Int, isOfCreation: Bool, wasWrittenAfterFree: Bool = false) {
    self.entry = entry
    self.racer = racer
    self.isOfCreation = isOfCreation
    self.wasWrittenAfterFree = wasWrittenAfterFree
  }
}

/// What somebody is about: decides how a free is counted, and what an observation is about.
@frozen public enum RecordingPhase: UInt8, Sendable {
  case visiting, inspecting
  /// Tearing down inodes that this racer populated itself, while others do the same.
  case sweeping
  /// Creating, or tearing down whatever is left, alone.
  case clearing

  @inlinable public var isTeardown: Bool { self == .sweeping || self == .clearing }
  /// Nobody races: what waits for others has nobody to wait for.
  @inlinable public var isQuiescent: Bool { self != .visiting }
}

/// One operation of a site's history: what its slot held or came to hold, from `begin` to `end` in the engine's own unit.
public struct RecordedOperation {
  public var racer: Int
  public var inode: Int
  public var slot: Int
  public var kind: HistoryEntry.Kind
  /// Of the addon, or 0.
  public var address: UInt
  public var begin: UInt64
  public var end: UInt64

  public init(
    racer: Int, inode: Int, slot: Int, kind: HistoryEntry.Kind, address: UInt, begin: UInt64, end: UInt64
  ) {
    self.racer = racer
    self.inode = inode
    self.slot = slot
    self.kind = kind
    self.address = address
    self.begin = begin
    self.end = end
  }
}

extension HistoryEntry.Kind {
  /// What an operation did or learnt, and the addon that it is about.
  @inlinable public static func of(_ result: HistoryResult) -> (HistoryEntry.Kind, Addon?) {
    switch result {
    case .found(let addon): (.found, addon)
    case .attached(let addon): (.attached, addon)
    case .detached(let addon): (.detached, addon)
    case .absent: (.absent, nil)
    }
  }
}

/// A word that did not hold what its site expects.
public struct RecordedObservation {
  public var promise: Promise
  /// The site's own words for it.
  public var sentence: StaticString?
  public var phase: RecordingPhase
  public var racer: Int
  /// nil: the area that all inodes share.
  public var inode: Int?
  public var seen: UInt64
  public var expected: UInt64
  public var address: UInt

  public init(
    promise: Promise, sentence: StaticString?, phase: RecordingPhase, racer: Int, inode: Int?, seen: UInt64,
    expected: UInt64, address: UInt
  ) {
    self.promise = promise
    self.sentence = sentence
    self.phase = phase
    self.racer = racer
    self.inode = inode
    self.seen = seen
    self.expected = expected
    self.address = address
  }
}

/// Something that a racer did to what its own ledger does not have: another's allocation, or nobody's.
public struct RecordedStray {
  public enum What { case publish, link, free }
  public var what: What
  public var racer: Int
  public var inode: Int
  public var address: UInt
  public var phase: RecordingPhase

  public init(_ what: What, racer: Int, inode: Int, address: UInt, phase: RecordingPhase) {
    self.what = what
    self.racer = racer
    self.inode = inode
    self.address = address
    self.phase = phase
  }
}
