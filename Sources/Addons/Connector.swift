import AddonMemory

/// What a connector hangs off: a slot for it, a mask that caches what its marks want to hear of, who it is, and the
/// superblock that counts what is watched.
@frozen public struct WatchedObject {
  public let slot: Slot
  public let mask: Word64
  /// What the connector points back to.
  public let address: UInt
  /// Nil where nobody counts.
  public let superblock: WatchingSuperblock?
  @inlinable @inline(__always)
  public init(slot: Slot, mask: Word64, address: UInt, superblock: WatchingSuperblock? = nil) {
    self.slot = slot
    self.mask = mask
    self.address = address
    self.superblock = superblock
  }
}

/// What fsnotify does with connectors, wherever they hang: the inode itself, or a container of addons.
///
/// The functions are those of fs/notify/mark.c, in its order.
@frozen public enum Connector<S: Strategy, Variant: MarksVariant> {
  /// How an addition ended.
  @frozen public enum Addition {
    /// The mark is on this connector.
    case added(Addon)
    /// -ENOENT: the object is going.
    case refused
    case outOfMemory
  }

  // MARK: The mask

  /// __fsnotify_recalc_mask, under the connector's lock.
  @inlinable @inline(__always)
  static func recalculateMask<M: Memory>(of object: WatchedObject, from connector: Addon, in memory: M) {
    if memory.load(ConnectorMaker.object(connector), .relaxed) == 0 { return }  // detached meanwhile
    memory.store(object.mask, mask(of: connector, in: memory), .relaxed)  // WRITE_ONCE
  }

  /// What the attached marks of a connector want to hear of. Under its lock, or at quiescence.
  @inlinable @inline(__always)
  public static func mask<M: Memory>(of connector: Addon, in memory: M) -> UInt64 {
    var events: UInt64 = 0
    var next = Mark.following(ConnectorMaker.first(connector), .relaxed, in: memory)
    while let mark = next {
      if memory.load(mark.isAttached, .relaxed) != 0 { events |= memory.read(mark.events) }
      next = Mark.following(mark.next, .relaxed, in: memory)
    }
    return events
  }

  // MARK: Detaching

  /// fsnotify_detach_connector_from_object, under the connector's lock.
  @inlinable @inline(__always)
  public static func detach<M: Memory>(_ connector: Addon, from object: WatchedObject, in memory: M) {
    if memory.load(ConnectorMaker.object(connector), .relaxed) == 0 { return }  // FSNOTIFY_OBJ_TYPE_DETACHED
    let start = memory.began()
    switch Variant.detaching {
    case .slotFirst:
      memory.store(object.slot, nil, .relaxed)  // rcu_assign_pointer(*connp, NULL): WRITE_ONCE
      memory.window()
      memory.write(object.mask, 0)
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
      countDown(connector, of: object, in: memory)
    case .countsBetween:
      memory.write(object.mask, 0)
      countDown(connector, of: object, in: memory)  // atomic_long_dec_and_test: a full barrier
      memory.store(object.slot, nil, .relaxed)  // rcu_assign_pointer(*connp, NULL): WRITE_ONCE
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
    case .countsLast:
      memory.write(object.mask, 0)
      memory.store(object.slot, nil, .relaxed)  // rcu_assign_pointer(*connp, NULL): WRITE_ONCE
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
      countDown(connector, of: object, in: memory)
    case .listLockBetween:
      memory.write(object.mask, 0)
      object.superblock?.removeFromList(connector, in: memory)
      memory.store(object.slot, nil, .relaxed)  // rcu_assign_pointer(*connp, NULL): WRITE_ONCE
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
      countDown(connector, of: object, in: memory)
    case .marked:
      memory.store(object.mask, 0, .relaxed)
      memory.store(object.slot, nil, .relaxed)
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
      countDown(connector, of: object, in: memory)
    case .released:
      memory.store(object.mask, 0, .relaxed)
      memory.store(object.slot, nil, .releasing)
      memory.store(ConnectorMaker.object(connector), 0, .relaxed)
      countDown(connector, of: object, in: memory)
    }
    memory.ended(start, .detached(connector))
  }

