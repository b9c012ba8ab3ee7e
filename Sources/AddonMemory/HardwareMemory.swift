import CAtomics
import CThreads
import Glibc

/// What one racer asked of the heap, and how often it had to try again.
@frozen public struct VisitCounts {
  public var allocations = 0
  /// Those left to grace periods are not among them: slots have shown them.
  public var frees = 0
  /// Times that a lock was taken when it was asked for, or that an operation began again or told its caller to.
  public var retries = 0
  @inlinable public init() {}
}

/// The real thing: the machine's atomics and the C library's heap, watched by nobody.
@frozen public struct HardwareMemory: HardwareOperations {
  public let racer: Int
  /// Where somebody wants to know.
  public let counts: UnsafeMutablePointer<VisitCounts>?
  @inlinable public init(racer: Int, counts: UnsafeMutablePointer<VisitCounts>? = nil) {
    self.racer = racer
    self.counts = counts
  }

  // MARK: Slots

  /// In the end slots are populated: what there is to do at an empty one lies out of the way.
  @inlinable @inline(__always) public func load(_ slot: Slot, _ ordering: LoadOrdering) -> Addon? {
    let found = load(slot.word, ordering)
    return _fastPath(found != 0) ? Addon(bits: found) : nil
  }

  @inlinable @inline(__always) public func store(_ slot: Slot, _ addon: Addon?, _ ordering: StoreOrdering) {
    store(slot.word, Addon.bits(addon), ordering)
  }

  @inlinable @inline(__always)
  public func exchange(_ slot: Slot, _ addon: Addon?, _ ordering: UpdateOrdering) -> Addon? {
    Addon(bits: exchange(slot.word, Addon.bits(addon), ordering))
  }

  @inlinable @inline(__always)
  public func compareExchange(
    _ slot: Slot, _ expected: Addon?, _ desired: Addon?, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> Exchanged {
    let found = compareExchange(
      slot.word, Addon.bits(expected), Addon.bits(desired), ordering, failure: failure)
    return found == Addon.bits(expected) ? .won : .lost(Addon(bits: found))
  }

  @inlinable @inline(__always)
  public func weakCompareExchange(_ slot: Slot, _ expected: Addon?, _ desired: Addon?) -> Exchanged {
    let (wrote, found) = hardwareWeakCompareExchange(slot, expected, desired)
    return wrote ? .won : .lost(found)
  }

  // MARK: Heap

  @inlinable @inline(__always) public func block(of kind: AddonKind) -> Addon? {
    guard let block = kind.zeroed ? calloc(1, kind.size) : malloc(kind.size) else { return nil }
    if let counts { counts.pointee.allocations &+= 1 }
    return Addon(address: UInt(bitPattern: block))
  }

  @inlinable @inline(__always) public func free(_ addon: Addon) {
    if let counts { counts.pointee.frees &+= 1 }
    freeToLibrary(addon)
  }

  @inlinable @inline(__always) func freeToLibrary(_ addon: Addon) {
    Glibc.free(UnsafeMutableRawPointer(bitPattern: addon.address))
  }

  // MARK: Locks

  @inlinable @inline(__always) public func lock(_ lock: Lock) {
    while tryLock(lock) != Lock.unlocked {
      startsOver()
      while load(lock.word, .relaxed) != Lock.unlocked { pause() }
    }
  }
  @inlinable @inline(__always) public func lock(_ mutex: SleepingLock) { lock(mutex.lock) }
  @inlinable @inline(__always) public func unlock(_ mutex: SleepingLock) { unlock(mutex.lock) }

  @inlinable @inline(__always) public func lock(_ lock: ReadersWriterLock) {
    while tryLock(lock) != ReadersWriterLock.unlocked {
      startsOver()
      while load(lock.word, .relaxed) != ReadersWriterLock.unlocked { pause() }
    }
  }
  @inlinable @inline(__always) public func unlock(_ lock: ReadersWriterLock) { giveBack(lock) }
  @inlinable @inline(__always) public func lockShared(_ lock: ReadersWriterLock) {
    while tryLockShared(lock) & ReadersWriterLock.writer != 0 {
      startsOver()
      while load(lock.word, .relaxed) & ReadersWriterLock.writer != 0 { pause() }
    }
  }
  @inlinable @inline(__always) public func unlockShared(_ lock: ReadersWriterLock) { giveBackShare(of: lock) }

  // MARK: Grace periods

  /// Racers of the whole process, by their numbers.
  @inlinable public static var mostRacers: Int { 256 }
  private static let sections: ReadSections = {
    let count = ReadSections.wordCount(racers: mostRacers, domains: ReadDomain.most)
    let block = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 128)
    return ReadSections(
      words: block.initializeMemory(as: UInt64.self, repeating: 0, count: count), racerCount: mostRacers,
      domainCount: ReadDomain.most)
  }()

