import AddonMemory

/// How an owner and a map that go at once take an element apart since Linux 7.2 (5d800f87d0a5): each from both lists, as far
/// as the other has not, and whoever sees last that both have seen it frees it. (bpf_selem_unlink_nofail, whose locks do
/// not fail here.)
@frozen public enum LocalStorageEnds<Variant: BpfStorageVariant> {
  /// bpf_selem_unlink_nofail, of a map that goes.
  @inlinable @inline(__always)
  public static func unlink<M: Memory>(
    _ element: Element, from map: StorageMap, of owner: StorageOwner<Variant>, in memory: M
  ) {
    let bits = memory.load(element.storage, .acquiring)
    var places = unlinkFromMap(element, in: memory)
    guard let storage = Addon(bits: bits).map({ LocalStorage($0) }) else {
      return freeIfLast(element, after: places, sawIt: Element.seenByMap, in: memory)
    }
    var isLast = false
    memory.lock(storage.lock)
    if storage.elements.contains(element.addon, in: memory) {
      isLast = storage.elements.isSingular(element.addon, in: memory)
      uncharge(element, and: isLast, storage, of: owner, in: memory)
      storage.elements.remove(element.addon, in: memory)
      places &+= 1
    }
    memory.unlock(storage.lock)
    memory.store(element.storage, 0, .relaxed)
    freeIfLast(element, after: places, sawIt: Element.seenByMap, in: memory)
    if isLast { Variant.free(storage.addon, in: memory) }
  }

  /// bpf_local_storage_destroy: the owner goes. Whether this unlinked the last element.
  @inlinable @inline(__always)
  public static func destroy<M: Memory>(
    _ storage: LocalStorage, of owner: StorageOwner<Variant>, in memory: M
  ) -> Bool {
    var detaches = false
    var next = storage.elements.begin(in: memory)
    while let addon = next {
      next = storage.elements.after(addon, in: memory)
      let element = Element(addon)
      var places = unlinkFromMap(element, in: memory)
      var isLast = false
      memory.lock(storage.lock)
      if storage.elements.contains(addon, in: memory) {
        isLast = storage.elements.isSingular(addon, in: memory)
        storage.elements.remove(addon, in: memory)
        places &+= 1
      }
      memory.unlock(storage.lock)
      memory.store(element.storage, 0, .relaxed)
      freeIfLast(element, after: places, sawIt: Element.seenByOwner, in: memory)
      if isLast {
        detaches = true
        Variant.free(storage.addon, in: memory)
      }
    }
    // Whatever a map has not uncharged by then the owner does: refcount_dec_and_test, or wait for those who are at it.
    if memory.fetchAdd(storage.ownerReferences, 0 &- 1, .full) != 1 {
      while memory.load(storage.ownerReferences, .acquiring) != 0 { memory.pause() }
    }
    owner.charge(0 - Int(memory.read(storage.charged)), in: memory)
    return detaches
  }

  /// From the element's map, unless the other was first. In how many places it was.
  @inlinable @inline(__always)
  static func unlinkFromMap<M: Memory>(_ element: Element, in memory: M) -> Int {
    guard let address = Addon(bits: memory.load(element.map, .acquiring))?.address else { return 0 }
    let map = StorageMap(at: address)
    memory.lock(map.lock)
    let isLinked = map.elements.contains(element.addon, in: memory)
    map.elements.remove(element.addon, in: memory)
    memory.unlock(map.lock)
    memory.store(element.map, 0, .relaxed)  // RCU_INIT_POINTER(SDATA(selem)->smap, NULL)
    return isLinked ? 1 : 0
  }

  /// bpf_selem_unlink_storage_nolock_misc: what a map takes back of an owner that still stands.
  @inlinable @inline(__always)
  static func uncharge<M: Memory>(
    _ element: Element, and isLast: Bool, _ storage: LocalStorage, of owner: StorageOwner<Variant>, in memory: M
  ) {
    let cache = storage.cache(StorageMap.cacheIndex)
    if memory.load(cache, .relaxed) == UInt64(element.addon.address) { memory.store(cache, 0, .relaxed) }
    guard pin(storage, in: memory) else { return }
    let bytes = Element.size &+ (isLast ? LocalStorage.size : 0)
    owner.charge(0 - bytes, in: memory)
    memory.write(storage.charged, memory.read(storage.charged) &- UInt64(bytes))
    if isLast {
      memory.write(storage.owner, 0)
      let start = memory.began()
      memory.store(owner.slot, nil, .relaxed)
      memory.ended(start, .detached(storage.addon))
    }
    memory.fetchAdd(storage.ownerReferences, 0 &- 1, .releasing)  // refcount_dec
  }

  /// refcount_inc_not_zero.
  @inlinable @inline(__always)
  static func pin<M: Memory>(_ storage: LocalStorage, in memory: M) -> Bool {
    var count = memory.load(storage.ownerReferences, .relaxed)
    while count != 0 {
      let found = memory.compareExchange(storage.ownerReferences, count, count &+ 1, .relaxed, failure: .relaxed)
      if found == count { return true }
      count = found
    }
    return false
  }

  /// Frees what was in both places, or has now been seen by both.
  @inlinable @inline(__always)
  static func freeIfLast<M: Memory>(_ element: Element, after places: Int, sawIt: UInt64, in memory: M) {
    if Variant.freesByPlaces {
      if places != 0 { Variant.free(element.addon, in: memory) }
      return
    }
    if places != 2 { memory.fetchOr(element.state, sawIt, .full) }
    let both = Element.seenByMap | Element.seenByOwner
    if places == 2 || memory.compareExchange(element.state, both, Element.isFreed, .full, failure: .relaxed) == both {
      Variant.free(element.addon, in: memory)
    }
  }
}
