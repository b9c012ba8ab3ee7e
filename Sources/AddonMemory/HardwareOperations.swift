import CAtomics
import CThreads

/// A memory whose words are the machine's own. Everything but slots, heap and locks, which engines watch, comes from
/// here; a conforming memory adds those in terms of the `hardware…` functions.
public protocol HardwareOperations: Memory {}

// MARK: Words of 64 bits

extension HardwareOperations {
  @inlinable @inline(__always) public func load(_ word: Word64, _ ordering: LoadOrdering) -> UInt64 {
    switch ordering {
    case .relaxed, .dependent: catomics_load_relaxed_64(word.pointer)
    case .acquiring: catomics_load_acquire_64(word.pointer)
    case .sequentiallyConsistent: catomics_load_seq_cst_64(word.pointer)
    }
  }

  @inlinable @inline(__always) public func store(_ word: Word64, _ value: UInt64, _ ordering: StoreOrdering) {
    switch ordering {
    case .relaxed: catomics_store_relaxed_64(word.pointer, value)
    case .releasing: catomics_store_release_64(word.pointer, value)
    case .sequentiallyConsistent: catomics_store_seq_cst_64(word.pointer, value)
    }
  }

  @inlinable @inline(__always)
  public func exchange(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    switch ordering {
    case .relaxed: catomics_exchange_relaxed_64(word.pointer, value)
    case .acquiring: catomics_exchange_acquire_64(word.pointer, value)
    case .releasing: catomics_exchange_release_64(word.pointer, value)
    case .acquiringAndReleasing: catomics_exchange_acq_rel_64(word.pointer, value)
    case .sequentiallyConsistent: catomics_exchange_seq_cst_64(word.pointer, value)
    case .full: catomics_exchange_full_64(word.pointer, value)
    }
  }

