import AddonMemory

/// What a connector hangs off: a slot for it, a mask that caches what its marks want to hear of, and who it is.
@frozen public struct WatchedObject {
  public let slot: Slot
  public let mask: Word64
  /// What the connector points back to.
  public let address: UInt
  @inlinable @inline(__always) public init(slot: Slot, mask: Word64, address: UInt) {
    self.slot = slot
    self.mask = mask
    self.address = address
  }
}

/// What fsnotify does with connectors, wherever they hang: the inode itself, or a container of addons.
@frozen public enum Connector<S: Strategy, Variant: MarksVariant> {
  /// fsnotify_add_mark_list. Answers the connector that has the mark now; nil without memory.
  @inlinable @inline(__always)
  public static func add<M: Memory>(_ mark: UInt64, to object: WatchedObject, of inode: Inode, in memory: M) -> Addon? {
    let cached = memory.load(object.mask, .relaxed)
    var hasAttached = false
    while true {
      if let connector = grab(object, of: inode, in: memory) {
        let marks = memory.load(ConnectorMaker.marks(connector), .relaxed) | mark
        memory.store(ConnectorMaker.marks(connector), marks, .relaxed)
        Variant.recalculate(object.mask, for: marks, adding: mark, cached: cached, in: memory)
        memory.unlock(ConnectorMaker.lock(connector))
        Variant.addWithoutLock(Marks.mask(of: mark), to: object.mask, in: memory)
        return connector
      }
      // What was attached is gone again.
      if hasAttached { memory.startsOver() }
      hasAttached = true
      do {
        try attach(to: object, of: inode, in: memory)
      } catch {
        return nil
      }
    }
  }

  /// fsnotify_attach_connector_to_object. It may be gone again when this returns.
  @inlinable @inline(__always)
  public static func attach<M: Memory>(to object: WatchedObject, of inode: Inode, in memory: M) throws(OutOfMemory) {
    let start = memory.began()
    switch try S.populate(object.slot, of: inode, in: memory, ConnectorMaker(object: object.address)) {
    case .won(let connector): memory.ended(start, .attached(connector))
    case .found(let connector), .lost(let connector?, _): memory.ended(start, .found(connector))
    case .lost(nil, _): break
    }
  }

  /// fsnotify_grab_connector: the connector that is in the slot, locked; nil if there is none, or none any more.
  @inlinable @inline(__always)
  public static func grab<M: Memory>(_ object: WatchedObject, of inode: Inode, in memory: M) -> Addon? {
    memory.enterReadSection(.fsnotifyMarks)
    let start = memory.began()
    guard let connector = S.look(at: object.slot, of: inode, in: memory) else {
      memory.ended(start, .absent)
      memory.leaveReadSection(.fsnotifyMarks)
      return nil
    }
    memory.lock(ConnectorMaker.lock(connector))
    if Variant.checksDetached, memory.load(ConnectorMaker.object(connector), .relaxed) == 0 {
      memory.unlock(ConnectorMaker.lock(connector))
      memory.leaveReadSection(.fsnotifyMarks)
      return nil
    }
    memory.ended(start, .found(connector))
    memory.leaveReadSection(.fsnotifyMarks)
    return connector
  }

  /// fsnotify_put_mark for each of these marks that is there; the last to go detaches the connector. Answers the connector
  /// that was looked at. What is detached is left to a grace period; or `waits` for one.
  @inlinable @inline(__always)
  public static func remove<M: Memory>(
    _ marks: UInt64, from object: WatchedObject, of inode: Inode, in memory: M, waits: Bool = false
  ) -> Addon? {
    guard let connector = grab(object, of: inode, in: memory) else { return nil }
    let before = memory.load(ConnectorMaker.marks(connector), .relaxed)
    let left = before & ~marks
    memory.store(ConnectorMaker.marks(connector), left, .relaxed)
    if left == 0, before != 0 || !Variant.checksDetached {
      if Variant.detachesLocked {
        detach(connector, from: object, in: memory)
        memory.unlock(ConnectorMaker.lock(connector))
      } else {
        memory.store(ConnectorMaker.marks(connector), before, .relaxed)
        memory.unlock(ConnectorMaker.lock(connector))
        memory.window()
        detach(connector, from: object, in: memory)
      }
      if waits {
        memory.synchronize(.fsnotifyMarks)
        memory.free(connector)
      } else {
        Variant.free(connector, in: memory)
      }
    } else {
      memory.store(object.mask, Marks.mask(of: left), .relaxed)
      memory.unlock(ConnectorMaker.lock(connector))
    }
    return connector
  }

