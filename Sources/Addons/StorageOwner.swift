import AddonMemory

/// What the storage hangs off: an inode, or a socket. 24 bytes, with its maps behind them.
@frozen public struct StorageOwner<Variant: BpfStorageVariant> {
  public let inode: Inode
  @inlinable @inline(__always) public init(_ inode: Inode) { self.inode = inode }

  @inlinable @inline(__always) public var slot: Slot { inode.slot(at: 0) }
  @inlinable @inline(__always) public var users: StorageUsers { StorageUsers(inode.word64(at: 8)) }
  /// sk_omem_alloc. Bytes.
  @inlinable @inline(__always) public var charged: Word64 { inode.word64(at: 16) }
  @inlinable @inline(__always) public func map(_ index: Int) -> StorageMap {
    StorageMap(at: inode.address &+ 24 &+ UInt(bitPattern: index &* StorageMap.size))
  }

  /// mem_charge and mem_uncharge: of a socket; an inode is charged nothing. Relaxed.
  @inlinable @inline(__always) public func charge<M: Memory>(_ bytes: Int, in memory: M) {
    if !Variant.charges { return }
    memory.fetchAdd(charged, UInt64(bitPattern: Int64(bytes)), .relaxed)
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
