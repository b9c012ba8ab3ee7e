import AddonMemory
import CCandidate
import ExploreCore
import Glibc
import RaceModel

/// What a candidate's hooks call, while it is explored. Functions without a context: `CandidateState.bound` is whose they are.
enum CandidateHooks {
  static var state: UnsafeMutablePointer<CandidateState> { CandidateState.bound }

  nonisolated(unsafe) static let table: UnsafePointer<addonrace_host> = {
    let table = UnsafeMutablePointer<addonrace_host>.allocate(capacity: 1)
    table.initialize(
      to: addonrace_host(
        load: load, store: store, update: update, fence: fence, read: read, copy: copy, write: write,
        own_write: ownWrite, allocate: allocate, allocate_surely: allocateSurely, release: release, size: size,
        thread_storage: threadStorage,
        create: create, self: current, join: join, leave: leave, lock: lock, lost_lock: lostLock, rwlock: lockShared,
        await: waitForBits,
        pause: pause,
        choose: choose,
        section: section, grace_period: gracePeriod,
        atomic_context: atomicContext, may_sleep: maySleep, fail: fail, note: note, slot: slot,
        depends: depends, label: label, reads: reads))
    return UnsafePointer(table)
  }()

  // MARK: Atomic operations

  /// The core's orderings, by the hooks' numbers, of updates and fences, of loads, and of stores. (Set literals would be
  /// made anew at each call.)
  nonisolated(unsafe) private static let orderings = table([
    .relaxed, .acquires, .acquires, .releases, [.acquires, .releases],
    [.acquires, .releases, .isSequentiallyConsistent], .isFull, .isDependent,
    // The kernel's smp_rmb and smp_wmb.
    [.acquires, .isReadBarrier], [.releases, .isWriteBarrier],
  ])
  /// Of an update that does not write, too.
  nonisolated(unsafe) private static let loadOrderings = table([
    .relaxed, .acquires, .acquires, .relaxed, .acquires, [.acquires, .isSequentiallyConsistent], .relaxed, .isDependent,
  ])
  nonisolated(unsafe) private static let storeOrderings = table([
    .relaxed, .relaxed, .relaxed, .releases, .releases, [.releases, .isSequentiallyConsistent], .relaxed, .relaxed,
  ])

  private static func table(_ orderings: [EventOrdering]) -> UnsafePointer<EventOrdering> {
    let table = UnsafeMutablePointer<EventOrdering>.allocate(capacity: orderings.count)
    table.initialize(from: orderings, count: orderings.count)
    return UnsafePointer(table)
  }

  private static let load: @convention(c) (UInt, UInt32, UInt32, UnsafePointer<addonrace_frame>) -> UInt64 = {
    address, size, order, frame in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = frame.pointee.pc
    if isOutside(execution, address, Int(size)) { return execution.space.read(address, Int(size)) }
    arrive(execution, racer, frame)
    if order == 5, state.pointee.hasKernelsOrderings {
      execution.fence(racer, orderings[5])
      let value = execution.load(racer, address, Int(size), .relaxed)
      execution.fence(racer, orderings[5])
      return value
    }
    return execution.load(racer, address, Int(size), loadOrderings[Int(order & 7)])
  }

  private static let store: @convention(c) (UInt, UInt32, UInt64, UInt32, UnsafePointer<addonrace_frame>) -> Void = {
    address, size, value, order, frame in
    let execution = state.pointee.execution
    execution.state.pointee.pc = frame.pointee.pc
    if isOutside(execution, address, Int(size)) { return execution.space.write(address, Int(size), value) }
    let racer = execution.state.pointee.current
    if order == 5, state.pointee.hasKernelsOrderings {
      execution.fence(racer, orderings[5])
      execution.store(racer, address, Int(size), value, .relaxed)
      return execution.fence(racer, orderings[5])
    }
    execution.store(racer, address, Int(size), value, storeOrderings[Int(order & 7)])
  }

