import AddonMemory

/// What the core is told of and answers with values: an access to a location, a fence, or a choice between outcomes.
///
/// A read-modify-write (RMW) is a read and, if it writes, a write right after it in program order.
package struct Event {
  package enum Kind: UInt8 {
    case read, write, fence
    /// Something that may go one way or the other: an allocation, a weak compare-exchange. `value` 0 is the ordinary way.
    case choice
  }

  /// What a choice is about.
  package enum Choice: UInt8 {
    /// Succeeds, or fails.
    case allocation
    /// Is tried, or fails for no reason.
    case weakUpdate
    /// The program asks for one of `operand` outcomes.
    case program
  }

  /// What a read does with the value that it read.
  package enum ReadKind: UInt8 {
    case load
    // RMWs.
    case exchange, add, or, and, xor, nand, compareExchange
    /// A compare-exchange from unlocked to locked that waits for its turn.
    case lockAttempt
    /// The same of a readers-writer lock, of 32 bits: from unlocked, which is `expected`, to held alone, and from held by so
    /// many readers to one more.
    case aloneAttempt, shareAttempt
    /// A load that waits while what it reads is odd: a grace period's poll of a racer's read-side sections.
    case sectionPoll
    /// A load that waits while the bits `operand` of what it reads are `expected`.
    case await

    package var isRMW: Bool { self != .load && self != .sectionPoll && self != .await }
  }

  /// What an event is to read-side sections and grace periods.
  package enum Role: UInt8 {
    case ordinary
    /// Stores.
    case sectionBegin, sectionEnd
    /// Fences.
    case gracePeriodBegin, gracePeriodEnd
    /// Fences: the racer creates others, `operand` from number `value` on; or it has waited for the end of racer `value`.
    case create, join
  }

  package var kind: Kind
  package var choice = Choice.allocation
  package var racer: UInt8
  package var ordering: EventOrdering
  package var readKind = ReadKind.load
  package var role = Role.ordinary
  /// Bytes.
  package var size: UInt8 = 0
  /// The RMW wrote: true of its read and of its write.
  package var isSuccessfulRMW = false
  /// It is the same as its twin, the event at this index of the racer before it in a group of interchangeable ones, and
  /// so is everything before it.
  package var isLikeTwin = false
  /// Its racer waits here for a change.
  package var isWaiting = false
  /// An RMW's ordering if it writes, and if it does not.
  package var successOrdering = EventOrdering.relaxed
  package var failureOrdering = EventOrdering.relaxed

  /// Its number among its racer's events.
  package var index: Int32 = 0
  /// Program order: the racer's events before and after, or -1.
  package var poPrevious: Int32 = -1
  package var poNext: Int32 = -1
  /// The location, or -1.
  package var location: Int32 = -1
  /// Reads-from: the write whose value a read has, or -1 for the initial value.
  package var readsFrom: Int32 = -1
  /// Coherence: a write's neighbours in coherence order, and its position there, from 1 (the initial value is at 0).
  package var coPrevious: Int32 = -1
  package var coNext: Int32 = -1
  package var coPosition: Int32 = 0
  /// The position at the end, where a guide says it.
  package var finalPosition: Int32 = 0
  /// The access to the same location that was added before.
  package var previousAccess: Int32 = -1
  /// The racer's last event at or before this that is a releasing fence, or ends with one; or -1.
  package var releaseFence: Int32 = -1

  package var value: UInt64 = 0
  /// Reads: the location's value before any write.
  package var initial: UInt64 = 0
  package var expected: UInt64 = 0
  package var operand: UInt64 = 0
  package var dependencies = Dependencies()

  package init(_ kind: Kind, racer: Int, ordering: EventOrdering) {
    self.kind = kind
    self.racer = UInt8(racer)
    self.ordering = ordering
  }

  /// It makes its racer wait: it has read what it may not go on with.
  func waits(after value: UInt64) -> Bool {
    switch readKind {
    case .lockAttempt: value == operand
    case .aloneAttempt: value != expected && ReadersWriterLock.isLock(value, unlocked: expected)
    case .shareAttempt: ReadersWriterLock.isHeldAlone(value) && ReadersWriterLock.isLock(value, unlocked: expected)
    case .sectionPoll: value & 1 != 0
    case .await: value & operand == expected
    default: false
    }
  }
  var beginsSection: Bool { kind == .write && role == .sectionBegin }

  package var isAccess: Bool { kind == .read || kind == .write }

  /// An RMW between two strong fences, that writes: the kernel's cmpxchg.
  var isFullRMW: Bool { isSuccessfulRMW && ordering.contains(.isFull) }

  /// What this read writes when it has read `value`; nil where it does not write.
  @inline(__always) package func written(after value: UInt64) -> UInt64? {
    switch readKind {
    case .load, .sectionPoll, .await: nil
    case .exchange: operand
    case .add: (value &+ operand) & mask
    case .or: value | operand
    case .and: value & operand
    case .xor: value ^ operand
    case .nand: ~(value & operand) & mask
    case .compareExchange, .lockAttempt, .aloneAttempt: value == expected ? operand : nil
    case .shareAttempt:
      !ReadersWriterLock.isHeldAlone(value) && ReadersWriterLock.isLock(value, unlocked: expected)
        ? value &+ operand : nil
    }
  }

  /// The bits that an access of this size has.
  var mask: UInt64 { size >= 8 ? .max : (1 << (UInt64(size) * 8)) - 1 }
}
