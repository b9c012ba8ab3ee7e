import CAtomics
import CThreads

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The real thing: the machine's atomics and the C library's heap, watched by nobody.
@frozen public struct HardwareMemory: HardwareOperations {
  public let racer: Int
  @inlinable public init(racer: Int) { self.racer = racer }

  // MARK: Slots

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

  @inlinable public func allocate(_ kind: AddonKind) throws(OutOfMemory) -> Addon {
    guard let block = kind.zeroed ? calloc(1, kind.size) : malloc(kind.size) else { throw OutOfMemory() }
    return Addon(address: UInt(bitPattern: block))
  }

  @inlinable public func free(_ addon: Addon) {
    #if canImport(Glibc)
      Glibc.free(UnsafeMutableRawPointer(bitPattern: addon.address))
    #elseif canImport(Musl)
      Musl.free(UnsafeMutableRawPointer(bitPattern: addon.address))
    #endif
  }

  // MARK: Locks

  @inlinable public func lock(_ lock: Lock) {
    while tryLock(lock) != Lock.unlocked {
      while load(lock.word, .relaxed) != Lock.unlocked { pause() }
    }
  }

  // MARK: Nobody watches

  @inlinable @inline(__always) public func at(_ slot: Int) -> HardwareMemory { self }
  @inlinable @inline(__always) public func report(_ report: Report) {}
  @inlinable @inline(__always)
  public func expect(_ word: Word64, holds value: UInt64, _ expectation: Expectation) -> Bool { read(word) == value }
  @inlinable @inline(__always)
  public func violated(_ expectation: Expectation, seen: UInt64, expected: UInt64, at address: UInt) {}
  @inlinable @inline(__always) public func reach(_ addon: Addon?, slot: Int) -> Addon? { addon }
  @inlinable @inline(__always) public func reachThroughList(_ addon: Addon) -> Bool { true }
  @inlinable @inline(__always) public func successes(ofRole role: Int) -> Int { 0 }
  @inlinable @inline(__always) public func populations(ofSlot slot: Int) -> Int { 0 }
  @inlinable @inline(__always) public func window() {}
  public func bug(_ why: StaticString) -> Never { fatalError("BUG: \(why)") }
}
