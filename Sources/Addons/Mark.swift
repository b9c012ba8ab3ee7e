import AddonMemory

/// `struct fsnotify_mark`: what one group wants to hear of one object. It has references: its maker's, its group's, and
/// those of whoever walks the list and drops the connector's lock. The last one to go takes it off the list.
@frozen public struct Mark: Equatable {
  public let addon: Addon
  @inlinable @inline(__always) public init(_ addon: Addon) { self.addon = addon }

  @inlinable @inline(__always) public var lock: Lock { addon.lock(at: 0) }
  @inlinable @inline(__always) public var references: Word64 { addon.word64(at: 8) }
  /// The connector that it is on. Changed under the connector's lock.
  @inlinable @inline(__always) public var connector: Word64 { addon.word64(at: 16) }
  /// What the group wants to hear of. Never changed here.
  @inlinable @inline(__always) public var events: Word64 { addon.word64(at: 24) }
  /// FSNOTIFY_MARK_FLAG_ATTACHED. Linux changes it plainly under the mark's lock, and reads it under the connector's.
  @inlinable @inline(__always) public var isAttached: Word64 { addon.word64(at: 32) }
  /// The next on the connector's list. Changed under the connector's lock; hooks follow it without.
  @inlinable @inline(__always) public var next: Word64 { addon.word64(at: 40) }

  /// What a link of the list leads to; nil at its end. Poison leads nowhere, and is noted: it was read in freed memory.
  @inlinable @inline(__always)
  public static func following<M: Memory>(_ link: Word64, _ ordering: LoadOrdering, in memory: M) -> Mark? {
    let bits = memory.load(link, ordering)
    if bits & 7 != 0 {
      memory.violated(.initialised, seen: bits, expected: 0, at: link.address)
      return nil
    }
    return Addon(bits: bits).map { Mark($0) }
  }

  /// hlist_add_before_rcu.
  @inlinable @inline(__always)
  func link<M: Memory>(at link: Word64, before first: UInt64, in memory: M) {
    memory.store(next, first, .relaxed)
    memory.linked(addon)
    memory.store(link, UInt64(addon.address), .releasing)
  }

  /// hlist_del_init_rcu: whoever stands on it still finds the way on. (Linux stores by WRITE_ONCE: the lock orders what
  /// others have linked before it, by po-unlock-lock-po. Releasing is right in every model.)
  @inlinable @inline(__always)
  func unlink<M: Memory>(from connector: Addon, in memory: M) {
    var link = ConnectorMaker.first(connector)
    while let other = Mark.following(link, .relaxed, in: memory) {
      if other == self { return memory.store(link, memory.load(next, .relaxed), .releasing) }
      link = other.next
    }
  }

  /// refcount_dec_and_lock: whether it was the last reference. Then the lock is held.
  @inlinable @inline(__always)
  func dropReference<M: Memory>(orLock lock: Lock, in memory: M) -> Bool {
    var count = memory.load(references, .relaxed)
    while count != 1 {
      let found = memory.compareExchange(references, count, count &- 1, .releasing, failure: .relaxed)
      if found == count { return false }
      count = found
    }
    memory.lock(lock)
    if memory.fetchAdd(references, 0 &- 1, .acquiringAndReleasing) == 1 { return true }
    memory.unlock(lock)
    return false
  }
}

/// How a mark is made: zeroed, 48 bytes here, with one reference, its maker's.
@frozen public struct MarkMaker: Maker {
  public let events: UInt64
  @inlinable @inline(__always) public init(of racer: Int) { events = Marks.events(of: racer) }

  @inlinable public static var size: Int { 48 }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true, populates: false) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    let mark = Mark(addon)
    memory.initialise(mark.lock)
    memory.store(mark.references, 1, .relaxed)
    memory.write(mark.events, events)
    memory.store(mark.isAttached, 1, .relaxed)
  }
}

/// What marks want to hear of.
public enum Marks {
  /// What a mask can hold.
  @inlinable public static var everyEvent: UInt64 { 7 }
  /// All groups want one of the events, and every second pair each of two more.
  @inlinable @inline(__always) public static func events(of racer: Int) -> UInt64 { 4 | (racer & 2 == 0 ? 1 : 2) }
  /// The most marks of one object: one a racer.
  @inlinable public static var most: Int { 64 }
}

/// What a superblock knows of its watched objects: how many they are and, for inodes of 7.0 and later, their connectors.
/// 32 bytes, which all inodes of a round share.
@frozen public struct WatchingSuperblock {
  public let address: UInt
  @inlinable @inline(__always) public init(at address: UInt) { self.address = address }

  @inlinable public static var size: Int { 32 }
  /// watched_objects[0].
  @inlinable @inline(__always) public var watched: Word64 { Word64(address) }
  @inlinable @inline(__always) var listLock: Lock { Lock(address &+ 8) }
  @inlinable @inline(__always) public var connectors: List { List(at: address &+ 16) }

  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) {
    memory.store(watched, 0, .relaxed)
    memory.initialise(listLock)
    connectors.initialise(in: memory)
  }

  /// atomic_long_inc.
  @inlinable @inline(__always) func countUp<M: Memory>(in memory: M) { memory.fetchAdd(watched, 1, .relaxed) }
  /// atomic_long_dec_and_test.
  @inlinable @inline(__always) func countDown<M: Memory>(in memory: M) { memory.fetchAdd(watched, 0 &- 1, .full) }

  @inlinable @inline(__always) func addToList<M: Memory>(_ connector: Addon, in memory: M) {
    memory.lock(listLock)
    connectors.add(ConnectorMaker.links(connector), in: memory)
    memory.unlock(listLock)
  }
  @inlinable @inline(__always) func removeFromList<M: Memory>(_ connector: Addon, in memory: M) {
    memory.lock(listLock)
    List.remove(ConnectorMaker.links(connector), in: memory)
    memory.unlock(listLock)
  }
}