  private static let update:
    @convention(c) (UInt, UInt32, UInt32, UInt64, UInt64, UInt32, UInt32, UnsafePointer<addonrace_frame>) -> UInt64 = {
      address, size, kind, operand, expected, order, failure, frame in
      let execution = state.pointee.execution
      let racer = execution.state.pointee.current
      execution.state.pointee.pc = frame.pointee.pc
      if isOutside(execution, address, Int(size)) {
        return updateOutside(execution, address, Int(size), kind, operand, expected)
      }
      arrive(execution, racer, frame)
      if kind == ADDONRACE_COMPARE_EXCHANGE.rawValue {
        if state.pointee.lockSites.contains(frame.pointee.pc) {
          return execution.lock(racer, address, Int(size), unlocked: expected, locked: operand)
        }
        state.pointee.threads[racer].lastCompareExchange = frame.pointee.pc
      }
      let order = order == 5 && state.pointee.hasKernelsOrderings ? 6 : order
      return execution.update(
        racer, address, Int(size), readKind(kind), expected: expected, operand: operand, orderings[Int(order & 7)],
        failure: loadOrderings[Int(failure & 7)])
    }

  private static func readKind(_ kind: UInt32) -> Event.ReadKind {
    switch kind {
    case 0: .exchange
    case 1: .add
    case 2: .or
    case 3: .and
    case 4: .xor
    case 5: .nand
    default: .compareExchange
    }
  }

  /// Memory that the program was not given by anybody that is known here: constants, a library's. Nobody judges it.
  @inline(__always) private static func isOutside(_ execution: Execution, _ address: UInt, _ size: Int) -> Bool {
    if execution.contains(address, size) || address < 4096 { return false }
    execution.forgetDependencies(execution.state.pointee.current)
    return true
  }

  private static func updateOutside(
    _ execution: Execution, _ address: UInt, _ size: Int, _ kind: UInt32, _ operand: UInt64, _ expected: UInt64
  ) -> UInt64 {
    let before = execution.space.read(address, size)
    var event = Event(.read, racer: 0, ordering: .relaxed)
    event.readKind = readKind(kind)
    event.size = UInt8(size)
    event.operand = operand
    event.expected = expected
    if let after = event.written(after: before) { execution.space.write(address, size, after) }
    return before
  }

  private static let fence: @convention(c) (UInt32, UInt) -> Void = { order, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if order == 0 { return }
    execution.fence(execution.state.pointee.current, orderings[order == 6 || order > 9 ? 5 : Int(order)])
  }

  /// A racer that spins waits.
  @inline(__always)
  private static func arrive(_ execution: Execution, _ racer: Int, _ frame: UnsafePointer<addonrace_frame>) {
    if frame.pointee.sp == 0 { return }
    execution.waitIdleAgain(racer)
    let progress = execution.state.pointee.racers + racer
    let arrival = state.pointee.idleTurns.arrive(
      racer, frame, stackTop: execution.stackTop(of: racer), changes: progress.pointee.changes,
      done: progress.pointee.done)
    switch arrival {
    case .goesOn: return
    case .newLoop:
      execution.state.pointee.needsRestart = true
      execution.stop(racer, .stopped)
    case .idle(let start):
      if execution.state.pointee.isQuiescent {
        noteAlone(execution, racer)
        execution.stop(racer, .stopped)
      }
      execution.waitIdle(racer, since: start)
    }
  }

  @inline(never) private static func noteAlone(_ execution: Execution, _ racer: Int) {
    execution.note(
      .stuck, [racer], "racer \(racer) waits in a loop for a change, and no other thread is there to make it")
  }

  // MARK: Plain accesses

  private static let read: @convention(c) (UInt, UInt32, UInt) -> Void = { address, size, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if isOutside(execution, address, Int(size)) { return }
    execution.willRead(execution.state.pointee.current, address, Int(size))
  }

  private static let copy: @convention(c) (UInt, UInt32, UInt) -> Void = { address, size, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if isOutside(execution, address, Int(size)) { return }
    execution.willRead(execution.state.pointee.current, address, Int(size), isCopy: true)
  }

  private static let write: @convention(c) (UInt, UInt32, UInt) -> Void = { address, size, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if isOutside(execution, address, Int(size)) { return }
    execution.willWrite(execution.state.pointee.current, address, Int(size))
  }

  private static let ownWrite: @convention(c) (UInt, UInt32) -> Void = { address, size in
    state.pointee.execution.noteWriteOutside(address, Int(size))
  }

  // MARK: Heap

  /// Whose arena it is: nobody's where there is only one racer, as before a race.
  private static func arena(_ execution: Execution) -> Int {
    execution.state.pointee.isQuiescent ? execution.state.pointee.racerCount : execution.state.pointee.current
  }

