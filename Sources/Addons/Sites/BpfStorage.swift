import AddonMemory

/// `bpf_local_storage`: what programs keep for an inode or a socket, an element for each map, found from the owner and from
/// the map.
///
/// The first element is linked into the storage *and* into its map before the storage is published; whoever loses unlinks
/// its element from the map, frees both, takes both charges back and returns -EAGAIN without trying again. An update of a
/// storage that is there looks again under the storage's lock whether anything is on it, and replaces what its map had.
/// The last element to go sets the slot to NULL under the storage's lock; whoever unlinks an element from the storage frees
/// it, after a grace period. A look-up fills the cache under the lock, and only with what is still on the list.
///
/// Maps and owners go when nobody uses them; so against an owner's end there is only a map's, and the other way round. A
/// socket is charged for all this, and has memory of its own, which goes with it; an inode is never charged, and its memory is
/// freed after a grace period of its own.
@frozen public enum BpfStorage<S: Strategy, Variant: BpfStorageVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case update, updateOther, delete, use, freeMap, destroy
    public var sentence: String {
      switch self {
      case .update:
        "bpf_local_storage_update: makes the storage with its first element, or replaces the map's element in it."
      case .updateOther: "The same for the other map."
      case .delete: "Deletes the map's element; the last one to go takes the storage with it."
      case .use:
        "Under RCU, without a reference to the owner: looks the map's element up, caches it, and reads its value."
      case .freeMap: "The map goes, unless somebody is using it: deletes its element from the map's side."
      case .destroy: "The owner goes, unless somebody is using it: deletes all elements."
      }
    }
    @inlinable public var looksOnly: Bool { self != .update && self != .updateOther }
    public var detaches: Bool { self == .delete || self == .freeMap || self == .destroy }
    public var waitsFor: GracePeriod? { self == .freeMap ? .rcu : nil }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "bpf-storage" + Variant.suffix, Variant.summary, source: Variant.source, slots: ["owner_storage"],
      ownStrategy: "full-compare-exchange", racers: [("update", 2), ("delete", 1)],
      versions: Variant.versions, fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 24 + StorageMap.count * StorageMap.size }
  @inlinable public static var biggestAddon: Int { LocalStorage.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }
  @inlinable public static var allocationsPerCreation: Int { StorageOwner<Variant>.blocks }
  /// A storage and an element of each map.
  @inlinable public static var deferredFreesPerVisit: Int { 1 + StorageMap.count }
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always) static func owner(_ inode: Inode) -> StorageOwner<Variant> { StorageOwner(inode) }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) {
    owner(inode).create(in: memory)
  }

  @inlinable @inline(__always)
  public static func isCreated<M: Memory>(_ inode: Inode, in memory: M) -> Bool { owner(inode).isCreated(in: memory) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let owner = owner(inode)
    let map = owner.map(role == .updateOther ? 1 : 0, in: memory)
    switch role {
    case .update, .updateOther, .delete:
      guard owner.users.get(in: memory) else { return memory.report(.absent) }
      memory.enterReadSection(.rcu)
      if role == .delete { delete(from: owner, map, in: memory) } else { update(owner, map, in: memory) }
      memory.leaveReadSection(.rcu)
      owner.users.put(in: memory)
    case .use: use(owner, map, in: memory)
    case .freeMap: freeMap(map, of: owner, in: memory)
    case .destroy: destroy(owner, in: memory)
    }
  }

  /// bpf_local_storage_update, with BPF_ANY.
  @inlinable @inline(__always)
  static func update<M: Memory>(_ owner: StorageOwner<Variant>, _ map: StorageMap, in memory: M) {
    let start = memory.began()
    let found = S.look(at: owner.slot, of: owner.inode, in: memory).map { LocalStorage($0) }
    memory.ended(start, found.map { HistoryResult.found($0.addon) } ?? .absent)
    let begins = found.map { $0.elements.isEmpty(in: memory) } ?? true
    guard let element = allocate(map, for: owner, in: memory) else { return memory.report(.failure) }
    if !begins, let storage = found { return replace(element, in: storage, of: owner, map, memory) }

    let storage = create(with: element, for: owner, map, in: memory)
    if case .success = storage { return memory.report(storage) }
    memory.free(element.addon)
    owner.charge(0 - Element.size, in: memory)  // mem_uncharge
    memory.report(storage)
  }

  /// bpf_selem_alloc: nil if there is no memory.
  @inlinable @inline(__always)
  static func allocate<M: Memory>(_ map: StorageMap, for owner: StorageOwner<Variant>, in memory: M) -> Element? {
    owner.charge(Element.size, in: memory)  // mem_charge
    guard let block = memory.block(of: Element.kind) else {
      owner.charge(0 - Element.size, in: memory)
      return nil
    }
    let element = Element(block)
    memory.store(element.map, UInt64(map.address), .relaxed)
    memory.write(element.value, Element.someValue)
    return element
  }

  /// bpf_local_storage_alloc. (The strategy looks once more than Linux does.)
  @inlinable @inline(__always)
  static func create<M: Memory>(
    with element: Element, for owner: StorageOwner<Variant>, _ map: StorageMap, in memory: M
  ) -> Report {
    owner.charge(LocalStorage.size, in: memory)
    let maker = LocalStorageMaker<Variant>(owner: owner, first: element, map: map)
    var report = Report.again
    let start = memory.began()
    do {
      switch try S.populate(owner.slot, of: owner.inode, in: memory, maker) {
      case .won(let storage):
        memory.ended(start, .attached(storage))
        if Variant.exchangesUnderBucketLock { memory.unlock(map.lock) }
        return .success(storage)
      case .found, .lost, .lostKeeping, .lostWithoutLooking: break  // -EAGAIN
      }
    } catch {
      report = .failure
    }
    if Variant.unchargesStorage { owner.charge(0 - LocalStorage.size, in: memory) }
    return report
  }

  /// The rest of bpf_local_storage_update: under the lock of a storage that is there.
  @inlinable @inline(__always)
  static func replace<M: Memory>(
    _ element: Element, in storage: LocalStorage, of owner: StorageOwner<Variant>, _ map: StorageMap, _ memory: M
  ) {
    memory.lock(storage.lock)
    if Variant.looksAgain, storage.elements.isEmpty(in: memory) {
      memory.unlock(storage.lock)  // the last one is being deleted: -EAGAIN
      owner.charge(0 - Element.size, in: memory)
      memory.free(element.addon)
      return memory.report(.again)
    }
    let old = storage.cached(for: map, in: memory) ?? storage.listed(for: map, in: memory)
    map.link(element, in: memory)
    link(element, to: storage, in: memory)
    if let old {
      map.unlink(old, in: memory)
      _ = unlink(old, from: storage, of: owner, in: memory)
    }
    memory.unlock(storage.lock)
    memory.report(.success(storage.addon))
  }

  /// bpf_selem_link_storage_nolock.
  @inlinable @inline(__always)
  static func link<M: Memory>(_ element: Element, to storage: LocalStorage, in memory: M) {
    memory.store(element.storage, UInt64(storage.addon.address), .relaxed)
    memory.write(storage.charged, memory.read(storage.charged) &+ UInt64(Element.size))
    memory.linked(element.addon)
    storage.elements.add(element.addon, in: memory)
  }

  /// bpf_selem_unlink_storage_nolock: whether it was the last one; then the caller frees the storage.
  @inlinable @inline(__always)
  static func unlink<M: Memory>(
    _ element: Element, from storage: LocalStorage, of owner: StorageOwner<Variant>, uncharges: Bool = true,
    in memory: M
  ) -> Bool {
    let isLast = storage.elements.isSingular(element.addon, in: memory)
    if uncharges { owner.charge(0 - Element.size, in: memory) }
    memory.write(storage.charged, memory.read(storage.charged) &- UInt64(Element.size))
    if isLast {
      if uncharges, Variant.unchargesFirst { owner.charge(0 - LocalStorage.size, in: memory) }
      memory.write(storage.owner, 0)
      empty(owner, of: storage, in: memory)  // from here the owner may be freed
      if uncharges, !Variant.unchargesFirst { owner.charge(0 - LocalStorage.size, in: memory) }
    }
    storage.elements.remove(element.addon, in: memory)
    forget(element, in: storage, memory)
    Variant.free(element.addon, in: memory)
    return isLast
  }

  /// RCU_INIT_POINTER(*owner_storage(smap, owner), NULL).
  @inlinable @inline(__always)
  static func empty<M: Memory>(_ owner: StorageOwner<Variant>, of storage: LocalStorage, in memory: M) {
    let start = memory.began()
    memory.store(owner.slot, nil, Variant.ordersDetaching ? .releasing : .relaxed)
    memory.ended(start, .detached(storage.addon))
  }

  @inlinable @inline(__always)
  static func forget<M: Memory>(_ element: Element, in storage: LocalStorage, _ memory: M) {
    let cache = storage.cache(StorageMap.cacheIndex)
    if memory.load(cache, .relaxed) == UInt64(element.addon.address) { memory.store(cache, 0, .relaxed) }
  }

  /// What inode_storage_delete does: bpf_local_storage_lookup, then bpf_selem_unlink.
  @inlinable @inline(__always)
  static func delete<M: Memory>(from owner: StorageOwner<Variant>, _ map: StorageMap, in memory: M) {
    let start = memory.began()
    guard let addon = S.look(at: owner.slot, of: owner.inode, in: memory) else {
      memory.ended(start, .absent)
      return memory.report(.absent)
    }
    memory.ended(start, .found(addon))
    memory.window()
    let storage = LocalStorage(addon)
    let found = storage.cached(for: map, in: memory) ?? storage.listed(for: map, in: memory)
    if let element = found, unlink(element, of: owner, map, in: memory) {
      memory.report(.success(addon))
    } else {
      memory.report(.absent)
    }
  }

  /// bpf_selem_unlink: from the map first, then from the storage. Whether it was still there.
  @inlinable @inline(__always)
  static func unlink<M: Memory>(
    _ element: Element, of owner: StorageOwner<Variant>, _ map: StorageMap, in memory: M
  ) -> Bool {
    if !Variant.exchangesUnderBucketLock { map.unlink(element, in: memory) }
    let storage = LocalStorage(Addon(address: UInt(memory.load(element.storage, .relaxed))))
    if !storage.elements.contains(element.addon, in: memory) { return false }
    memory.lock(storage.lock)
    let isLinked = !Variant.checksLinked || storage.elements.contains(element.addon, in: memory)
    if isLinked, Variant.exchangesUnderBucketLock { map.unlink(element, in: memory) }
    let isLast = isLinked && unlink(element, from: storage, of: owner, in: memory)
    memory.unlock(storage.lock)
    if isLast { Variant.free(storage.addon, in: memory) }
    return isLinked
  }

  /// bpf_local_storage_lookup, which caches what it had to search for.
  @inlinable @inline(__always)
  static func use<M: Memory>(_ owner: StorageOwner<Variant>, _ map: StorageMap, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    // Whoever comes later gets at neither.
    let isGoing = owner.users.areGone(StorageUsers.ownerGone | StorageUsers.mapGone, in: memory)
    let storage = isGoing ? nil : S.look(at: owner.slot, of: owner.inode, in: memory)
    if let addon = storage {
      memory.ended(start, .found(addon))
      memory.window()
      let storage = LocalStorage(addon)
      if let element = storage.cached(for: map, in: memory) {
        memory.expect(element.value, holds: Element.someValue, .initialised)
      } else if let element = storage.listed(for: map, in: memory) {
        fillCache(of: storage, with: element, in: memory)
        memory.expect(element.value, holds: Element.someValue, .initialised)
      }
      memory.report(.success(addon))
    } else {
      memory.ended(start, .absent)
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  /// __bpf_local_storage_insert_cache.
  @inlinable @inline(__always)
  static func fillCache<M: Memory>(of storage: LocalStorage, with element: Element, in memory: M) {
    memory.lock(storage.lock)
    if !Variant.cachesLinkedOnly || storage.elements.contains(element.addon, in: memory) {
      memory.store(storage.cache(StorageMap.cacheIndex), UInt64(element.addon.address), .releasing)
    }
    memory.unlock(storage.lock)
  }

  /// bpf_local_storage_map_free: waits for those who may still add to it, and before it goes for those who still use it.
  @inlinable @inline(__always)
  static func freeMap<M: Memory>(_ map: StorageMap, of owner: StorageOwner<Variant>, in memory: M) {
    guard owner.users.end(StorageUsers.mapGone, in: memory) else { return memory.report(.absent) }
    memory.synchronize(.rcu)
    memory.enterReadSection(.rcu)
    var unlinked: Addon?
    if let addon = map.elements.begin(in: memory) {
      memory.window()
      let storage = memory.load(Element(addon).storage, .relaxed)
      if Variant.meetsInState {
        LocalStorageEnds<Variant>.unlink(Element(addon), from: map, of: owner, in: memory)
        unlinked = Addon(bits: storage)
      } else if unlink(Element(addon), of: owner, map, in: memory) {
        unlinked = Addon(bits: storage)
      }
    }
    memory.leaveReadSection(.rcu)
    memory.report(unlinked.map { .success($0) } ?? .absent)
    if Variant.waitsForUsers { memory.synchronize(.rcu) }
    owner.freeMap(map, in: memory)
  }

  /// bpf_inode_storage_free and bpf_sk_storage_free: nobody but a map that goes is at the storage.
  @inlinable @inline(__always)
  static func destroy<M: Memory>(_ owner: StorageOwner<Variant>, in memory: M) {
    let start = memory.began()
    guard owner.users.end(StorageUsers.ownerGone, in: memory) else { return memory.report(.absent) }
    if Variant.destroysStorage { destroyStorage(of: owner, since: start, in: memory) }
    owner.free(in: memory)
  }

  @inlinable @inline(__always)
  static func destroyStorage<M: Memory>(
    of owner: StorageOwner<Variant>, since start: OperationStart, in memory: M
  ) {
    memory.enterReadSection(.rcu)
    if let addon = S.look(at: owner.slot, of: owner.inode, in: memory) {
      let storage = LocalStorage(addon)
      if Variant.meetsInState {
        // The slot stays as it is: nobody gets at the owner any more.
        if LocalStorageEnds<Variant>.destroy(storage, of: owner, in: memory) { memory.ended(start, .detached(addon)) }
      } else {
        destroy(storage, of: owner, in: memory)
      }
      memory.report(.success(addon))
    } else {
      if Variant.ordersDetaching { memory.fence(.acquiring) }
      memory.ended(start, .absent)
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  /// bpf_local_storage_destroy.
  @inlinable @inline(__always)
  static func destroy<M: Memory>(_ storage: LocalStorage, of owner: StorageOwner<Variant>, in memory: M) {
    var isLast = false
    memory.lock(storage.lock)
    var next = storage.elements.begin(in: memory)
    while let addon = next, !isLast {
      next = storage.elements.after(addon, in: memory)
      let element = Element(addon)
      StorageMap(at: UInt(memory.load(element.map, .relaxed))).unlink(element, in: memory)
      isLast = unlink(element, from: storage, of: owner, uncharges: Variant.unchargesAtDestruction, in: memory)
    }
    memory.unlock(storage.lock)
    if isLast { Variant.free(storage.addon, in: memory) }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    let owner = owner(inode)
    owner.own(in: memory)
    let isGone = Variant.meetsInState && owner.users.areGone(StorageUsers.ownerGone, in: memory)
    let slot = isGone ? nil : memory.load(owner.slot, .relaxed)
    let storage = memory.slotShows(slot, slot: 0).map { LocalStorage($0) }
    check(storage, of: owner, in: memory) { memory.ownedByVisibleAddon($0) }
  }

  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {
    let owner = owner(inode)
    check(memory.load(owner.slot, .relaxed).map { LocalStorage($0) }, of: owner, in: memory) { _ in }
  }

  /// Whatever is on the storage's list is on its map's, and nothing else is; the owner is charged for that; and nothing
  /// is cached that is not on the list.
  @inlinable @inline(__always)
  static func check<M: Memory>(
    _ storage: LocalStorage?, of owner: StorageOwner<Variant>, in memory: M, _ seen: (Addon) -> Void
  ) {
    var bytes = UInt64(storage == nil ? 0 : LocalStorage.size)
    var cached = storage.map { memory.load($0.cache(StorageMap.cacheIndex), .relaxed) } ?? 0
    for index in 0..<StorageMap.count {
      let map = owner.map(index, in: memory)
      let element = storage?.listed(for: map, in: memory)?.addon
      if !isFreed(index, of: owner, in: memory) {
        memory.expect(map.elements.first, holds: element.map { UInt64($0.address) } ?? 0, .winnerEffect)
      }
      if let element {
        bytes &+= UInt64(Element.size)
        if cached == UInt64(element.address) { cached = 0 }
        memory.expect(Element(element).value, holds: Element.someValue, .initialised)
        seen(element)
      }
    }
    if Variant.isSocket, !owner.users.areGone(StorageUsers.ownerGone, in: memory) {
      memory.expect(owner.charged(in: memory), holds: bytes, .balanced)
    }
    if let storage {
      if storage.elements.isEmpty(in: memory) {
        memory.violated(.initialised, seen: 0, expected: 1, at: storage.elements.first.address)
      }
      if cached != 0 {
        memory.violated(.aggregated, seen: cached, expected: 0, at: storage.cache(StorageMap.cacheIndex).address)
      }
    }
  }

  /// Only the first map ever goes.
  @inlinable @inline(__always)
  static func isFreed<M: Memory>(_ map: Int, of owner: StorageOwner<Variant>, in memory: M) -> Bool {
    Variant.isSocket && map == 0 && owner.users.areGone(StorageUsers.mapGone, in: memory)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let owner = owner(inode)
    let isGone = Variant.meetsInState && owner.users.areGone(StorageUsers.ownerGone, in: memory)
    let start = memory.began()
    let storage = memory.load(owner.slot, .relaxed).map { LocalStorage($0) }
    memory.store(owner.slot, nil, .relaxed)
    owner.tearDown(in: memory)
    owner.users.initialise(in: memory)
    guard let storage, !isGone else { return }
    memory.ended(start, .detached(storage.addon))
    var next = storage.elements.begin(in: memory)
    while let addon = next {
      next = storage.elements.after(addon, in: memory)
      memory.free(addon)
    }
    memory.free(storage.addon)
  }
}
