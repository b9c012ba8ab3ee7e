import AddonMemory
import CAtomics
import CCandidate
import CFibers
import CThreads
import Glibc
import Machine
import RaceLoops
import RaceModel
import Recording

/// Serves the allocator, the locks and the sections of racers, while their visits run: what `addonrace_race` asks for.
///
/// Called from whatever the visit was doing, on its fiber: here is nothing that waits for another racer but what the code
/// itself asked to wait for.
enum CandidateServer {
  /// What went wrong in the code's own words, and how often memory was asked for that is not watched. Under `lock`.
  private struct Ledger {
    var mishaps: [(failure: UInt32, text: String, file: String?, line: UInt32, pc: UInt, racer: Int, inode: Int)] = []
    /// Bytes of allocations that no pool has room for, by address.
    var unwatched: [UInt: Int] = [:]
    var unwatchedCount = 0
    var deferred: [Int: [(body: Body, argument: UnsafeMutableRawPointer?)]] = [:]
  }
  typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

  nonisolated(unsafe) private static var ledger = Ledger()
  nonisolated(unsafe) private static var lock = {
    var lock = pthread_mutex_t()
    pthread_mutex_init(&lock, nil)
    return lock
  }()
  /// Nobody has to look for unwatched allocations as long as this is 0. Accessed atomically.
  nonisolated(unsafe) private static let unwatchedFlag = {
    let flag = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    flag.initialize(to: 0)
    return flag
  }()
  private static var hasUnwatched: Bool { catomics_load_relaxed_64(unwatchedFlag) != 0 }
  nonisolated(unsafe) static var data: (start: UInt, bytes: Int) = (0, 0)
  nonisolated(unsafe) static var seed: UInt64 = 0

  private static func locked<T>(_ body: (inout Ledger) -> T) -> T {
    pthread_mutex_lock(&lock)
    defer { pthread_mutex_unlock(&lock) }
    return body(&ledger)
  }

  /// Before a race.
  static func begin(_ object: LoadedObject, seed: UInt64) {
    locked { $0 = Ledger() }
    catomics_store_relaxed_64(unwatchedFlag, 0)
    data = (object.image.data, object.image.data_size)
    self.seed = seed
    ccandidate_bind_race(object.bindFunction, table)
  }

  /// Whether a word of the program's data has a value of which `body` says so.
  static func dataReaches(_ body: (UInt) -> Bool) -> Bool {
    var place = (data.start + 7) & ~7
    while place + 8 <= data.start + UInt(data.bytes) {
      if let word = UnsafePointer<UInt>(bitPattern: place), body(word.pointee) { return true }
      place += 8
    }
    return false
  }

  /// Of the visit of the calling thread.
  @inline(__always) private static func memory(_ visit: UnsafeMutablePointer<ccandidate_visit>) -> RacedMemory {
    RacedMemory(
      visit.pointee.state.assumingMemoryBound(to: RacerState.self), entry: visit.pointee.entry,
      inode: visit.pointee.inode, fiber: visit.pointee.fiber?.assumingMemoryBound(to: cfiber.self))
  }

  // MARK: Heap

  private static func allocate(
    _ size: Int, _ alignment: Int, _ isZeroed: Bool, _ mayFail: Bool
  ) -> UnsafeMutableRawPointer? {
    guard let visit = ccandidate_current_visit() else { return isZeroed ? calloc(1, size) : malloc(size) }
    let memory = memory(visit)
    let state = memory.state
    let asked = visit.pointee.allocations
    visit.pointee.allocations = asked &+ 1
    if asked == 0 {
      memory.note(LogWord.sawNull)
      memory.openWindow()
      // Other visits of this thread may have run meanwhile.
      ccandidate_set_visit(visit)
    }
    let bytes = (size &+ 7) & ~7
    if bytes > state.pointee.blockBytes || state.pointee.next >= state.pointee.capacity || alignment > 64 {
      return allocateUnwatched(size, alignment, isZeroed)
    }
    let needs = RacedFunctions.bound.unsafelyUnwrapped.pointee.needs + memory.racer
    if bytes > needs.pointee.biggestAllocation { needs.pointee.biggestAllocation = bytes }
    let kind = AddonKind(size: max(bytes, 8), zeroed: isZeroed, populates: false, maySleep: false)
    if state.pointee.needsSlowAllocation {
      // One that may not fail is asked for again: each attempt counts.
      while true {
        if let addon = memory.blockSlowly(of: kind) { return UnsafeMutableRawPointer(bitPattern: addon.address) }
        if mayFail { return nil }
      }
    }
    let number = state.pointee.next
    if asked == 0 { visit.pointee.first_allocation = Int64(number) }
    let block = memory.take(number, kind)
    memory.fill(block, kind.size >> 3, isZeroed ? 0 : Poison.uninitialised)
    return UnsafeMutableRawPointer(bitPattern: block)
  }