  private static let allocate: @convention(c) (Int, Int, Int32, UInt) -> UnsafeMutableRawPointer? = {
    size, alignment, isZeroed, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if execution.choose(execution.state.pointee.current, .allocation) { return nil }
    return allocateSurely(size, alignment, isZeroed, pc)
  }

  private static let allocateSurely: @convention(c) (Int, Int, Int32, UInt) -> UnsafeMutableRawPointer? = {
    size, alignment, isZeroed, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    // Blocks begin at multiples of 16; whoever wants more gets more, and the beginning is moved.
    let extra = alignment > 16 ? alignment : 0
    guard size >= 0, size <= CandidateProgram.mostBytes else { return nil }
    let isJudged = state.pointee.allocators.areInstrumented(at: pc)
    guard
      let address = execution.allocate(
        arena(execution), size + extra, fill: isZeroed != 0 ? 0 : Poison.uninitialised,
        isUnwritten: isZeroed == 0 && isJudged)
    else { return nil }
    let block = execution.block(of: address)
    execution.blocks[block].note = UInt64(pc)
    execution.blocks[block].isUnjudged = !isJudged
    let aligned = extra == 0 ? address : (address + UInt(alignment) - 1) & ~(UInt(alignment) - 1)
    return UnsafeMutableRawPointer(bitPattern: aligned)
  }

  private static let release: @convention(c) (UnsafeMutableRawPointer?, UInt) -> Void = { pointer, pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = pc
    guard let pointer else { return }
    var address = UInt(bitPattern: pointer)
    if execution.block(at: address) == nil {
      // One that was aligned begins further on in its block.
      let block = execution.block(of: address)
      let isAligned =
        execution.space.isHeapBlock(block) && address % 32 == 0
        && address - execution.blocks[block].address < 4096
      if isAligned, execution.blocks[block].size >= 32 { address = execution.blocks[block].address }
    }
    let block = execution.block(of: address)
    if execution.block(at: address) == nil {
      noteBadFree(execution, racer, address)
    } else if execution.blocks[block].state == .freed {
      noteDoubleFree(execution, racer, address, block)
    }
    _ = execution.free(racer, address, poison: Poison.freed)
  }

  @inline(never) private static func noteBadFree(_ execution: Execution, _ racer: Int, _ address: UInt) {
    execution.note(.useAfterFree, [racer], "racer \(racer) frees an address that is not that of an allocation", address)
  }

  @inline(never)
  private static func noteDoubleFree(_ execution: Execution, _ racer: Int, _ address: UInt, _ block: Int) {
    execution.note(
      .useAfterFree, [racer], "racer \(racer) frees an allocation that was freed before", address, block: block)
  }

  private static let size: @convention(c) (UnsafeMutableRawPointer?) -> Int = { pointer in
    let space = state.pointee.execution.space
    let block = space.block(of: UInt(bitPattern: pointer))
    return block < 0 ? 0 : space.blocks[block].size
  }

  private static let threadStorage: @convention(c) () -> UnsafeMutableRawPointer = {
    let racer = state.pointee.execution.state.pointee.current
    return UnsafeMutableRawPointer(bitPattern: state.pointee.storage + UInt(racer * state.pointee.storageStride))
      .unsafelyUnwrapped
  }

  // MARK: Threads

  private static let create:
    @convention(c) (
      @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UInt32, UInt
    ) -> UInt32 = { body, argument, count, pc in
      let execution = state.pointee.execution
      let racer = execution.state.pointee.current
      execution.state.pointee.pc = pc
      guard let number = number(state, racer) else {
        execution.stop(racer, .stopped)
        return 0
      }
      state.pointee.threads[number].body = unsafeBitCast(body, to: UnsafeMutableRawPointer.self)
      state.pointee.threads[number].argument = argument
      execution.create(racer, first: number)
      return UInt32(number)
    }

  /// The number of a thread that a racer starts; nil where there is no room for it.
  static func number(_ state: UnsafeMutablePointer<CandidateState>, _ creator: Int) -> Int? {
    let room = state.pointee.room
    let ordinal = state.pointee.threads[creator].started
    state.pointee.threads[creator].started += 1
    guard ordinal < room else {
      state.pointee.wantsRoom = true
      return nil
    }
    let known = state.pointee.numbers + (creator * room + ordinal)
    if known.pointee > 0 { return Int(known.pointee) }
    guard state.pointee.threadCount < room else {
      state.pointee.wantsRoom = true
      return nil
    }
    known.pointee = Int32(state.pointee.threadCount)
    state.pointee.threadCount += 1
    return Int(known.pointee)
  }

