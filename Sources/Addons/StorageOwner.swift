import AddonMemory

/// What the storage hangs off: an inode, or a socket. 24 bytes, with its maps behind them; of a socket, there are pointers to
/// memory of its own and of the maps', each of which is freed when that goes.
@frozen public struct StorageOwner<Variant: BpfStorageVariant> {
  public let inode: Inode
  @inlinable @inline(__always) public init(_ inode: Inode) { self.inode = inode }

  @inlinable @inline(__always) public var slot: Slot { inode.slot(at: 0) }
  @inlinable @inline(__always) public var users: StorageUsers { StorageUsers(inode.word64(at: 8)) }
  /// Where a socket's own memory is.
  @inlinable @inline(__always) var placeOfSocket: Word64 { inode.word64(at: 16) }
  /// A map, or where its memory is.
  @inlinable @inline(__always) func placeOfMap(_ index: Int) -> Word64 {
    inode.word64(at: UInt(bitPattern: 24 &+ index &* StorageMap.size))
  }

  @inlinable @inline(__always) public func map<M: Memory>(_ index: Int, in memory: M) -> StorageMap {
    StorageMap(at: Variant.isSocket ? UInt(memory.read(placeOfMap(index))) : placeOfMap(index).address)
  }
  /// sk_omem_alloc, of a socket. Bytes.
  @inlinable @inline(__always) public func charged<M: Memory>(in memory: M) -> Word64 {
    Addon(address: UInt(memory.read(placeOfSocket))).word64(at: 0)
  }

  /// mem_charge and mem_uncharge: of a socket; an inode is charged nothing. Relaxed.
  @inlinable @inline(__always) public func charge<M: Memory>(_ bytes: Int, in memory: M) {
    if !Variant.isSocket { return }
    memory.fetchAdd(charged(in: memory), UInt64(bitPattern: Int64(bytes)), .relaxed)
  }
}

/// A socket's memory and its maps', from when it is made until each is freed.
extension StorageOwner {
  /// The socket's own, and a map's each.
  @inlinable public static var blocks: Int { Variant.isSocket ? 1 + StorageMap.count : 0 }
  @inlinable static var kind: AddonKind { AddonKind(size: 16, zeroed: true) }

  @inlinable @inline(__always) public func create<M: Memory>(in memory: M) {
    if Variant.isSocket {
      allocate(placeOfSocket, in: memory)
      for index in 0..<StorageMap.count { allocate(placeOfMap(index), in: memory) }
    }
    guard isCreated(in: memory) else { return }
    for index in 0..<StorageMap.count { memory.initialise(map(index, in: memory).lock) }
  }

  @inlinable @inline(__always) func allocate<M: Memory>(_ place: Word64, in memory: M) {
    memory.write(place, memory.block(of: Self.kind).map { UInt64($0.address) } ?? 0)
  }

  /// Whether there was memory for all of it.
  @inlinable @inline(__always) public func isCreated<M: Memory>(in memory: M) -> Bool {
    if !Variant.isSocket { return true }
    for index in 0..<StorageMap.count where memory.read(placeOfMap(index)) == 0 { return false }
    return memory.read(placeOfSocket) != 0
  }

  /// sk_prot_free, behind __sk_destruct's look at what is charged still.
  @inlinable @inline(__always) public func free<M: Memory>(in memory: M) {
    if !Variant.isSocket { return }
    let charged = charged(in: memory)
    let left = memory.load(charged, .relaxed)
    if left != 0 { memory.violated(.balanced, seen: left, expected: 0, at: charged.address) }
    memory.free(Addon(address: UInt(memory.read(placeOfSocket))))
  }

  /// The map's own memory, at its end.
  @inlinable @inline(__always) public func freeMap<M: Memory>(_ map: StorageMap, in memory: M) {
    if Variant.isSocket { memory.free(Addon(address: map.address)) }
  }

  /// At quiescence: what is not gone is not leaked.
  @inlinable @inline(__always) func own<M: Memory>(in memory: M) {
    if !Variant.isSocket { return }
    if !users.areGone(StorageUsers.ownerGone, in: memory) {
      memory.ownedByVisibleAddon(Addon(address: UInt(memory.read(placeOfSocket))))
    }
    for index in 0..<StorageMap.count where index > 0 || !users.areGone(StorageUsers.mapGone, in: memory) {
      memory.ownedByVisibleAddon(Addon(address: UInt(memory.read(placeOfMap(index)))))
    }
  }

  /// Frees what has not gone.
  @inlinable @inline(__always) func tearDown<M: Memory>(in memory: M) {
    if !Variant.isSocket {
      for index in 0..<StorageMap.count { memory.store(map(index, in: memory).elements.first, 0, .relaxed) }
      return
    }
    let goneFirst = users.areGone(StorageUsers.mapGone, in: memory)
    if !users.areGone(StorageUsers.ownerGone, in: memory) { release(placeOfSocket, in: memory) }
    for index in 0..<StorageMap.count where index > 0 || !goneFirst { release(placeOfMap(index), in: memory) }
  }

  @inlinable @inline(__always) func release<M: Memory>(_ place: Word64, in memory: M) {
    if let block = Addon(bits: memory.read(place)) { memory.free(block) }
    memory.write(place, 0)
  }
}

/// How a storage is made: charged before, and with its first element on it and on its map.
@frozen public struct LocalStorageMaker<Variant: BpfStorageVariant>: Maker {
  public let owner: StorageOwner<Variant>
  public let first: Element
  public let map: StorageMap
  @inlinable @inline(__always) public init(owner: StorageOwner<Variant>, first: Element, map: StorageMap) {
    self.owner = owner
    self.first = first
    self.map = map
  }

  @inlinable public var kind: AddonKind { LocalStorage.kind }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    let storage = LocalStorage(addon)
    memory.initialise(storage.lock)
    memory.write(storage.owner, UInt64(owner.inode.address))
    memory.write(storage.charged, UInt64(LocalStorage.size &+ Element.size))
    memory.store(storage.ownerReferences, 1, .relaxed)
    memory.store(first.storage, UInt64(addon.address), .relaxed)
    memory.linked(first.addon)
    storage.elements.add(first.addon, in: memory)  // bpf_selem_link_storage_nolock
    if Variant.exchangesUnderBucketLock {
      memory.lock(map.lock)
      map.elements.add(first.addon, in: memory)  // bpf_selem_link_map_nolock
    } else {
      map.link(first, in: memory)
    }
  }

  @inlinable @inline(__always) public func undo<M: Memory>(_ addon: Addon, in memory: M) {
    if Variant.exchangesUnderBucketLock {
      map.elements.remove(first.addon, in: memory)  // bpf_selem_unlink_map_nolock
      memory.unlock(map.lock)
    } else if Variant.unlinksLosers {
      map.unlink(first, in: memory)
    }
  }
}
