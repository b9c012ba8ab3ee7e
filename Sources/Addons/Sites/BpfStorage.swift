import AddonMemory

/// `bpf_local_storage`: what programs keep for an inode, an element for each map, found from the inode and from the map.
///
/// The first element is linked into the storage *and* into the map before the storage is published; whoever loses unlinks
/// its element from the map, frees both, takes both charges back and returns -EAGAIN without trying again. The last element
/// to go sets the slot to NULL under the storage's lock; storage and element are freed after a grace period of RCU. An
/// element can be deleted from the inode's side and from the map's at once: whoever unlinks it from the storage frees it.
@frozen public enum BpfStorage<S: Strategy, Variant: BpfStorageVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case update, delete, use, freeMap
    public var sentence: String {
      switch self {
      case .update:
        "bpf_local_storage_update: makes the storage with its first element, or finds it; -EAGAIN if it lost."
      case .delete: "Deletes the inode's element; the last one to go takes the storage with it."
      case .use: "Under RCU: follows the slot to the element, and reads its value."
      case .freeMap: "The map goes, unless somebody is using it: deletes the element from the map's side."
      }
    }
    @inlinable public var looksOnly: Bool { self != .update }
    public var detaches: Bool { self == .delete || self == .freeMap }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "bpf-storage" + Variant.suffix, "What bpf programs keep for an inode, in two levels; deleted from either side.",
      source: "kernel/bpf/bpf_local_storage.c, Linux 6.12", slots: ["inode_storage"],
      ownStrategy: "full-compare-exchange", racers: [("update", 2), ("delete", 1), ("use", 1)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var sharedSize: Int { 32 }
  @inlinable public static var biggestAddon: Int { LocalStorageMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }
  @inlinable public static var deferredFreesPerVisit: Int { 2 }
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always)
  public static func createShared<M: Memory>(at shared: UInt, in memory: M) {
    StorageMap(at: shared).initialise(in: memory)
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .update:
      guard MapUsers.get(inode, in: memory) else {
        memory.report(.absent)
        return
      }
      update(inode, in: memory)
      MapUsers.put(inode, in: memory)
    case .delete: delete(inode, in: memory)
    case .use: use(inode, in: memory)
    case .freeMap:
      if MapUsers.end(inode, in: memory) { freeMap(inode, in: memory) } else { memory.report(.absent) }
    }
  }

  @inlinable @inline(__always)
  static func update<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let storage = S.look(at: inode.slot(at: 0), of: inode, in: memory) {
      memory.ended(start, .found(storage))
      memory.report(.success(storage))
    } else {
      memory.ended(start, .absent)
      add(to: inode, in: memory)
    }
    memory.leaveReadSection(.rcu)
  }

  /// bpf_local_storage_alloc, with the element that it begins with.
  @inlinable @inline(__always)
  static func add<M: Memory>(to inode: Inode, in memory: M) {
    let map = StorageMap(at: inode.shared)
    map.charge(Element.size, in: memory)
    let element: Element
    do {
      element = Element(try memory.allocate(Element.kind))
    } catch {
      map.charge(0 - Element.size, in: memory)
      memory.report(.failure)
      return
    }
    let start = memory.began()
    do {
      let made = try S.populate(
        inode.slot(at: 0), of: inode, in: memory,
        LocalStorageMaker(inode: inode, element: element, map: map))
      switch made {
      case .won(let storage):
        memory.ended(start, .attached(storage))
        memory.report(.success(storage))
        return
      case .found: break
      case .lost:
        if Variant.loserUnlinksElement { map.unlink(element, in: memory) }
        if Variant.unchargesTwice { map.charge(0 - LocalStorageMaker.size, in: memory) }
      }
      memory.report(.again)
    } catch {
      memory.report(.failure)
    }
    memory.free(element.addon)
    map.charge(0 - Element.size, in: memory)
  }

  /// bpf_selem_unlink: from the map first, then from the storage.
  @inlinable @inline(__always)
  static func unlink<M: Memory>(_ element: Element, from storage: Addon, of inode: Inode, in memory: M) -> Bool {
    let map = StorageMap(at: inode.shared)
    map.unlink(element, in: memory)
    memory.lock(LocalStorageMaker.lock(storage))
    let isLinked = memory.load(LocalStorageMaker.element(storage), .relaxed) == UInt64(element.addon.address)
    if isLinked || !Variant.checksLinked {
      let start = memory.began()
      memory.store(LocalStorageMaker.element(storage), 0, .relaxed)
      memory.store(inode.slot(at: 0), nil, .relaxed)
      memory.ended(start, .detached(storage))
    }
    memory.unlock(LocalStorageMaker.lock(storage))
    guard isLinked || !Variant.checksLinked else { return false }
    map.charge(0 - Element.size - LocalStorageMaker.size, in: memory)
    Variant.free(element.addon, in: memory)
    Variant.free(storage, in: memory)
    return true
  }

  @inlinable @inline(__always)
  static func delete<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let storage = S.look(at: inode.slot(at: 0), of: inode, in: memory) {
      memory.ended(start, .found(storage))
      memory.window()
      let bits = memory.load(LocalStorageMaker.element(storage), .acquiring)
      if let addon = Addon(bits: bits), unlink(Element(addon), from: storage, of: inode, in: memory) {
        memory.report(.success(storage))
      } else {
        memory.report(.absent)
      }
    } else {
      memory.ended(start, .absent)
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  @inlinable @inline(__always)
  static func freeMap<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    if let element = StorageMap(at: inode.shared).element(of: inode, in: memory) {
      memory.window()
      let storage = Addon(address: UInt(memory.read(element.storage)))
      memory.report(unlink(element, from: storage, of: inode, in: memory) ? .success(storage) : .absent)
    } else {
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  @inlinable @inline(__always)
  static func use<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let storage = S.look(at: inode.slot(at: 0), of: inode, in: memory) {
      memory.ended(start, .found(storage))
      memory.window()
      let isWhole = memory.expect(LocalStorageMaker.owner(storage), holds: UInt64(inode.address), .initialised)
      if isWhole, let element = Addon(bits: memory.load(LocalStorageMaker.element(storage), .acquiring)) {
        memory.expect(Element(element).value, holds: Element.someValue, .initialised)
      }
      memory.report(.success(storage))
    } else {
      memory.ended(start, .absent)
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let storage = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    if let element = Addon(bits: memory.load(LocalStorageMaker.element(storage), .relaxed)) {
      memory.ownedByVisibleAddon(element)
      memory.expect(Element(element).value, holds: Element.someValue, .initialised)
    } else {
      memory.violated(.initialised, seen: 0, expected: 1, at: LocalStorageMaker.element(storage).address)
    }
  }

  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {
    let map = StorageMap(at: shared)
    let storages = UInt64(memory.populations(ofSlot: 0))
    memory.expect(map.charged, holds: storages &* UInt64(Element.size + LocalStorageMaker.size), .balanced)
    memory.expect(map.elementCount, holds: storages, .winnerEffect)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(MapUsers.count(inode), 0, .relaxed)
    let start = memory.began()
    guard let storage = memory.load(inode.slot(at: 0), .relaxed) else { return }
    let map = StorageMap(at: inode.shared)
    if let element = Addon(bits: memory.load(LocalStorageMaker.element(storage), .relaxed)) {
      map.unlink(Element(element), in: memory)
      memory.free(element)
    }
    map.charge(0 - Element.size - LocalStorageMaker.size, in: memory)
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.ended(start, .detached(storage))
    memory.free(storage)
  }
}

/// Who uses the map for this inode: a map goes only when nobody does, and nobody begins to then. (bpf_map_inc_not_zero.)
@frozen public enum MapUsers {
  @inlinable public static var isGone: UInt64 { 1 << 32 }
  @inlinable @inline(__always) static func count(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  @inlinable @inline(__always) public static func get<M: Memory>(_ inode: Inode, in memory: M) -> Bool {
    if memory.fetchAdd(count(inode), 1, .acquiring) & isGone == 0 { return true }
    put(inode, in: memory)
    return false
  }

  @inlinable @inline(__always) public static func put<M: Memory>(_ inode: Inode, in memory: M) {
    memory.fetchAdd(count(inode), 0 &- 1, .releasing)
  }

  @inlinable @inline(__always) public static func end<M: Memory>(_ inode: Inode, in memory: M) -> Bool {
    memory.compareExchange(count(inode), 0, isGone, .acquiringAndReleasing, failure: .relaxed) == 0
  }
}

/// struct bpf_local_storage_map, of one bucket: a lock, the list of its elements, how many they are, and the charge.
@frozen public struct StorageMap {
  public let address: UInt
  @inlinable @inline(__always) public init(at address: UInt) { self.address = address }

  @inlinable @inline(__always) public var lock: Lock { Lock(address) }
  @inlinable @inline(__always) public var first: Word64 { Word64(address &+ 8) }
  @inlinable @inline(__always) public var charged: Word64 { Word64(address &+ 16) }
  @inlinable @inline(__always) public var elementCount: Word64 { Word64(address &+ 24) }

  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) {
    memory.initialise(lock)
    memory.write(first, 0)
    memory.store(charged, 0, .relaxed)
    memory.write(elementCount, 0)
  }

  /// mem_charge and mem_uncharge. Bytes.
  @inlinable @inline(__always) public func charge<M: Memory>(_ bytes: Int, in memory: M) {
    memory.fetchAdd(charged, UInt64(bitPattern: Int64(bytes)), .relaxed)
  }

  /// bpf_selem_link_map.
  @inlinable @inline(__always) public func link<M: Memory>(_ element: Element, in memory: M) {
    memory.lock(lock)
    memory.write(element.next, memory.read(first))
    memory.write(element.isLinked, 1)
    memory.write(first, UInt64(element.addon.address))
    memory.write(elementCount, memory.read(elementCount) &+ 1)
    memory.unlock(lock)
  }

  /// bpf_selem_unlink_map: once, whoever comes first.
  @inlinable @inline(__always) public func unlink<M: Memory>(_ element: Element, in memory: M) {
    memory.lock(lock)
    if memory.read(element.isLinked) != 0 {
      memory.write(element.isLinked, 0)
      memory.write(elementCount, memory.read(elementCount) &- 1)
      var link = first
      while let other = Addon(bits: memory.read(link)) {
        if other == element.addon {
          memory.write(link, memory.read(element.next))
          break
        }
        link = Element(other).next
      }
    }
    memory.unlock(lock)
  }

  /// The element of an inode.
  @inlinable @inline(__always) public func element<M: Memory>(of inode: Inode, in memory: M) -> Element? {
    memory.lock(lock)
    var found = Addon(bits: memory.read(first))
    while let addon = found, memory.read(Element(addon).owner) != UInt64(inode.address) {
      found = Addon(bits: memory.read(Element(addon).next))
    }
    memory.unlock(lock)
    return found.map { Element($0) }
  }
}

/// struct bpf_local_storage_elem: 40 bytes here, zeroed.
@frozen public struct Element {
  public let addon: Addon
  @inlinable @inline(__always) public init(_ addon: Addon) { self.addon = addon }

  @inlinable public static var size: Int { 40 }
  @inlinable public static var someValue: UInt64 { 0xb9f }
  @inlinable public static var kind: AddonKind {
    AddonKind(size: size, zeroed: true, populates: false, maySleep: false)
  }
  @inlinable @inline(__always) public var next: Word64 { addon.word64(at: 0) }
  @inlinable @inline(__always) public var isLinked: Word64 { addon.word64(at: 8) }
  @inlinable @inline(__always) public var storage: Word64 { addon.word64(at: 16) }
  @inlinable @inline(__always) public var owner: Word64 { addon.word64(at: 24) }
  @inlinable @inline(__always) public var value: Word64 { addon.word64(at: 32) }
}

/// struct bpf_local_storage: 176 bytes, zeroed, without sleeping; charged before, and given its first element.
@frozen public struct LocalStorageMaker: Maker {
  public let inode: Inode
  public let first: Element
  public let map: StorageMap
  @inlinable @inline(__always) public init(inode: Inode, element: Element, map: StorageMap) {
    self.inode = inode
    first = element
    self.map = map
  }

  @inlinable public static var size: Int { 176 }
  @inlinable @inline(__always) public static func lock(_ storage: Addon) -> Lock { storage.lock(at: 0) }
  @inlinable @inline(__always) public static func element(_ storage: Addon) -> Word64 { storage.word64(at: 8) }
  @inlinable @inline(__always) public static func owner(_ storage: Addon) -> Word64 { storage.word64(at: 16) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true, maySleep: false) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ storage: Addon, in memory: M) {
    map.charge(Self.size, in: memory)
    memory.initialise(Self.lock(storage))
    memory.write(Self.owner(storage), UInt64(inode.address))
    memory.write(first.value, Element.someValue)
    memory.write(first.owner, UInt64(inode.address))
    memory.write(first.storage, UInt64(storage.address))
    memory.store(Self.element(storage), UInt64(first.addon.address), .relaxed)
    map.link(first, in: memory)
    memory.linked(first.addon)
  }
}

/// Where a faulty bpf storage departs from the right one.
public protocol BpfStorageVariant {
  static var loserUnlinksElement: Bool { get }
  static var unchargesTwice: Bool { get }
  /// Whoever has the storage's lock looks whether the element is still on it.
  static var checksLinked: Bool { get }
  static func free<M: Memory>(_ addon: Addon, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension BpfStorageVariant {
  @inlinable public static var loserUnlinksElement: Bool { true }
  @inlinable public static var unchargesTwice: Bool { true }
  @inlinable public static var checksLinked: Bool { true }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ addon: Addon, in memory: M) { memory.freeAfterGracePeriod(addon, .rcu) }
}

/// As in Linux.
public enum BpfAsInLinux: BpfStorageVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}