  private static let current: @convention(c) () -> UInt32 = {
    UInt32(state.pointee.execution.state.pointee.current)
  }

  private static let join: @convention(c) (UInt32, UInt) -> UnsafeMutableRawPointer? = { thread, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    guard Int(thread) < state.pointee.threadCount else {
      noteBadJoin(execution)
      return nil
    }
    execution.join(execution.state.pointee.current, target: Int(thread))
    return state.pointee.threads[Int(thread)].result
  }

  @inline(never) private static func noteBadJoin(_ execution: Execution) {
    let racer = execution.state.pointee.current
    execution.note(.crash, [racer], "racer \(racer) waits for the end of a thread that does not exist")
  }

  private static let leave: @convention(c) (UnsafeMutableRawPointer?) -> Void = { result in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    state.pointee.threads[racer].result = result
    execution.finishHere(racer)
  }

  // MARK: Waiting

  private static let lock: @convention(c) (UInt, UInt) -> Void = { address, pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = pc
    let found = execution.lock(racer, address, 4, unlocked: 0, locked: 1)
    if found != 0 { stopAt(execution, racer, lock: address, isLock: found == 1) }
  }

  private static let lostLock: @convention(c) (UInt, UInt) -> Void = { address, pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    guard execution.isLostLock(racer, address, 4) else { return }
    state.pointee.lockSites.insert(state.pointee.threads[racer].lastCompareExchange)
    execution.waitForLostLock(racer)
  }

  private static let lockShared: @convention(c) (UInt, Int32, UInt) -> Void = { address, isAlone, pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = pc
    let found = execution.lock(racer, address, unlocked: 0, shared: isAlone == 0)
    if isAlone != 0 ? found == 0 : !ReadersWriterLock.isHeldAlone(found) { return }
    stopAt(execution, racer, lock: address, isLock: ReadersWriterLock.isLock(found, unlocked: 0))
  }

  /// Of a lock that was not taken though the racer has waited for it as long as it could.
  private static func stopAt(_ execution: Execution, _ racer: Int, lock address: UInt, isLock: Bool) {
    if !isLock {
      noteNoLock(execution, racer, address)
    } else if execution.state.pointee.isQuiescent {
      noteAlone(execution, racer)
    } else {
      return
    }
    execution.stop(racer, .stopped)
  }

  @inline(never) private static func noteNoLock(_ execution: Execution, _ racer: Int, _ address: UInt) {
    execution.note(.crash, [racer], "racer \(racer) takes a lock that was not initialised, or is gone", address)
  }

  private static let waitForBits: @convention(c) (UInt, UInt32, UInt64, UInt64, UInt) -> UInt64 = {
    address, size, mask, value, pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = pc
    let found = execution.await(racer, address, Int(size), mask: mask, value: value)
    if execution.state.pointee.isQuiescent, found & mask == value {
      noteAlone(execution, racer)
      execution.stop(racer, .stopped)
    }
    return found
  }

  private static let pause: @convention(c) (UInt) -> Void = { pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
  }

  private static let choose: @convention(c) (UInt32, UInt) -> UInt32 = { count, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    return UInt32(execution.choose(execution.state.pointee.current, among: Int(count)))
  }

  // MARK: Grace periods

  private static let section: @convention(c) (UnsafeRawPointer?, Int32, UInt) -> Void = { domain, begins, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if execution.state.pointee.isQuiescent { return }
    let racer = execution.state.pointee.current
    let number = domainNumber(state, UInt(bitPattern: domain))
    withUnsafeMutableBytes(of: &state.pointee.threads[racer].depths) { bytes in
      let depths = bytes.bindMemory(to: Int.self)
      depths[number] += begins != 0 ? 1 : -1
      guard depths[number] == (begins != 0 ? 1 : 0) else { return }
      let count = nextSection(racer, number)
      let word = sectionWord(racer, number)
      if begins != 0 {
        execution.beginSection(racer, word: word, value: count)
      } else {
        execution.endSection(racer, word: word, value: count)
      }
    }
  }

  private static func nextSection(_ racer: Int, _ domain: Int) -> UInt64 {
    withUnsafeMutableBytes(of: &state.pointee.threads[racer].sections) { bytes in
      let sections = bytes.bindMemory(to: Int.self)
      sections[domain] += 1
      return UInt64(sections[domain])
    }
  }

