import AddonMemory
import Testing

/// A block of zeroed words that lives as long as a test.
private final class Words {
  let base: UnsafeMutablePointer<UInt64>
  init(_ count: Int) {
    base = .allocate(capacity: count)
    base.initialize(repeating: 0, count: count)
  }
  deinit { base.deallocate() }
  func word64(_ index: Int = 0) -> Word64 { Word64(UInt(bitPattern: base + index)) }
  func word32(_ index: Int = 0) -> Word32 { Word32(UInt(bitPattern: base + index)) }
  func slot(_ index: Int = 0) -> Slot { Slot(UInt(bitPattern: base + index)) }
}

private let loads: [LoadOrdering] = [.relaxed, .acquiring, .sequentiallyConsistent, .dependent]
private let stores: [StoreOrdering] = [.relaxed, .releasing, .sequentiallyConsistent]
private let updates: [UpdateOrdering] = [
  .relaxed, .acquiring, .releasing, .acquiringAndReleasing, .sequentiallyConsistent, .full,
]

/// Every operation, ordering and width does what its name says, on one thread.
@Suite struct HardwareMemoryTests {
  private let memory = HardwareMemory(racer: 3)

  @Test func loadsReadWhatStoresWrote() {
    let words = Words(1)
    for store in stores {
      for load in loads {
        memory.store(words.word64(), 0x1_0000_0007, store)
        #expect(memory.load(words.word64(), load) == 0x1_0000_0007, "\(store), \(load)")
        memory.store(words.word32(), 9, store)
        #expect(memory.load(words.word32(), load) == 9, "\(store), \(load)")
        #expect(memory.read(words.word64()) == 0x1_0000_0009, "a 32-bit store leaves the other half alone")
      }
    }
  }

  @Test func compareExchangeWritesOnlyOverWhatItExpects() {
    let words = Words(1)
    for update in updates {
      for failure in loads {
        memory.write(words.word64(), 5)
        #expect(memory.compareExchange(words.word64(), 5, 6, update, failure: failure) == 5)
        #expect(memory.read(words.word64()) == 6, "\(update), \(failure)")
        #expect(memory.compareExchange(words.word64(), 5, 7, update, failure: failure) == 6)
        #expect(memory.read(words.word64()) == 6, "\(update), \(failure)")
        memory.write(words.word32(), 5)
        #expect(memory.compareExchange(words.word32(), 5, 6, update, failure: failure) == 5)
        #expect(memory.compareExchange(words.word32(), 5, 7, update, failure: failure) == 6)
        #expect(memory.read(words.word32()) == 6, "\(update), \(failure)")
      }
    }
  }

  @Test func readModifyWritesAnswerWhatTheyFound() {
    let words = Words(1)
    for update in updates {
      memory.write(words.word64(), 12)
      #expect(memory.fetchAdd(words.word64(), 3, update) == 12)
      #expect(memory.fetchOr(words.word64(), 16, update) == 15)
      #expect(memory.fetchAnd(words.word64(), 30, update) == 31)
      #expect(memory.exchange(words.word64(), 1, update) == 30)
      #expect(memory.read(words.word64()) == 1, "\(update)")
      memory.write(words.word32(), 12)
      #expect(memory.fetchAdd(words.word32(), 3, update) == 12)
      #expect(memory.fetchOr(words.word32(), 16, update) == 15)
      #expect(memory.fetchAnd(words.word32(), 30, update) == 31)
      #expect(memory.exchange(words.word32(), 1, update) == 30)
      #expect(memory.read(words.word32()) == 1, "\(update)")
    }
  }

  @Test func aSlotIsPopulatedOnce() throws {
    let words = Words(1)
    let slot = words.slot()
    let kind = AddonKind(size: 40, zeroed: true)
    let first = try memory.allocate(kind)
    let second = try memory.allocate(kind)
    guard case .won = memory.compareExchange(slot, nil, first, .full, failure: .relaxed) else {
      Issue.record("lost against nobody")
      return
    }
    guard case .lost(let winner) = memory.compareExchange(slot, nil, second, .full, failure: .relaxed) else {
      Issue.record("won over an addon")
      return
    }
    #expect(winner == first)
    #expect(memory.load(slot, .acquiring) == first)
    #expect(memory.read(slot) == first)
    #expect(memory.exchange(slot, nil, .acquiringAndReleasing) == first)
    #expect(memory.load(slot, .dependent) == nil)
    while case .lost(let found) = memory.weakCompareExchange(slot, nil, second) { #expect(found == nil) }
    #expect(memory.load(slot, .relaxed) == second)
    memory.free(first)
    memory.free(second)
  }

  @Test func zeroedMeansZeroed() throws {
    let addon = try memory.allocate(AddonKind(size: 264, zeroed: true))
    for offset in stride(from: UInt(0), to: 264, by: 8) { #expect(memory.read(addon.word64(at: offset)) == 0) }
    memory.free(addon)
  }

  @Test func aLockIsHeldUntilItIsReleased() {
    let words = Words(1)
    let lock = Lock(UInt(bitPattern: words.base))
    memory.initialise(lock)
    #expect(memory.tryLock(lock) == Lock.unlocked)
    #expect(memory.tryLock(lock) == Lock.locked)
    memory.unlock(lock)
    memory.lock(lock)
    #expect(memory.read(lock.word) == Lock.locked)
    memory.unlock(lock)
  }

  @Test func theTableOfOrderingsNamesEachOnce() {
    #expect(OrderingTable.rows.count == 7)
    #expect(Set(OrderingTable.rows.map(\.ordering)).count == 7)
  }
}