  @inline(never)
  private static func allocateUnwatched(_ size: Int, _ alignment: Int, _ isZeroed: Bool) -> UnsafeMutableRawPointer? {
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, max(alignment, 16), size) == 0, let block else { return nil }
    if isZeroed { memset(block, 0, size) }
    locked {
      $0.unwatched[UInt(bitPattern: block)] = size
      $0.unwatchedCount += 1
      catomics_store_relaxed_64(unwatchedFlag, 1)
    }
    return block
  }

  private static func release(_ pointer: UnsafeMutableRawPointer) {
    guard let visit = ccandidate_current_visit() else { return free(pointer) }
    let memory = memory(visit)
    let addon = Addon(address: UInt(bitPattern: pointer))
    if hasUnwatched, locked({ $0.unwatched.removeValue(forKey: addon.address) != nil }) { return free(pointer) }
    if memory.poolNumber(of: addon) != nil {
      let offset = addon.address &- memory.state.pointee.blocks
      if offset & (1 << memory.state.pointee.blockShift &- 1) == 0 { return memory.free(addon) }
      return memory.noteStray(.free, addon)
    }
    memory.free(addon)
  }

  private static func size(_ pointer: UnsafeMutableRawPointer) -> Int {
    guard let visit = ccandidate_current_visit() else { return 0 }
    let state = memory(visit).state
    let address = UInt(bitPattern: pointer)
    if hasUnwatched, let bytes = locked({ $0.unwatched[address] }) { return bytes }
    let round = state.pointee.round
    for racer in 0..<round.pointee.racerCount
    where address &- round.pointee.pools[racer].start < round.pointee.pools[racer].bytes {
      return state.pointee.blockBytes
    }
    return 0
  }

  /// Allocations that were too big, or too many, to be watched.
  static var unwatchedCount: Int { locked { $0.unwatchedCount } }

  // MARK: Grace periods

  private static func domain(_ address: UnsafeRawPointer?) -> ReadDomain {
    switch UInt(bitPattern: address) {
    case 0: .rcu
    case 1: .trace
    default: .sleepable
    }
  }

  /// What visits left to grace periods, as soon as they are over.
  @inline(__always) static func finishDeferred(_ memory: RacedMemory) {
    if RacedFunctions.bound.unsafelyUnwrapped.pointee.needs[memory.racer].deferred > 0 { finishDeferredSlowly(memory) }
  }

  @inline(never) private static func finishDeferredSlowly(_ memory: RacedMemory) {
    let racer = memory.racer
    let visit = ccandidate_current_visit()
    while true {
      let next = locked { ledger in
        ledger.deferred[racer]?.isEmpty == false ? ledger.deferred[racer]?.removeFirst() : nil
      }
      guard let (body, argument) = next else { break }
      var own = ccandidate_visit(
        state: memory.state, entry: memory.entry, fiber: memory.fiber, inode: memory.inode, allocations: 1,
        first_allocation: -1, object: 0)
      withUnsafeMutablePointer(to: &own) {
        ccandidate_set_visit($0)
        _ = body(argument)
      }
    }
    RacedFunctions.bound.pointee.needs[racer].deferred = 0
    ccandidate_set_visit(visit)
  }

  // MARK: What goes wrong

  private static func fail(
    _ failure: UInt32, _ text: UnsafePointer<CChar>, _ file: UnsafePointer<CChar>?, _ line: UInt32, _ pc: UInt
  ) -> Never {
    let memory = ccandidate_current_visit().map(memory)
    locked { ledger in
      ledger.mishaps.append(
        (
          failure, String(cString: text), file.map { String(cString: $0) }, line, pc, memory?.racer ?? 0,
          Int(memory?.inode ?? 0)
        ))
    }
    ccandidate_escape()
  }

  /// What failed, in words; throws for what cannot be raced.
  static func takeMishaps(_ names: SourceNames) throws(EngineError) -> [Mishap] {
    var mishaps: [Mishap] = []
    for told in locked({ $0.mishaps }) {
      let place = names.lines(of: [told.pc])[told.pc]
      var message = told.text
      if let file = told.file {
        message += " (\(file.split(separator: "/").last ?? ""):\(told.line))"
      } else if let place {
        message += " (\(place))"
      }
      switch addonrace_failure(told.failure) {
      case ADDONRACE_ASSERTION, ADDONRACE_CRASH:
        let kind: Mishap.Kind = addonrace_failure(told.failure) == ADDONRACE_ASSERTION ? .assertion : .crash
        var mishap = Mishap(kind, racers: [told.racer], message: message)
        mishap.inode = told.inode
        mishaps.append(mishap)
      case ADDONRACE_EXIT: throw EngineError("a racer ends the program\(place.map { " (\($0))" } ?? "")")
      case ADDONRACE_ASSUMPTION:
        throw EngineError(
          "a racer assumes what does not hold: an exploration leaves such executions out, a race cannot")
      default: throw EngineError("\(message): it cannot be raced on one object after the other")
      }
    }
    return mishaps
  }

  // MARK: The table

  nonisolated(unsafe) private static let table: UnsafePointer<addonrace_race> = {
    let table = UnsafeMutablePointer<addonrace_race>.allocate(capacity: 1)
    table.initialize(
      to: addonrace_race(
        allocate: { size, alignment, isZeroed, mayFail, _ in allocate(size, alignment, isZeroed != 0, mayFail != 0) },
        release: { pointer, _ in release(pointer) },
        size: { size($0) },
        holds_lock: { change in
          guard let visit = ccandidate_current_visit() else { return }
          let state = memory(visit).state
          if change > 0 { state.pointee.tookMutex() } else { state.pointee.gaveMutexBack() }
        },
        atomic_context: { change in
          guard let visit = ccandidate_current_visit() else { return }
          let state = memory(visit).state
          if change > 0 { state.pointee.tookLock() } else { state.pointee.gaveLockBack() }
        },
        may_sleep: { _ in
          guard let visit = ccandidate_current_visit() else { return }
          let memory = memory(visit)
          let held = memory.state.pointee.locksHeld
          if held != 0 { memory.violated(.mayNotSleep, seen: UInt64(held), expected: 0, at: 0, nil) }
        },
        section: { domain, begins in
          guard let visit = ccandidate_current_visit() else { return }
          let memory = memory(visit)
          if begins != 0 {
            memory.enterReadSection(CandidateServer.domain(domain))
          } else {
            memory.leaveReadSection(CandidateServer.domain(domain))
          }
        },
        grace_period: { domain in
          guard let visit = ccandidate_current_visit() else { return }
          memory(visit).synchronize(.of(CandidateServer.domain(domain)))
        },
        defer: { body, argument in
          guard let visit = ccandidate_current_visit() else { return }
          let racer = memory(visit).racer
          locked { $0.deferred[racer, default: []].append((body, argument)) }
          RacedFunctions.bound.pointee.needs[racer].deferred += 1
        },
        choose: { count in
          guard let visit = ccandidate_current_visit() else { return 0 }
          let memory = memory(visit)
          let state = memory.state.pointee
          let moment = UInt64(state.roundNumber) << 32 | UInt64(memory.inode) << 8 | UInt64(state.racer)
          return UInt32(SplitMix.hash(seed, moment &+ UInt64(visit.pointee.allocations) << 56) % UInt64(count))
        },
        slot: { address, _ in
          guard let visit = ccandidate_current_visit() else { return }
          let functions = RacedFunctions.bound.unsafelyUnwrapped
          let offset = Int(bitPattern: address &- visit.pointee.object)
          if functions.pointee.slotIsDeclared || !(0..<functions.pointee.size).contains(offset) { return }
          functions.pointee.slot = offset
          functions.pointee.slotIsDeclared = true
        },
        fail: { fail($0, $1, $2, $3, $4) }))
    return UnsafePointer(table)
  }()
}