  /// fsnotify_update_sb_watchers, of a connector that has its first mark.
  @inlinable @inline(__always)
  static func countUp<M: Memory>(_ connector: Addon, of object: WatchedObject, in memory: M) {
    guard let superblock = object.superblock else { return }
    let flags = memory.read(ConnectorMaker.flags(connector))
    if flags & ConnectorMaker.isWatched != 0 { return }
    memory.write(ConnectorMaker.flags(connector), flags | ConnectorMaker.isWatched)
    superblock.countUp(in: memory)
  }

  /// fsnotify_update_sb_watchers, of a connector that is detached.
  @inlinable @inline(__always)
  static func countDown<M: Memory>(_ connector: Addon, of object: WatchedObject, in memory: M) {
    guard let superblock = object.superblock else { return }
    let flags = memory.read(ConnectorMaker.flags(connector))
    if flags & ConnectorMaker.isWatched == 0 { return }
    memory.write(ConnectorMaker.flags(connector), flags & ~ConnectorMaker.isWatched)
    superblock.countDown(in: memory)
  }

  /// fsnotify_put_mark: by the mark's own connector. The last reference takes the mark off its list, and the last mark
  /// detaches the connector. What is freed is left to a grace period; or the caller `waits` for one.
  @inlinable @inline(__always)
  public static func put<M: Memory>(_ mark: Mark, on object: WatchedObject, in memory: M, waits: Bool = false) {
    let connector = Addon(address: UInt(memory.load(mark.connector, .relaxed)))
    guard mark.dropReference(orLock: ConnectorMaker.lock(connector), in: memory) else { return }
    mark.unlink(from: connector, in: memory)
    let isLast = memory.load(ConnectorMaker.first(connector), .relaxed) == 0
    if isLast {
      detach(connector, from: object, in: memory)
    } else {
      recalculateMask(of: object, from: connector, in: memory)
    }
    memory.store(mark.connector, 0, .relaxed)
    memory.unlock(ConnectorMaker.lock(connector))
    if waits { memory.synchronize(.fsnotifyMarks) }
    if isLast { free(connector, waited: waits, in: memory) }
    if waits { memory.free(mark.addon) } else { memory.freeAfterGracePeriod(mark.addon, .fsnotifyMarks) }
  }

  @inlinable @inline(__always)
  static func free<M: Memory>(_ connector: Addon, waited: Bool, in memory: M) {
    if waited { memory.free(connector) } else { Variant.free(connector, in: memory) }
  }

  /// fsnotify_destroy_mark: fsnotify_detach_mark, which puts the group's reference. The caller has one of its own.
  @inlinable @inline(__always)
  public static func destroy<M: Memory>(_ mark: Mark, on object: WatchedObject, in memory: M) {
    memory.lock(mark.lock)
    let wasAttached = memory.load(mark.isAttached, .relaxed) != 0
    memory.store(mark.isAttached, 0, .relaxed)
    memory.unlock(mark.lock)
    if wasAttached { put(mark, on: object, in: memory) }
  }

  // MARK: Attaching

  /// fsnotify_attach_connector_to_object. It may be gone again when this returns.
  @inlinable @inline(__always)
  static func attach<M: Memory>(
    to object: WatchedObject, of inode: Inode, in memory: M
  ) throws(OutOfMemory) -> Populated {
    let start = memory.began()
    let list = Variant.detaching == .listLockBetween ? object.superblock : nil
    let maker = ConnectorMaker(object: object.address, list: list)
    let populated = try S.populate(object.slot, of: inode, in: memory, maker)
    switch populated {
    case .won(let connector): memory.ended(start, .attached(connector))
    case .found(let connector), .lost(to: let connector?), .lostKeeping(_, to: let connector?):
      memory.ended(start, .found(connector))
    case .lost, .lostKeeping, .lostWithoutLooking: break
    }
    return populated
  }