  private static func sectionWord(_ racer: Int, _ domain: Int) -> UInt {
    state.pointee.sectionWords + UInt(8 * (domain * state.pointee.room + racer))
  }

  static let mostDomains = 4

  @inline(never)
  private static func domainNumber(_ state: UnsafeMutablePointer<CandidateState>, _ domain: UInt) -> Int {
    if let number = state.pointee.domains.firstIndex(of: domain) { return number }
    guard state.pointee.domains.count < mostDomains else {
      state.pointee.refusal = "the program has more than \(mostDomains) domains of read-side sections"
      return 0
    }
    state.pointee.domains.append(domain)
    return state.pointee.domains.count - 1
  }

  private static let gracePeriod: @convention(c) (UnsafeRawPointer?, UInt) -> Void = { domain, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    if execution.state.pointee.isQuiescent { return }
    let number = domainNumber(state, UInt(bitPattern: domain))
    execution.gracePeriod(
      execution.state.pointee.current, words: sectionWord(0, number), count: state.pointee.readers)
  }

  private static let atomicContext: @convention(c) (Int32) -> Void = { change in
    let racer = state.pointee.execution.state.pointee.current
    state.pointee.threads[racer].atomicDepth += Int(change)
  }

  private static let maySleep: @convention(c) (UInt) -> Void = { pc in
    let execution = state.pointee.execution
    let racer = execution.state.pointee.current
    execution.state.pointee.pc = pc
    if execution.state.pointee.isQuiescent || state.pointee.threads[racer].atomicDepth == 0 { return }
    noteSleep(execution, racer)
  }

  @inline(never) private static func noteSleep(_ execution: Execution, _ racer: Int) {
    execution.note(
      .atomicContext, [racer], "racer \(racer) may sleep while it holds a spinlock or is in a read-side section of RCU")
  }

  // MARK: Ends

  private static let fail: @convention(c) (UInt32, UnsafePointer<CChar>, UnsafePointer<CChar>?, UInt32, UInt) -> Void =
    {
      kind, text, file, line, pc in
      let execution = state.pointee.execution
      let racer = execution.state.pointee.current
      execution.state.pointee.pc = pc
      switch kind {
      case ADDONRACE_EXIT.rawValue:
        state.pointee.hasExited = true
        execution.stop(racer, .complete)
      case ADDONRACE_ASSUMPTION.rawValue: execution.giveUp(racer)
      default:
        noteFailure(execution, state, kind, text, file, line)
        execution.state.pointee.trace?.markLast(racer)
        execution.stop(racer, .stopped)
      }
    }

  @inline(never)
  private static func noteFailure(
    _ execution: Execution, _ state: UnsafeMutablePointer<CandidateState>, _ kind: UInt32, _ text: UnsafePointer<CChar>,
    _ file: UnsafePointer<CChar>?, _ line: UInt32
  ) {
    let racer = execution.state.pointee.current
    let text = String(cString: text).split(separator: "\n").first.map(String.init) ?? ""
    let place = file.map { " (\(String(cString: $0).split(separator: "/").last ?? ""):\(line))" } ?? ""
    switch kind {
    case ADDONRACE_ASSERTION.rawValue:
      execution.note(.assertion, [racer], "racer \(racer): assertion '\(text)' failed\(place)")
    case ADDONRACE_CRASH.rawValue: execution.note(.crash, [racer], "racer \(racer): \(text)\(place)")
    default: state.pointee.refusal = "\(text): that cannot be explored"
    }
  }

  private static let note: @convention(c) (UnsafePointer<CChar>, UInt) -> Void = { text, pc in
    let execution = state.pointee.execution
    execution.state.pointee.pc = pc
    execution.recordNote(execution.state.pointee.current, String(cString: text))
  }

  private static let slot: @convention(c) (UInt, UnsafePointer<CChar>) -> Void = { address, name in
    declare(state, address, name)
  }

  @inline(never)
  private static func declare(
    _ state: UnsafeMutablePointer<CandidateState>, _ address: UInt, _ name: UnsafePointer<CChar>
  ) {
    if !state.pointee.slots.contains(where: { $0.address == address }) {
      state.pointee.slots.append((address, String(cString: name)))
    }
  }
}