  /// fsnotify_detach_connector_from_object, under the connector's lock.
  @inlinable @inline(__always)
  public static func detach<M: Memory>(_ connector: Addon, from object: WatchedObject, in memory: M) {
    let start = memory.began()
    memory.store(ConnectorMaker.object(connector), 0, .relaxed)
    memory.store(object.mask, 0, .relaxed)
    // Linux counts the superblock's connectors down here (seen in 5.18 to 6.6), which is a full barrier; its NULL alone
    // orders nothing, and a new connector, with a lock of its own, could see its mask cleared by the old one.
    if Variant.ordersMaskBeforeSlot { memory.fence(.sequentiallyConsistent) }
    memory.store(object.slot, nil, .relaxed)
    memory.ended(start, .detached(connector))
  }
}

/// The marks of an inode: a bit each, so that a list need not be walked.
public enum Marks {
  @inlinable public static var all: UInt64 { (1 << 48) - 1 }
  /// What a mask can hold.
  @inlinable public static var everyEvent: UInt64 { 7 }
  @inlinable @inline(__always) public static func mark(of racer: Int) -> UInt64 { 1 << UInt64(racer % 48) }

  /// What marks want to hear of: all of one event, and every second pair of each of two more.
  @inlinable @inline(__always) public static func mask(of marks: UInt64) -> UInt64 {
    (marks != 0 ? 4 : 0) | (marks & 0x3333_3333_3333 != 0 ? 1 : 0) | (marks & 0xcccc_cccc_cccc != 0 ? 2 : 0)
  }
}

/// struct fsnotify_mark_connector: 24 bytes of a slab that is not zeroed.
@frozen public struct ConnectorMaker: Maker {
  public let object: UInt
  @inlinable @inline(__always) public init(object: UInt) { self.object = object }

  @inlinable public static var size: Int { 24 }
  @inlinable @inline(__always) public static func lock(_ connector: Addon) -> Lock { connector.lock(at: 0) }
  /// The list of marks. Written under the lock; hooks walk it without.
  @inlinable @inline(__always) public static func marks(_ connector: Addon) -> Word64 { connector.word64(at: 8) }
  /// What it hangs off, 0 once it is detached. Under the lock.
  @inlinable @inline(__always) public static func object(_ connector: Addon) -> Word64 { connector.word64(at: 16) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ connector: Addon, in memory: M) {
    memory.initialise(Self.lock(connector))
    memory.store(Self.marks(connector), 0, .relaxed)
    memory.store(Self.object(connector), UInt64(object), .relaxed)
  }
}

/// Where a faulty fsnotify departs from the right one.
public protocol MarksVariant {
  /// A hook follows the slot inside its read-side section.
  static var usesInsideSection: Bool { get }
  /// A hook leaves its section at the end.
  static var leavesSection: Bool { get }
  /// Who waits for a grace period does so inside a section of its own.
  static var waitsInsideSection: Bool { get }
  /// Whoever has locked a connector looks whether it is still attached.
  static var checksDetached: Bool { get }
  /// Who sees that its mark is the last detaches under the same lock.
  static var detachesLocked: Bool { get }
  /// A detach clears the mask before the slot.
  static var ordersMaskBeforeSlot: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }

  static func free<M: Memory>(_ connector: Addon, in memory: M)
  /// The mask after a mark was added, under the connector's lock. `cached` is what it was before.
  static func recalculate<M: Memory>(
    _ mask: Word64, for marks: UInt64, adding mark: UInt64, cached: UInt64, in memory: M)
  static func addWithoutLock<M: Memory>(_ bits: UInt64, to mask: Word64, in memory: M)
  /// What else a hook does with the connector.
  static func follow<M: Memory>(_ connector: Addon, of inode: Inode, in memory: M)
}

extension MarksVariant {
  @inlinable public static var usesInsideSection: Bool { true }
  @inlinable public static var leavesSection: Bool { true }
  @inlinable public static var waitsInsideSection: Bool { false }
  @inlinable public static var checksDetached: Bool { true }
  @inlinable public static var detachesLocked: Bool { true }
  @inlinable public static var ordersMaskBeforeSlot: Bool { true }

  @inlinable @inline(__always)
  public static func free<M: Memory>(_ connector: Addon, in memory: M) {
    memory.freeAfterGracePeriod(connector, .fsnotifyMarks)
  }

  @inlinable @inline(__always)
  public static func recalculate<M: Memory>(
    _ mask: Word64, for marks: UInt64, adding mark: UInt64, cached: UInt64, in memory: M
  ) {
    memory.store(mask, Marks.mask(of: marks), .relaxed)
  }

  @inlinable @inline(__always)
  public static func addWithoutLock<M: Memory>(_ bits: UInt64, to mask: Word64, in memory: M) {}

  @inlinable @inline(__always)
  public static func follow<M: Memory>(_ connector: Addon, of inode: Inode, in memory: M) {}
}

/// As in Linux.
public enum MarksAsInLinux: MarksVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}