  /// fsnotify_grab_connector: the connector that is in the slot, locked; nil if there is none, or none any more.
  @inlinable @inline(__always)
  static func grab<M: Memory>(_ object: WatchedObject, of inode: Inode, in memory: M) -> Addon? {
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

  /// fsnotify_add_mark_locked: on the list in one section of the connector's lock, in the mask in the next. Takes one
  /// more reference, the group's.
  @inlinable @inline(__always)
  public static func add<M: Memory>(
    _ mark: Mark, to object: WatchedObject, of inode: Inode, in memory: M
  ) -> Addition {
    let cached = Variant.looksAtMaskFirst ? memory.load(object.mask, .relaxed) : 0
    memory.fetchAdd(mark.references, 1, .relaxed)
    let addition = addToList(mark, of: object, inode, in: memory)
    guard case .added(let connector) = addition else { return addition }

    // fsnotify_recalc_mask
    memory.lock(ConnectorMaker.lock(connector))
    Variant.recalculate(
      object.mask, for: mask(of: connector, in: memory), adding: memory.read(mark.events), cached: cached,
      isDetached: memory.load(ConnectorMaker.object(connector), .relaxed) == 0, in: memory)
    memory.unlock(ConnectorMaker.lock(connector))
    Variant.addWithoutLock(memory.read(mark.events), to: object.mask, in: memory)
    return addition
  }

  /// fsnotify_add_mark_list.
  @inlinable @inline(__always)
  static func addToList<M: Memory>(
    _ mark: Mark, of object: WatchedObject, _ inode: Inode, in memory: M
  ) -> Addition {
    var hasAttached = false
    while true {
      if let connector = grab(object, of: inode, in: memory) {
        if Variant.refusesWhileDestroyed, memory.read(ConnectorMaker.flags(connector)) & ConnectorMaker.isDestroyed != 0
        {
          memory.unlock(ConnectorMaker.lock(connector))
          return .refused
        }
        let first = memory.load(ConnectorMaker.first(connector), .relaxed)
        mark.link(at: ConnectorMaker.first(connector), before: first, in: memory)
        countUp(connector, of: object, in: memory)
        memory.store(mark.connector, UInt64(connector.address), .relaxed)
        memory.unlock(ConnectorMaker.lock(connector))
        return .added(connector)
      }
      // What was attached is gone again.
      if hasAttached { memory.startsOver() }
      hasAttached = true
      do {
        let populated = try attach(to: object, of: inode, in: memory)
        if !Variant.losersAddTheirMark, case .lost(to: let winner?) = populated { return .added(winner) }
      } catch {
        return .outOfMemory
      }
    }
  }

  /// fsnotify_destroy_marks: every mark there is, and then the connector; the lock is dropped at each mark, whose
  /// reference keeps its place on the list. Answers the connector that was there.
  ///
  /// It waits for the grace periods itself, outside of every section. (Linux leaves that to a worker.)
  @inlinable @inline(__always)
  public static func destroyAll<M: Memory>(of object: WatchedObject, _ inode: Inode, in memory: M) -> Addon? {
    guard let connector = grab(object, of: inode, in: memory) else { return nil }
    let flags = ConnectorMaker.flags(connector)
    memory.write(flags, memory.read(flags) | ConnectorMaker.isDestroyed)
    var old: Mark?
    var next = Mark.following(ConnectorMaker.first(connector), .relaxed, in: memory)
    while let mark = next {
      memory.fetchAdd(mark.references, 1, .relaxed)  // fsnotify_get_mark
      memory.unlock(ConnectorMaker.lock(connector))
      if let old { put(old, on: object, in: memory, waits: true) }
      old = mark
      destroy(mark, on: object, in: memory)
      memory.window()
      memory.lock(ConnectorMaker.lock(connector))
      next = Mark.following(mark.next, .relaxed, in: memory)
    }
    detach(connector, from: object, in: memory)
    let isEmpty = memory.load(ConnectorMaker.first(connector), .relaxed) == 0
    memory.unlock(ConnectorMaker.lock(connector))
    if let old { put(old, on: object, in: memory, waits: true) }
    // Its attacher has not come to adding its mark, and no mark will ever be put.
    if isEmpty, Variant.freesEmptyConnector { Variant.free(connector, in: memory) }
    return connector
  }

  // MARK: At quiescence

  /// Whether connector, marks and mask fit together.
  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ connector: Addon?, of object: WatchedObject, in memory: M) {
    var events: UInt64 = 0
    if let connector {
      memory.expect(ConnectorMaker.object(connector), holds: UInt64(object.address), .initialised)
      events = mask(of: connector, in: memory)
      var next = Mark.following(ConnectorMaker.first(connector), .relaxed, in: memory)
      var walked = 0
      while let mark = next, walked < Marks.most {
        walked &+= 1
        memory.ownedByVisibleAddon(mark.addon)
        memory.expect(mark.references, holds: 1, .balanced)
        memory.expect(mark.connector, holds: UInt64(connector.address), .initialised)
        next = Mark.following(mark.next, .relaxed, in: memory)
      }
    }
    memory.expect(object.mask, holds: events, .aggregated)
  }