  @inlinable @inline(__always)
  public func compareExchange(
    _ word: Word64, _ expected: UInt64, _ desired: UInt64, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt64 {
    switch (ordering, failure) {
    case (.relaxed, .relaxed), (.relaxed, .dependent):
      catomics_compare_exchange_relaxed_relaxed_64(word.pointer, expected, desired)
    case (.relaxed, .acquiring):
      catomics_compare_exchange_relaxed_acquire_64(word.pointer, expected, desired)
    case (.acquiring, .relaxed), (.acquiring, .dependent):
      catomics_compare_exchange_acquire_relaxed_64(word.pointer, expected, desired)
    case (.acquiring, .acquiring):
      catomics_compare_exchange_acquire_acquire_64(word.pointer, expected, desired)
    case (.releasing, .relaxed), (.releasing, .dependent):
      catomics_compare_exchange_release_relaxed_64(word.pointer, expected, desired)
    case (.releasing, .acquiring):
      catomics_compare_exchange_release_acquire_64(word.pointer, expected, desired)
    case (.acquiringAndReleasing, .relaxed), (.acquiringAndReleasing, .dependent):
      catomics_compare_exchange_acq_rel_relaxed_64(word.pointer, expected, desired)
    case (.acquiringAndReleasing, .acquiring):
      catomics_compare_exchange_acq_rel_acquire_64(word.pointer, expected, desired)
    case (.sequentiallyConsistent, .relaxed), (.sequentiallyConsistent, .dependent):
      catomics_compare_exchange_seq_cst_relaxed_64(word.pointer, expected, desired)
    case (.sequentiallyConsistent, .acquiring):
      catomics_compare_exchange_seq_cst_acquire_64(word.pointer, expected, desired)
    case (.full, .relaxed), (.full, .dependent):
      catomics_compare_exchange_full_64(word.pointer, expected, desired)
    case (_, .sequentiallyConsistent), (.full, .acquiring):
      catomics_compare_exchange_seq_cst_seq_cst_64(word.pointer, expected, desired)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchAdd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    switch ordering {
    case .relaxed: catomics_fetch_add_relaxed_64(word.pointer, value)
    case .acquiring: catomics_fetch_add_acquire_64(word.pointer, value)
    case .releasing: catomics_fetch_add_release_64(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_add_acq_rel_64(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_add_seq_cst_64(word.pointer, value)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchOr(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    switch ordering {
    case .relaxed: catomics_fetch_or_relaxed_64(word.pointer, value)
    case .acquiring: catomics_fetch_or_acquire_64(word.pointer, value)
    case .releasing: catomics_fetch_or_release_64(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_or_acq_rel_64(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_or_seq_cst_64(word.pointer, value)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchAnd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    switch ordering {
    case .relaxed: catomics_fetch_and_relaxed_64(word.pointer, value)
    case .acquiring: catomics_fetch_and_acquire_64(word.pointer, value)
    case .releasing: catomics_fetch_and_release_64(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_and_acq_rel_64(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_and_seq_cst_64(word.pointer, value)
    }
  }

  @inlinable @inline(__always) public func read(_ word: Word64) -> UInt64 { word.pointer.pointee }
  @inlinable @inline(__always) public func write(_ word: Word64, _ value: UInt64) { word.pointer.pointee = value }
}

// MARK: Words of 32 bits

extension HardwareOperations {
  @inlinable @inline(__always) public func load(_ word: Word32, _ ordering: LoadOrdering) -> UInt32 {
    switch ordering {
    case .relaxed, .dependent: catomics_load_relaxed_32(word.pointer)
    case .acquiring: catomics_load_acquire_32(word.pointer)
    case .sequentiallyConsistent: catomics_load_seq_cst_32(word.pointer)
    }
  }

  @inlinable @inline(__always) public func store(_ word: Word32, _ value: UInt32, _ ordering: StoreOrdering) {
    switch ordering {
    case .relaxed: catomics_store_relaxed_32(word.pointer, value)
    case .releasing: catomics_store_release_32(word.pointer, value)
    case .sequentiallyConsistent: catomics_store_seq_cst_32(word.pointer, value)
    }
  }

  @inlinable @inline(__always)
  public func exchange(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    switch ordering {
    case .relaxed: catomics_exchange_relaxed_32(word.pointer, value)
    case .acquiring: catomics_exchange_acquire_32(word.pointer, value)
    case .releasing: catomics_exchange_release_32(word.pointer, value)
    case .acquiringAndReleasing: catomics_exchange_acq_rel_32(word.pointer, value)
    case .sequentiallyConsistent: catomics_exchange_seq_cst_32(word.pointer, value)
    case .full: catomics_exchange_full_32(word.pointer, value)
    }
  }

  @inlinable @inline(__always)
  public func compareExchange(
    _ word: Word32, _ expected: UInt32, _ desired: UInt32, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt32 {
    switch (ordering, failure) {
    case (.relaxed, .relaxed), (.relaxed, .dependent):
      catomics_compare_exchange_relaxed_relaxed_32(word.pointer, expected, desired)
    case (.relaxed, .acquiring):
      catomics_compare_exchange_relaxed_acquire_32(word.pointer, expected, desired)
    case (.acquiring, .relaxed), (.acquiring, .dependent):
      catomics_compare_exchange_acquire_relaxed_32(word.pointer, expected, desired)
    case (.acquiring, .acquiring):
      catomics_compare_exchange_acquire_acquire_32(word.pointer, expected, desired)
    case (.releasing, .relaxed), (.releasing, .dependent):
      catomics_compare_exchange_release_relaxed_32(word.pointer, expected, desired)
    case (.releasing, .acquiring):
      catomics_compare_exchange_release_acquire_32(word.pointer, expected, desired)
    case (.acquiringAndReleasing, .relaxed), (.acquiringAndReleasing, .dependent):
      catomics_compare_exchange_acq_rel_relaxed_32(word.pointer, expected, desired)
    case (.acquiringAndReleasing, .acquiring):
      catomics_compare_exchange_acq_rel_acquire_32(word.pointer, expected, desired)
    case (.sequentiallyConsistent, .relaxed), (.sequentiallyConsistent, .dependent):
      catomics_compare_exchange_seq_cst_relaxed_32(word.pointer, expected, desired)
    case (.sequentiallyConsistent, .acquiring):
      catomics_compare_exchange_seq_cst_acquire_32(word.pointer, expected, desired)
    case (.full, .relaxed), (.full, .dependent):
      catomics_compare_exchange_full_32(word.pointer, expected, desired)
    case (_, .sequentiallyConsistent), (.full, .acquiring):
      catomics_compare_exchange_seq_cst_seq_cst_32(word.pointer, expected, desired)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchAdd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    switch ordering {
    case .relaxed: catomics_fetch_add_relaxed_32(word.pointer, value)
    case .acquiring: catomics_fetch_add_acquire_32(word.pointer, value)
    case .releasing: catomics_fetch_add_release_32(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_add_acq_rel_32(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_add_seq_cst_32(word.pointer, value)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchOr(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    switch ordering {
    case .relaxed: catomics_fetch_or_relaxed_32(word.pointer, value)
    case .acquiring: catomics_fetch_or_acquire_32(word.pointer, value)
    case .releasing: catomics_fetch_or_release_32(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_or_acq_rel_32(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_or_seq_cst_32(word.pointer, value)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func fetchAnd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    switch ordering {
    case .relaxed: catomics_fetch_and_relaxed_32(word.pointer, value)
    case .acquiring: catomics_fetch_and_acquire_32(word.pointer, value)
    case .releasing: catomics_fetch_and_release_32(word.pointer, value)
    case .acquiringAndReleasing: catomics_fetch_and_acq_rel_32(word.pointer, value)
    case .sequentiallyConsistent, .full: catomics_fetch_and_seq_cst_32(word.pointer, value)
    }
  }

  @inlinable @inline(__always) public func read(_ word: Word32) -> UInt32 { word.pointer.pointee }
  @inlinable @inline(__always) public func write(_ word: Word32, _ value: UInt32) { word.pointer.pointee = value }
}

// MARK: The rest

extension HardwareOperations {
  @inlinable @inline(__always) public func fence(_ ordering: FenceOrdering) {
    switch ordering {
    case .acquiring: catomics_fence_acquire()
    case .releasing: catomics_fence_release()
    case .acquiringAndReleasing: catomics_fence_acq_rel()
    case .sequentiallyConsistent: catomics_fence_seq_cst()
    }
  }

  @inlinable @inline(__always) public func load(_ slot: Slot, _ ordering: LoadOrdering) -> Addon? {
    Addon(bits: load(slot.word, ordering))
  }

  @inlinable @inline(__always) public func read(_ slot: Slot) -> Addon? { Addon(bits: read(slot.word)) }

  @inlinable @inline(__always) public func initialise(_ lock: Lock) { write(lock.word, Lock.unlocked) }

  @inlinable @inline(__always) public func unlock(_ lock: Lock) { store(lock.word, Lock.unlocked, .releasing) }

  /// Takes the lock if it is free. Acquiring. Answers what it found.
  @inlinable @inline(__always) public func tryLock(_ lock: Lock) -> UInt32 {
    compareExchange(lock.word, Lock.unlocked, Lock.locked, .acquiring, failure: .relaxed)
  }

  @inlinable @inline(__always) public func initialise(_ lock: ReadersWriterLock) {
    write(lock.word, ReadersWriterLock.unlocked)
  }

  /// Takes the lock alone if nobody holds it. Acquiring. Answers what it found.
  @inlinable @inline(__always) public func tryLock(_ lock: ReadersWriterLock) -> UInt32 {
    let alone = ReadersWriterLock.unlocked | ReadersWriterLock.writer
    return compareExchange(lock.word, ReadersWriterLock.unlocked, alone, .acquiring, failure: .relaxed)
  }

  /// Takes a share of the lock if nobody holds it alone. Acquiring. Answers what it found: it has the share where that is a
  /// lock's word without the writer's bit.
  @inlinable @inline(__always) public func tryLockShared(_ lock: ReadersWriterLock) -> UInt32 {
    var found = load(lock.word, .relaxed)
    while found & ReadersWriterLock.writer == 0, ReadersWriterLock.readers(UInt64(found)) != nil {
      let before = found
      found = compareExchange(lock.word, before, before &+ 1, .acquiring, failure: .relaxed)
      if found == before { break }
    }
    return found
  }

  @inlinable @inline(__always) public func giveBack(_ lock: ReadersWriterLock) {
    store(lock.word, ReadersWriterLock.unlocked, .releasing)
  }

  @inlinable @inline(__always) public func giveBackShare(of lock: ReadersWriterLock) {
    fetchAdd(lock.word, .max, .releasing)
  }

  /// The bare weak compare-exchange; answers what it found, and whether it wrote.
  @inlinable @inline(__always)
  public func hardwareWeakCompareExchange(
    _ slot: Slot, _ expected: Addon?, _ desired: Addon?
  ) -> (wrote: Bool, found: Addon?) {
    var found = Addon.bits(expected)
    let wrote = catomics_compare_exchange_weak_acq_rel_acquire_64(slot.word.pointer, &found, Addon.bits(desired))
    return (wrote, Addon(bits: found))
  }

  @inlinable @inline(__always) public func pause() { cthreads_pause() }
}

extension Addon {
  @inlinable @inline(__always) public init?(bits: UInt64) {
    if bits == 0 { return nil }
    self.init(address: UInt(bits))
  }

  @inlinable @inline(__always) public static func bits(_ addon: Addon?) -> UInt64 {
    if let addon { UInt64(addon.address) } else { 0 }
  }
}
