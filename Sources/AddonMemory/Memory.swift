/// The operations that strategies and sites may use. They are written once, against this protocol; the engine decides
/// what an operation does, so that the code which is explored is the code which is raced.
///
/// *Slots* hold addons; *words* hold numbers. Atomic operations name their ordering at the call. `read` and `write` are
/// plain accesses: two of them at once, one a write, are a data race unless something orders them.
///
/// Strategies and sites hold only trivial values across these calls (no class, closure context, array or `defer`) and
/// are deterministic, so that an engine can drop a visit in the middle.
public protocol Memory: Witness {
  // MARK: Slots
  func load(_ slot: Slot, _ ordering: LoadOrdering) -> Addon?
  func store(_ slot: Slot, _ addon: Addon?, _ ordering: StoreOrdering)
  func exchange(_ slot: Slot, _ addon: Addon?, _ ordering: UpdateOrdering) -> Addon?
  /// Strong: fails only if the slot does not hold `expected`.
  func compareExchange(
    _ slot: Slot, _ expected: Addon?, _ desired: Addon?, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> Exchanged
  /// Weak: may fail for no reason. Acquiring and releasing; acquiring on failure.
  func weakCompareExchange(_ slot: Slot, _ expected: Addon?, _ desired: Addon?) -> Exchanged
  /// Plain.
  func read(_ slot: Slot) -> Addon?

  // MARK: Words of 64 bits
  func load(_ word: Word64, _ ordering: LoadOrdering) -> UInt64
  func store(_ word: Word64, _ value: UInt64, _ ordering: StoreOrdering)
  func exchange(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64
  /// Answers the value found: equal to `expected` if it wrote.
  func compareExchange(
    _ word: Word64, _ expected: UInt64, _ desired: UInt64, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt64
  @discardableResult func fetchAdd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64
  @discardableResult func fetchOr(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64
  @discardableResult func fetchAnd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64
  /// Plain.
  func read(_ word: Word64) -> UInt64
  /// Plain.
  func write(_ word: Word64, _ value: UInt64)

  // MARK: Words of 32 bits
  func load(_ word: Word32, _ ordering: LoadOrdering) -> UInt32
  func store(_ word: Word32, _ value: UInt32, _ ordering: StoreOrdering)
  func exchange(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32
  /// Answers the value found: equal to `expected` if it wrote.
  func compareExchange(
    _ word: Word32, _ expected: UInt32, _ desired: UInt32, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt32
  @discardableResult func fetchAdd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32
  @discardableResult func fetchOr(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32
  @discardableResult func fetchAnd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32
  /// Plain.
  func read(_ word: Word32) -> UInt32
  /// Plain.
  func write(_ word: Word32, _ value: UInt32)

  func fence(_ ordering: FenceOrdering)

  // MARK: Heap
  /// Nil where there is no memory. (What code uses is `allocate`. A requirement that throws would be a call through a table
  /// wherever the memory is another module's.)
  func block(of kind: AddonKind) -> Addon?
  func free(_ addon: Addon)

  // MARK: Locks
  /// Plain: nobody else may know the lock yet.
  func initialise(_ lock: Lock)
  /// Plain: nobody else may know the lock yet.
  func initialise(_ lock: ReadersWriterLock)
  /// Acquiring.
  func lock(_ lock: Lock)
  /// Releasing.
  func unlock(_ lock: Lock)
  /// Acquiring.
  func lock(_ mutex: SleepingLock)
  /// Releasing.
  func unlock(_ mutex: SleepingLock)
  /// Acquiring: alone.
  func lock(_ lock: ReadersWriterLock)
  /// Releasing.
  func unlock(_ lock: ReadersWriterLock)
  /// Acquiring: with others that only read.
  func lockShared(_ lock: ReadersWriterLock)
  /// Releasing.
  func unlockShared(_ lock: ReadersWriterLock)

  // MARK: Grace periods
  /// A read-side section of `domain` begins; sections nest. By itself it orders nothing.
  func enterReadSection(_ domain: ReadDomain)
  func leaveReadSection(_ domain: ReadDomain)
  /// Waits for a grace period: of each read-side section that it is about, either all of it happens before this returns,
  /// or this call happens before all of it. A full fence. A deadlock inside such a section.
  func synchronize(_ gracePeriod: GracePeriod)
  /// Frees `addon` after a grace period that begins now or later, and does not wait for it. (The kernel's `kfree_rcu`,
  /// `call_rcu` and `call_srcu`.)
  func freeAfterGracePeriod(_ addon: Addon, _ gracePeriod: GracePeriod)

  /// Tells the processor that this is a spin loop.
  func pause()
}

extension Memory {
  @inlinable @inline(__always) public func allocate(_ kind: AddonKind) throws(OutOfMemory) -> Addon {
    guard let addon = block(of: kind) else { throw OutOfMemory() }
    return addon
  }
}
