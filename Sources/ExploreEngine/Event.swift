import AddonMemory

/// What the core is told of and answers with values: an access to a location, a fence, or a choice between outcomes.
///
/// An update (an atomic read-modify-write operation) is a read and, if it writes, a write right after it.
struct Event {
  enum Kind: UInt8 {
    case read, write, fence
    /// Something that may go one way or the other: an allocation, a weak compare-exchange. `value` 0 is the ordinary way.
    case choice
  }

  /// What a choice is about.
  enum Choice: UInt8 {
    /// Succeeds, or fails.
    case allocation
    /// Is tried, or fails for no reason.
    case weakUpdate
  }

  var kind: Kind
  var choice = Choice.allocation
  var racer: UInt8
  var ordering: EventOrdering
  /// What a read writes if it is an update.
  var update = Update.none
  var size: UInt8 = 0
  /// The update wrote: true of its read and of its write.
  var isUpdate = false
  /// It is the same as its twin, the event at this index of the racer before it in a group of interchangeable ones, and
  /// so is everything before it.
  var isLikeTwin = false
  /// Its racer waits here for a change.
  var isWaiting = false
  /// An update's ordering if it writes, and if it does not.
  var successOrdering = EventOrdering.relaxed
  var failureOrdering = EventOrdering.relaxed

  /// Its number among its racer's events.
  var index: Int32 = 0
  /// The racer's events before and after, or -1.
  var previous: Int32 = -1
  var next: Int32 = -1
  /// The location, or -1.
  var location: Int32 = -1
  /// Reads: the write whose value it has, or -1 for the initial value.
  var source: Int32 = -1
  /// Writes: neighbours in modification order, and the place there, from 1 (the initial value has place 0).
  var earlier: Int32 = -1
  var later: Int32 = -1
  var place: Int32 = 0
  /// The place at the end, where a guide says it.
  var finalPlace: Int32 = 0
  /// The access to the same location that was added before.
  var previousAccess: Int32 = -1
  /// The racer's last releasing fence at or before this, or -1.
  var releaseFence: Int32 = -1

  var value: UInt64 = 0
  /// Reads: the location's value before any write.
  var initial: UInt64 = 0
  var expected: UInt64 = 0
  var operand: UInt64 = 0

  init(_ kind: Kind, racer: Int, ordering: EventOrdering) {
    self.kind = kind
    self.racer = UInt8(racer)
    self.ordering = ordering
  }

  /// It makes its racer wait: it has read what it may not go on with.
  func waits(after value: UInt64) -> Bool {
    switch update {
    case .lock: value == operand
    case .look: value & 1 != 0
    default: false
    }
  }
  /// It opens a read-side section.
  var beginsSection: Bool { kind == .write && ordering.contains(.opens) }

  var isAccess: Bool { kind == .read || kind == .write }

  /// What this read writes when it has read `value`; nil where it does not write.
  @inline(__always) func written(after value: UInt64) -> UInt64? {
    switch update {
    case .none, .look: nil
    case .exchange: operand
    case .add: (value &+ operand) & mask
    case .or: value | operand
    case .and: value & operand
    case .compareExchange, .lock: value == expected ? operand : nil
    }
  }

  /// The bits that an access of this size has.
  var mask: UInt64 { size >= 8 ? .max : (1 << (UInt64(size) * 8)) - 1 }
}

/// What an update does with the value that it read.
enum Update: UInt8 {
  case none, exchange, add, or, and, compareExchange
  /// A compare-exchange from unlocked to locked that waits for its turn.
  case lock
  /// A load that waits while what it reads is odd: a grace period's look at a racer's read-side sections.
  case look
}

/// An ordering as the memory models see it.
struct EventOrdering: OptionSet {
  let rawValue: UInt8
  static let relaxed: EventOrdering = []
  static let acquires = EventOrdering(rawValue: 1)
  static let releases = EventOrdering(rawValue: 2)
  static let isSequentiallyConsistent = EventOrdering(rawValue: 4)
  /// An update between two fences, as the kernel's cmpxchg when it writes.
  static let isFenced = EventOrdering(rawValue: 8)
  /// Not atomic.
  static let isPlain = EventOrdering(rawValue: 16)
  /// The kernel's READ_ONCE of a pointer.
  static let isDependent = EventOrdering(rawValue: 32)
  /// A store: a read-side section begins. A fence: a grace period begins.
  static let opens = EventOrdering(rawValue: 64)
  /// A store: a read-side section ends. A fence: a grace period ends.
  static let closes = EventOrdering(rawValue: 128)

  /// An acquiring and releasing fence, and a strong one.
  var isStrongFence: Bool { contains(.isFenced) }
}

extension EventOrdering {
  init(_ ordering: LoadOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .dependent: .isDependent
      case .acquiring: .acquires
      case .sequentiallyConsistent: [.acquires, .isSequentiallyConsistent]
      }
  }

  init(_ ordering: StoreOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .releasing: .releases
      case .sequentiallyConsistent: [.releases, .isSequentiallyConsistent]
      }
  }

  init(_ ordering: UpdateOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .acquiring: .acquires
      case .releasing: .releases
      case .acquiringAndReleasing: [.acquires, .releases]
      case .sequentiallyConsistent: [.acquires, .releases, .isSequentiallyConsistent]
      case .full: [.acquires, .releases, .isFenced]
      }
  }

  init(_ ordering: FenceOrdering) {
    self =
      switch ordering {
      case .acquiring: .acquires
      case .releasing: .releases
      case .acquiringAndReleasing: [.acquires, .releases]
      case .sequentiallyConsistent: [.acquires, .releases, .isSequentiallyConsistent]
      }
  }
}

extension EventOrdering: CustomStringConvertible {
  var description: String {
    if contains(.isPlain) { return "plain" }
    if contains(.isFenced) { return "full" }
    if contains(.isSequentiallyConsistent) { return "seq_cst" }
    if contains(.isDependent) { return "dependent" }
    return switch (contains(.acquires), contains(.releases)) {
    case (true, true): "acq_rel"
    case (true, false): "acquire"
    case (false, true): "release"
    case (false, false): "relaxed"
    }
  }
}