  /// The object goes, and nobody looks at it any more.
  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ object: WatchedObject, in memory: M) {
    memory.store(object.mask, 0, .relaxed)
    let start = memory.began()
    guard let connector = memory.load(object.slot, .relaxed) else { return }
    var next = Mark.following(ConnectorMaker.first(connector), .relaxed, in: memory)
    countDown(connector, of: object, in: memory)
    while let mark = next {
      next = Mark.following(mark.next, .relaxed, in: memory)
      memory.free(mark.addon)
    }
    if Variant.detaching == .listLockBetween { object.superblock?.removeFromList(connector, in: memory) }
    memory.store(object.slot, nil, .relaxed)
    memory.ended(start, .detached(connector))
    memory.free(connector)
  }
}

/// struct fsnotify_mark_connector: 24 bytes of a slab that is not zeroed; 40 with the links of the superblock's list.
@frozen public struct ConnectorMaker: Maker {
  public let object: UInt
  /// The superblock whose list it goes onto, before it is published.
  public let list: WatchingSuperblock?
  @inlinable @inline(__always) public init(object: UInt, list: WatchingSuperblock? = nil) {
    self.object = object
    self.list = list
  }

  @inlinable public static var size: Int { 24 }
  @inlinable public static var sizeWithLinks: Int { 40 }
  @inlinable @inline(__always) public static func lock(_ connector: Addon) -> Lock { connector.lock(at: 0) }
  /// Under the lock.
  @inlinable @inline(__always) public static func flags(_ connector: Addon) -> Word32 { connector.word32(at: 4) }
  /// FSNOTIFY_CONN_FLAG_DESTROYING.
  @inlinable public static var isDestroyed: UInt32 { 1 }
  /// FSNOTIFY_CONN_FLAG_IS_WATCHED: its superblock counts it.
  @inlinable public static var isWatched: UInt32 { 2 }
  /// The first mark of the list. Written under the lock; hooks walk the list without.
  @inlinable @inline(__always) public static func first(_ connector: Addon) -> Word64 { connector.word64(at: 8) }
  /// What it hangs off, 0 once it is detached. Under the lock.
  @inlinable @inline(__always) public static func object(_ connector: Addon) -> Word64 { connector.word64(at: 16) }
  @inlinable @inline(__always) public static func links(_ connector: Addon) -> UInt { connector.address &+ 24 }

  @inlinable public var kind: AddonKind {
    AddonKind(size: list == nil ? Self.size : Self.sizeWithLinks, zeroed: false)
  }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ connector: Addon, in memory: M) {
    memory.initialise(Self.lock(connector))
    memory.write(Self.flags(connector), 0)
    memory.store(Self.first(connector), 0, .relaxed)
    memory.store(Self.object(connector), UInt64(object), .relaxed)
    list?.addToList(connector, in: memory)
  }

  /// Whoever lost takes its own off the superblock's list again.
  @inlinable @inline(__always) public func undo<M: Memory>(_ connector: Addon, in memory: M) {
    list?.removeFromList(connector, in: memory)
  }
}