  public func enterReadSection(_ domain: ReadDomain) { Self.sections.enter(domain, as: racer) }
  public func leaveReadSection(_ domain: ReadDomain) {
    Self.sections.leave(domain, as: racer)
    Self.postponed[racer].freeAll(in: self)
  }
  public func synchronize(_ gracePeriod: GracePeriod) {
    Self.sections.synchronize(gracePeriod, spins: 100) { false }
  }
  /// Waits for the grace period, since there is nobody who would do it later: at once, or, inside a section that it would
  /// wait for, when that is left.
  public func freeAfterGracePeriod(_ addon: Addon, _ gracePeriod: GracePeriod) {
    if isInside(gracePeriod) { return Self.postponed[racer].add(addon, gracePeriod) }
    synchronize(gracePeriod)
    freeToLibrary(addon)
  }

  func isInside(_ gracePeriod: GracePeriod) -> Bool {
    Self.sections.words(of: gracePeriod).contains { index in
      index % Self.mostRacers == racer && Self.sections.look(at: index) & ReadSections.depth != 0
    }
  }

  /// For each racer, which alone touches its own.
  private nonisolated(unsafe) static let postponed: UnsafeMutablePointer<PostponedFrees> = {
    let all = UnsafeMutablePointer<PostponedFrees>.allocate(capacity: mostRacers)
    all.initialize(repeating: PostponedFrees(), count: mostRacers)
    return all
  }()

  // MARK: Counted, where somebody wants to know

  @inlinable @inline(__always) public func startsOver() {
    if let counts { counts.pointee.retries &+= 1 }
  }
  @inlinable @inline(__always) public func report(_ report: Report) {
    if case .again = report { startsOver() }
  }

  // MARK: Nobody watches

  @inlinable @inline(__always) public func at(_ slot: Int) -> HardwareMemory { self }
  @inlinable @inline(__always) public func began() -> OperationStart { OperationStart(moment: 0) }
  @inlinable @inline(__always) public func ended(_ start: OperationStart, _ result: HistoryResult) {}
  @inlinable @inline(__always)
  public func expect(_ word: Word64, holds value: UInt64, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    read(word) == value
  }
  @inlinable @inline(__always)
  public func violated(
    _ promise: Promise, seen: UInt64, expected: UInt64, at address: UInt, _ sentence: StaticString?
  ) {}
  @inlinable @inline(__always)
  public func expect(_ word: Word32, holds value: UInt32, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    read(word) == value
  }
  @inlinable @inline(__always) public func slotShows(_ addon: Addon?, slot: Int) -> Addon? { addon }
  @inlinable @inline(__always) public func linked(_ addon: Addon) {}
  @inlinable @inline(__always) public func ownedByVisibleAddon(_ addon: Addon) {}
  @inlinable @inline(__always) public func reachThroughList(_ addon: Addon) -> Bool { true }
  @inlinable @inline(__always) public func successes(ofRole role: Int) -> Int { 0 }
  @inlinable @inline(__always) public func populations(ofSlot slot: Int) -> Int { 0 }
  @inlinable @inline(__always) public func window() {}
  public func bug(_ why: StaticString) -> Never { fatalError("BUG: \(why)") }
}

/// What one racer has left to grace periods inside a section that they wait for. A visit does so a few times at most.
private struct PostponedFrees {
  private var addons: InlineArray<16, (Addon, GracePeriod)?> = .init(repeating: nil)
  private var count = 0

  /// - Precondition: fewer than 16 are there.
  mutating func add(_ addon: Addon, _ gracePeriod: GracePeriod) {
    addons[count] = (addon, gracePeriod)
    count += 1
  }

  /// Those that this racer's sections no longer hold up.
  mutating func freeAll(in memory: HardwareMemory) {
    if count == 0 { return }
    var kept = 0
    for index in 0..<count {
      guard let (addon, gracePeriod) = addons[index] else { continue }
      if memory.isInside(gracePeriod) {
        addons[kept] = (addon, gracePeriod)
        kept += 1
      } else {
        memory.synchronize(gracePeriod)
        memory.freeToLibrary(addon)
      }
    }
    count = kept
  }
}
