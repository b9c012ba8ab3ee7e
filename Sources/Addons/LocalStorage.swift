import AddonMemory

/// `struct bpf_local_storage`: the list of what programs keep for one owner, an element for each map, and a cache of those
/// that were looked up. 176 bytes, zeroed.
@frozen public struct LocalStorage: Equatable {
  public let addon: Addon
  @inlinable @inline(__always) public init(_ addon: Addon) { self.addon = addon }

  @inlinable public static var size: Int { 176 }
  /// Allocated without sleeping: in a read-side section.
  @inlinable public static var kind: AddonKind { AddonKind(size: size, zeroed: true, maySleep: false) }

  @inlinable @inline(__always) public var lock: Lock { addon.lock(at: 0) }
  /// Whose it is, 0 once the last element went. Under the lock.
  @inlinable @inline(__always) public var owner: Word64 { addon.word64(at: 8) }
  /// Changed under the lock; walked without.
  @inlinable @inline(__always) public var elements: HashList {
    HashList(addon.word64(at: 16), nodesAt: Element.storageNode)
  }
  /// Linux 7.2: bytes that the owner is charged for all this. Under the lock.
  @inlinable @inline(__always) public var charged: Word64 { addon.word64(at: 24) }
  /// Linux 7.2: 1 while the owner stands, and one more for whoever uncharges it.
  @inlinable @inline(__always) public var ownerReferences: Word64 { addon.word64(at: 32) }
  /// One of sixteen entries. Written under the lock, read without.
  @inlinable @inline(__always) public func cache(_ index: UInt) -> Word64 { addon.word64(at: 48 &+ 8 &* index) }

  /// bpf_local_storage_lookup, without filling the cache.
  @inlinable @inline(__always)
  public func cached<M: Memory>(for map: StorageMap, in memory: M) -> Element? {
    guard let addon = HashList.follow(cache(StorageMap.cacheIndex), in: memory),
      memory.load(Element(addon).map, .relaxed) == UInt64(map.address)
    else { return nil }
    return Element(addon)
  }
  @inlinable @inline(__always)
  public func listed<M: Memory>(for map: StorageMap, in memory: M) -> Element? {
    var next = elements.begin(in: memory)
    var walked = 0
    while let addon = next, walked < StorageMap.count {
      if memory.load(Element(addon).map, .relaxed) == UInt64(map.address) { return Element(addon) }
      next = elements.after(addon, in: memory)
      walked &+= 1
    }
    return nil
  }
}

/// `struct bpf_local_storage_elem`: what one map keeps for one owner. 64 bytes here, zeroed.
@frozen public struct Element: Equatable {
  public let addon: Addon
  @inlinable @inline(__always) public init(_ addon: Addon) { self.addon = addon }

  @inlinable public static var size: Int { 64 }
  @inlinable public static var kind: AddonKind {
    AddonKind(size: size, zeroed: true, populates: false, maySleep: false)
  }
  @inlinable public static var someValue: UInt64 { 0xb9f }
  /// SELEM_MAP_UNLINKED, SELEM_STORAGE_UNLINKED and SELEM_TOFREE.
  @inlinable public static var seenByMap: UInt64 { 1 }
  @inlinable public static var seenByOwner: UInt64 { 2 }
  @inlinable public static var isFreed: UInt64 { 4 }

  @inlinable public static var mapNode: UInt { 0 }
  @inlinable public static var storageNode: UInt { 16 }
  @inlinable @inline(__always) public var storage: Word64 { addon.word64(at: 32) }
  @inlinable @inline(__always) public var map: Word64 { addon.word64(at: 40) }
  /// Written before the element is published.
  @inlinable @inline(__always) public var value: Word64 { addon.word64(at: 48) }
  /// Linux 7.2: which of the two that destroy have seen it.
  @inlinable @inline(__always) public var state: Word64 { addon.word64(at: 56) }
}

/// `struct bpf_local_storage_map`, of one bucket: the elements of its own, for one owner here, so that a map can go at each.
@frozen public struct StorageMap: Equatable {
  public let address: UInt
  @inlinable @inline(__always) public init(at address: UInt) { self.address = address }

  @inlinable public static var size: Int { 16 }
  /// Of one owner.
  @inlinable public static var count: Int { 2 }
  /// Maps share an entry once there are more than sixteen: here both do.
  @inlinable public static var cacheIndex: UInt { 0 }

  @inlinable @inline(__always) public var lock: Lock { Lock(address) }
  /// Changed under the lock.
  @inlinable @inline(__always) public var elements: HashList {
    HashList(Word64(address &+ 8), nodesAt: Element.mapNode)
  }

  /// bpf_selem_link_map.
  @inlinable @inline(__always) public func link<M: Memory>(_ element: Element, in memory: M) {
    memory.lock(lock)
    elements.add(element.addon, in: memory)
    memory.unlock(lock)
  }

  /// bpf_selem_unlink_map: once, whoever comes first.
  @inlinable @inline(__always) public func unlink<M: Memory>(_ element: Element, in memory: M) {
    if !elements.contains(element.addon, in: memory) { return }
    memory.lock(lock)
    elements.remove(element.addon, in: memory)
    memory.unlock(lock)
  }
}

/// Who uses an owner and its maps: a count, and what is gone. Nobody begins to use what is gone, and it goes only when nobody
/// uses it. (Each has a count of its own in Linux: refcount_inc_not_zero, and the last put.)
@frozen public struct StorageUsers {
  @usableFromInline let count: Word64
  @inlinable @inline(__always) public init(_ count: Word64) { self.count = count }
  @inlinable public static var ownerGone: UInt64 { 1 << 32 }
  @inlinable public static var mapGone: UInt64 { 1 << 33 }

  /// The owner is new. Relaxed.
  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) { memory.store(count, 0, .relaxed) }
  /// Relaxed.
  @inlinable @inline(__always) public func areGone<M: Memory>(_ what: UInt64, in memory: M) -> Bool {
    memory.load(count, .relaxed) & what != 0
  }

  /// Whether neither is gone. Relaxed.
  @inlinable @inline(__always) public func get<M: Memory>(in memory: M) -> Bool {
    if memory.fetchAdd(count, 1, .relaxed) & (Self.ownerGone | Self.mapGone) == 0 { return true }
    put(in: memory)
    return false
  }
  /// Releasing.
  @inlinable @inline(__always) public func put<M: Memory>(in memory: M) { memory.fetchAdd(count, 0 &- 1, .releasing) }
  /// Whether nobody used it: then it is gone. Acquiring.
  @inlinable @inline(__always) public func end<M: Memory>(_ what: UInt64, in memory: M) -> Bool {
    var found = memory.load(count, .relaxed)
    while found & ~(Self.ownerGone | Self.mapGone) == 0, found & what == 0 {
      let was = memory.compareExchange(count, found, found | what, .acquiringAndReleasing, failure: .relaxed)
      if was == found { return true }
      found = was
    }
    return false
  }
}
