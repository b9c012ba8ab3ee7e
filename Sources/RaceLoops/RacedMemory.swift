import AddonMemory
import Addons
import CAtomics
import CFibers
import CThreads
import Glibc
import RaceModel
import Recording

/// The machine's memory as a racer sees it in one visit: every operation is the hardware's, and what happens to slots,
/// heap and locks is recorded. The race shape acts in its windows.
///
/// A value of four words that lives in registers. Recording costs a store or two to lines that only this racer touches.
public struct RacedMemory: HardwareOperations {
  public let state: UnsafeMutablePointer<RacerState>
  /// This operation's word in the racer's log.
  public let entry: UnsafeMutablePointer<UInt64>
  public let inode: UInt32
  /// Where this visit runs, in a pipeline.
  public let fiber: UnsafeMutablePointer<cfiber>?

  @inlinable @inline(__always)
  public init(
    _ state: UnsafeMutablePointer<RacerState>, entry: UnsafeMutablePointer<UInt64>, inode: UInt32,
    fiber: UnsafeMutablePointer<cfiber>?
  ) {
    self.state = state
    self.entry = entry
    self.inode = inode
    self.fiber = fiber
  }
}

extension RacedMemory {
  /// Adds to this operation's word in the log. In one store of 64 bits: of a narrower one the load that follows could not
  /// be served from the store buffer.
  @inlinable @inline(__always) public func note(_ bits: UInt64) { cthreads_set_bits(entry, bits) }
}

// MARK: Slots

extension RacedMemory {
  @inlinable @inline(__always) public func store(_ slot: Slot, _ addon: Addon?, _ ordering: StoreOrdering) {
    store(slot.word, Addon.bits(addon), ordering)
    if let addon { notePublication(of: addon) }
  }

  @inlinable @inline(__always)
  public func exchange(_ slot: Slot, _ addon: Addon?, _ ordering: UpdateOrdering) -> Addon? {
    let found = Addon(bits: exchange(slot.word, Addon.bits(addon), ordering))
    if let addon { notePublication(of: addon) }
    return found
  }

  @inlinable @inline(__always)
  public func compareExchange(
    _ slot: Slot, _ expected: Addon?, _ desired: Addon?, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> Exchanged {
    let found = compareExchange(slot.word, Addon.bits(expected), Addon.bits(desired), ordering, failure: failure)
    guard found == Addon.bits(expected) else { return .lost(Addon(bits: found)) }
    if let desired { notePublication(of: desired) }
    return .won
  }

  @inlinable @inline(__always)
  public func weakCompareExchange(_ slot: Slot, _ expected: Addon?, _ desired: Addon?) -> Exchanged {
    let (wrote, found) = hardwareWeakCompareExchange(slot, expected, desired)
    guard wrote else { return .lost(found) }
    if let desired { notePublication(of: desired) }
    return .won
  }

  @inlinable @inline(__always) public func notePublication(of addon: Addon) {
    note(LogWord.published)
    if let number = poolNumber(of: addon) {
      state.pointee.ledger[number] &+= LedgerEntry.published
    } else {
      notePublicationElsewhere(of: addon)
    }
  }

  /// Of what `malloc` served, or another racer allocated.
  @inline(never) public func notePublicationElsewhere(of addon: Addon) {
    if let number = ownNumber(of: addon) {
      state.pointee.ledger[number] &+= LedgerEntry.published
    } else {
      noteStray(.publish, addon)
    }
  }
}

// MARK: Heap

extension RacedMemory {
  @inlinable @inline(__always) public func block(of kind: AddonKind) -> Addon? {
    if kind.populates {
      note(LogWord.sawNull)
      openWindow()
    }
    let number = state.pointee.next
    if state.pointee.needsSlowAllocation || number >= state.pointee.capacity || kind.size > state.pointee.blockBytes {
      return blockSlowly(of: kind)
    }
    let block = take(number, kind)
    fill(block, kind.size >> 3, kind.zeroed ? 0 : Poison.uninitialised)
    return Addon(address: block)
  }

  /// The pool's next block, entered into the ledger.
  @inlinable @inline(__always) public func take(_ number: Int, _ kind: AddonKind) -> UInt {
    state.pointee.next = number &+ 1
    state.pointee.ledger[number] = LedgerEntry.make(inode: inode, words: kind.size >> 3)
    return state.pointee.blocks &+ UInt(bitPattern: number) &<< state.pointee.blockShift
  }

  /// Where failures are injected, `malloc` serves, a lock is held, or the site has not declared so much.
  @inline(never) public func blockSlowly(of kind: AddonKind) -> Addon? {
    if kind.maySleep, state.pointee.locksHeld != 0 {
      violated(.mayNotSleep, seen: UInt64(state.pointee.locksHeld), expected: 0, at: 0)
    }
    state.pointee.attempts &+= 1
    if state.pointee.refusals.mode != .never, state.pointee.phase == .visiting, refuses() { return nil }
    let number = state.pointee.next
    guard number < state.pointee.capacity, kind.size <= state.pointee.blockBytes else {
      return blockBeyondLimits(kind, number)
    }
    let block = take(number, kind)
    if state.pointee.usesMalloc { return allocateFromLibrary(kind, number) }
    fill(block, kind.size >> 3, kind.zeroed ? 0 : Poison.uninitialised)
    return Addon(address: block)
  }

  /// The run ends because of it, but the visit has to come to its end first: with a block of nobody's, which is not given
  /// back.
  private func blockBeyondLimits(_ kind: AddonKind, _ number: Int) -> Addon? {
    let isOfCreation = state.pointee.phase == .clearing
    state.pointee.exceed(
      kind.size > state.pointee.blockBytes
        ? .biggestAddon : isOfCreation ? .allocationsPerCreation : .allocationsPerVisit)
    return calloc(1, kind.size).map { Addon(address: UInt(bitPattern: $0)) }
  }

  @inlinable @inline(__always) public func fill(_ block: UInt, _ words: Int, _ value: UInt64) {
    let pointer = UnsafeMutablePointer<UInt64>(bitPattern: block).unsafelyUnwrapped
    var word = 0
    while word < words {
      pointer[word] = value
      word &+= 1
    }
  }

  /// Asked only where the scenario injects failures.
  public func refuses() -> Bool {
    let policy = state.pointee.refusals
    let round = state.pointee.round
    let first = round.pointee.logs[state.pointee.racer] + Int(inode) * round.pointee.slotCount
    LogWord.addAttempt(&first.pointee)
    let attempt = policy.countsByVisit ? LogWord.attempts(first.pointee) : state.pointee.attempts
    guard policy.refuses(attempt: attempt, round: state.pointee.roundNumber, inode: inode) else { return false }
    entry.pointee |= LogWord.refused
    // Only an inode's first slot has an address that is known here.
    if entry == first, load(round.pointee.inode(Int(inode)).slot(at: 0), .acquiring) != nil {
      entry.pointee |= LogWord.populatedWhenRefused
    }
    return true
  }

  @inline(never) public func allocateFromLibrary(_ kind: AddonKind, _ number: Int) -> Addon {
    guard let block = kind.zeroed ? calloc(1, kind.size) : malloc(kind.size) else {
      fatalError("malloc has no memory left for \(kind.size) bytes")
    }
    let address = UInt(bitPattern: block)
    if !kind.zeroed { fill(address, kind.size >> 3, Poison.uninitialised) }
    state.pointee.addresses.insert(address, number: number)
    state.pointee.addressOf[number] = address
    return Addon(address: address)
  }

  /// The ledger number of a block that this racer's pool has handed out in this round.
  @inlinable @inline(__always) public func poolNumber(of addon: Addon) -> Int? {
    let number = Int(bitPattern: (addon.address &- state.pointee.blocks) &>> state.pointee.blockShift)
    return UInt(bitPattern: number) < UInt(bitPattern: state.pointee.next) ? number : nil
  }

  /// The ledger number of an addon that this racer allocated in this round.
  @inlinable @inline(__always) public func ownNumber(of addon: Addon) -> Int? {
    state.pointee.usesMalloc ? state.pointee.addresses.number(of: addon.address) : poolNumber(of: addon)
  }

  @inlinable @inline(__always) public func free(_ addon: Addon) {
    guard let number = poolNumber(of: addon) else {
      freeElsewhere(addon)
      return
    }
    if state.pointee.poisons {
      PoisonedBlock(addon.address).fill(words: LedgerEntry.words(state.pointee.ledger[number]))
    }
    countFree(of: number)
  }

  /// What `malloc` served, or another racer allocated, or nobody.
  @inline(never) public func freeElsewhere(_ addon: Addon) {
    if state.pointee.usesMalloc { return freeToLibrary(addon) }
    noteStray(.free, addon)
    if state.pointee.poisons, state.pointee.phase == .visiting, isBlock(addon) { freeAtLast(addon) }
  }

  /// Whether this is where some racer's pool has a block. (Which of them are handed out only their racer knows.)
  private func isBlock(_ addon: Addon) -> Bool {
    let round = state.pointee.round.pointee
    return (0..<round.racerCount).contains { racer in
      // Not from the other racer's state, which is that racer's alone.
      let pool = round.pools[racer]
      let offset = addon.address &- pool.start
      return offset < pool.bytes && offset & ((1 << state.pointee.blockShift) - 1) == 0
    }
  }

  @inlinable @inline(__always) public func countFree(of number: Int) {
    let entry = state.pointee.ledger[number]
    let isOwn = LedgerEntry.inode(entry) == inode
    state.pointee.ledger[number] =
      entry &+ (isOwn ? state.pointee.freeOfOwn : state.pointee.freeOfOther)
  }

  /// What is alive goes back to the C library at once, and its address may come again, from any racer. What is not
  /// alive is only counted.
  public func freeToLibrary(_ addon: Addon) {
    guard let number = ownNumber(of: addon), state.pointee.isAlive(number) || isOfThisVisit(number) else {
      noteStray(.free, addon)
      return
    }
    let wasAlive = state.pointee.isAlive(number)
    countFree(of: number)
    if wasAlive, !state.pointee.postponesFrees { Glibc.free(UnsafeMutableRawPointer(bitPattern: addon.address)) }
  }

  /// A second free by the visit that made it.
  public func isOfThisVisit(_ number: Int) -> Bool {
    state.pointee.phase == .visiting && LedgerEntry.inode(state.pointee.ledger[number]) == inode
  }

  /// Notes what this racer does to another's allocation: only the owner writes a ledger.
  @inline(never) public func noteStray(_ what: RecordedStray.What, _ addon: Addon) {
    if state.pointee.phase == .clearing { freeForOwner(addon) } else { addStray(what, addon) }
  }

  private func addStray(_ what: RecordedStray.What, _ addon: Addon) {
    guard state.pointee.strayCount < state.pointee.strayCapacity else { return }
    state.pointee.strays[state.pointee.strayCount] = RecordedStray(
      what, racer: state.pointee.racer, inode: Int(inode), address: addon.address, phase: state.pointee.phase)
    state.pointee.strayCount += 1
  }

  /// While one racer clears up alone, it may write the ledgers of the others.
  @inline(never) public func freeForOwner(_ addon: Addon) {
    let round = state.pointee.round
    for racer in 0..<round.pointee.racerCount where racer != state.pointee.racer {
      let owner = round.pointee.states[racer]
      let memory = RacedMemory(owner, entry: entry, inode: inode, fiber: nil)
      guard let number = memory.ownNumber(of: addon) else { continue }
      if state.pointee.usesMalloc, !owner.pointee.isAlive(number) { continue }
      owner.pointee.enter(.clearing)
      memory.free(addon)
      return
    }
    addStray(.free, addon)
  }
}

// MARK: Locks

extension RacedMemory {
  @inlinable @inline(__always) public func lock(_ lock: Lock) {
    if tryLock(lock) != Lock.unlocked { lockPatiently(lock) }
    state.pointee.tookLock()
  }

  @inlinable @inline(__always) public func unlock(_ lock: Lock) {
    store(lock.word, Lock.unlocked, .releasing)
    state.pointee.gaveLockBack()
  }

  @inlinable @inline(__always) public func lock(_ mutex: SleepingLock) {
    if tryLock(mutex.lock) != Lock.unlocked { lockPatiently(mutex.lock) }
    state.pointee.tookMutex()
  }

  @inlinable @inline(__always) public func unlock(_ mutex: SleepingLock) {
    store(mutex.lock.word, Lock.unlocked, .releasing)
    state.pointee.gaveMutexBack()
  }

  @inlinable @inline(__always) public func lock(_ lock: ReadersWriterLock) {
    if tryLock(lock) != ReadersWriterLock.unlocked {
      waitPatiently(at: lock.word, unlocked: ReadersWriterLock.unlocked) { memory in
        let found = memory.tryLock(lock)
        return (found == ReadersWriterLock.unlocked, ReadersWriterLock.readers(UInt64(found)) != nil, found)
      }
    }
    state.pointee.tookLock()
  }

  @inlinable @inline(__always) public func unlock(_ lock: ReadersWriterLock) {
    giveBack(lock)
    state.pointee.gaveLockBack()
  }

  @inlinable @inline(__always) public func lockShared(_ lock: ReadersWriterLock) {
    let found = tryLockShared(lock)
    if found & ReadersWriterLock.writer != 0 || ReadersWriterLock.readers(UInt64(found)) == nil {
      waitPatiently(at: lock.word, unlocked: ReadersWriterLock.unlocked) { memory in
        let found = memory.tryLockShared(lock)
        let isLock = ReadersWriterLock.readers(UInt64(found)) != nil
        return (isLock && found & ReadersWriterLock.writer == 0, isLock, found)
      }
    }
    state.pointee.tookLock()
  }

  @inlinable @inline(__always) public func unlockShared(_ lock: ReadersWriterLock) {
    giveBackShare(of: lock)
    state.pointee.gaveLockBack()
  }

  @inline(never) public func lockPatiently(_ lock: Lock) {
    let inodeOfVisit = state.pointee.round.pointee.inode(Int(inode))
    if lock == inodeOfVisit.lock { entry.pointee |= LogWord.sawNull }
    waitPatiently(at: lock.word, unlocked: Lock.unlocked) { memory in
      let found = memory.load(lock.word, .relaxed)
      if found == Lock.unlocked { return (memory.tryLock(lock) == Lock.unlocked, true, found) }
      return (false, found == Lock.locked, found)
    }
  }

  /// Tries until it has the lock, or finds that there is none, or the run is given up.
  @inline(never) public func waitPatiently(
    at word: Word32, unlocked: UInt32, _ attempt: (RacedMemory) -> (hasIt: Bool, isLock: Bool, found: UInt32)
  ) {
    var turns = 0
    while true {
      let (hasIt, isLock, found) = attempt(self)
      if hasIt { return }
      if !isLock {
        // Nobody initialised it, or it is gone: waiting for it would never end.
        violated(.initialised, seen: UInt64(found), expected: UInt64(unlocked), at: word.address)
        return
      }
      turns &+= 1
      if turns <= state.pointee.meeting.spins {
        cthreads_pause()
      } else {
        if catomics_load_relaxed_64(state.pointee.meeting.abandoned) != 0 { return }
        cthreads_yield()
      }
    }
  }
}

// MARK: Grace periods

extension RacedMemory {
  @inlinable @inline(__always) public func enterReadSection(_ domain: ReadDomain) {
    if state.pointee.phase.isQuiescent { return }
    if !state.pointee.names(domain) { return state.pointee.exceed(.domains) }
    state.pointee.entered(domain)
    state.pointee.sections.enter(domain, as: state.pointee.racer)
  }

  @inlinable @inline(__always) public func leaveReadSection(_ domain: ReadDomain) {
    if state.pointee.phase.isQuiescent || !state.pointee.names(domain) { return }
    state.pointee.sections.leave(domain, as: state.pointee.racer)
    state.pointee.left(domain)
  }

  @inline(never) public func synchronize(_ gracePeriod: GracePeriod) {
    if state.pointee.phase.isQuiescent { return }
    if state.pointee.locksHeld != 0 {
      violated(.mayNotSleep, seen: UInt64(state.pointee.locksHeld), expected: 0, at: 0)
    }
    if !state.pointee.names(gracePeriod) { return state.pointee.exceed(.domains) }
    let meeting = state.pointee.meeting
    state.pointee.sections.synchronize(gracePeriod, spins: meeting.spins) {
      catomics_load_relaxed_64(meeting.abandoned) != 0
    }
  }

  /// Counts as this visit's free at once, and takes place later.
  @inline(never) public func freeAfterGracePeriod(_ addon: Addon, _ gracePeriod: GracePeriod) {
    if state.pointee.phase.isQuiescent { return free(addon) }
    state.pointee.deferredCount += 1
    if state.pointee.deferredCount > state.pointee.mostDeferred { return state.pointee.exceed(.deferredFreesPerVisit) }
    if !state.pointee.names(gracePeriod) { return state.pointee.exceed(.domains) }
    let frees = state.pointee.deferredFrees + gracePeriod.number
    if let number = poolNumber(of: addon) {
      countFree(of: number)
    } else if state.pointee.usesMalloc, let number = ownNumber(of: addon) {
      guard state.pointee.isAlive(number) else { return noteStray(.free, addon) }
      countFree(of: number)
    } else {
      noteStray(.free, addon)
      // What `malloc` served another racer goes with what is left of that one's round.
      if state.pointee.usesMalloc || !isBlock(addon) { return }
    }
    frees.pointee.add(addon, in: self)
  }

  /// The end of a grace period: the block goes.
  @inlinable @inline(__always) public func freeAtLast(_ addon: Addon) {
    if state.pointee.usesMalloc {
      if !state.pointee.postponesFrees { Glibc.free(UnsafeMutableRawPointer(bitPattern: addon.address)) }
    } else if state.pointee.wantsPoison {
      PoisonedBlock(addon.address).fill(words: (1 << Int(state.pointee.blockShift)) / 8)
    }
  }
}

// MARK: Windows

extension RacedMemory {
  @inlinable @inline(__always) public func window() { openWindow() }

  /// The shape acts. Never a switch or a wait while a lock is held: there it only delays; and inside a section no wait
  /// without an end.
  @inlinable @inline(__always) public func openWindow() {
    let window = state.pointee.window
    if window == .none { return }
    if window == .pipeline, !state.pointee.isPinned {
      let here = fiber.unsafelyUnwrapped
      cfiber_switch(here, here.pointee.next)
      return
    }
    actInWindow(window)
  }

  @inline(never) public func actInWindow(_ window: Window) {
    if state.pointee.isInSectionOnly { return actInSection() }
    if state.pointee.isPinned { return spin(instructions: 200) }
    switch window {
    case .none, .pipeline: break
    case .delay: spin(instructions: state.pointee.delay)
    case .yield: cthreads_yield()
    case .meet:
      let (meeting, ticket) = (state.pointee.meeting, state.pointee.ticket)
      meeting.announce(ticket)
      state.pointee.patience.wait(for: ticket, at: meeting, afterWinning: hasWonBefore)
      state.pointee.ticket = state.pointee.lastTicket
    }
  }

  /// Nobody waits in a section for what may wait for its end: a racer meets others there for a moment, or stays a while.
  private func actInSection() {
    state.pointee.windowsInSections &+= 1
    if state.pointee.staysInSection() {
      state.pointee.meeting.lingerUntilOthersAdvance()
    } else if state.pointee.meetsInSections {
      state.pointee.meeting.awaitCompany(
        inVisit: UInt64(state.pointee.roundNumber) << 16 | UInt64(inode) &+ 1)
    } else {
      spin(instructions: 200)
    }
  }

  /// Whether this racer populated the same slot of the inode before.
  private var hasWonBefore: Bool {
    inode > 0 && (entry - state.pointee.slotCount).pointee & LogWord.published != 0
  }
}

// MARK: Witness

extension RacedMemory {
  @inlinable public var racer: Int { @inline(__always) get { state.pointee.racer } }

  @inlinable @inline(__always) public func at(_ slot: Int) -> RacedMemory {
    if UInt(bitPattern: slot) >= UInt(bitPattern: state.pointee.slotCount) {
      state.pointee.exceed(.slotCount)
      return self
    }
    return RacedMemory(state, entry: entry + slot, inode: inode, fiber: fiber)
  }

  @inlinable @inline(__always) public func began() -> OperationStart { OperationStart(moment: cthreads_ticks_before()) }

  /// Everything that the operation wrote has left the store buffer by its end, so that the moments are an order that
  /// others can see.
  @inlinable @inline(__always) public func ended(_ start: OperationStart, _ result: HistoryResult) {
    if state.pointee.phase.isQuiescent { return }
    let count = state.pointee.historyCount
    state.pointee.historyCount = count &+ 1
    guard count < state.pointee.historyCapacity else { return }
    catomics_fence_seq_cst()
    let slot = (UInt(bitPattern: entry) &- UInt(bitPattern: firstEntry)) >> 3
    state.pointee.history[count] = RawHistoryEntry(
      begin: start.moment, end: cthreads_ticks_after(), result, inode: inode, slot: UInt32(truncatingIfNeeded: slot))
  }

  /// The visit's first word in the log.
  @inlinable var firstEntry: UnsafeMutablePointer<UInt64> {
    state.pointee.round.pointee.logs[state.pointee.racer] + Int(inode) &* state.pointee.slotCount
  }

  @inlinable @inline(__always) public func report(_ report: Report) {
    switch report {
    case .success(let addon): note(LogWord.success | (Addon.bits(addon) & LogWord.address))
    case .failure: note(LogWord.failure)
    case .absent: note(LogWord.absent)
    case .again: note(LogWord.again)
    }
  }

  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word64, holds value: UInt64, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    let seen = read(word)
    if seen == value { return true }
    violated(promise, seen: seen, expected: value, at: word.address, sentence)
    return false
  }

  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word32, holds value: UInt32, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    let seen = read(word)
    if seen == value { return true }
    violated(promise, seen: UInt64(seen), expected: UInt64(value), at: word.address, sentence)
    return false
  }

  @inline(never)
  public func violated(
    _ promise: Promise, seen: UInt64, expected: UInt64, at address: UInt, _ sentence: StaticString?
  ) {
    let count = state.pointee.observationCount
    state.pointee.observationCount = count + 1
    guard count < RacerState.observationCapacity else { return }
    state.pointee.observations[count] = RecordedObservation(
      promise: promise, sentence: sentence, phase: state.pointee.phase, racer: state.pointee.racer,
      inode: inode == .max ? nil : Int(inode), seen: seen, expected: expected, address: address)
  }

  @inlinable @inline(__always) @discardableResult
  public func slotShows(_ addon: Addon?, slot: Int) -> Addon? {
    guard UInt(bitPattern: slot) < UInt(bitPattern: state.pointee.slotCount) else {
      state.pointee.exceed(.slotCount)
      return nil
    }
    state.pointee.finals[Int(inode) &* state.pointee.slotCount &+ slot] = Addon.bits(addon)
    // What nobody allocated cannot be looked into.
    guard let addon, ownNumber(of: addon) != nil || isAllocation(addon) else { return nil }
    return addon
  }

  /// Whether any racer allocated this in this round.
  @inline(never) public func isAllocation(_ addon: Addon) -> Bool {
    let round = state.pointee.round.pointee
    for racer in 0..<round.racerCount {
      let memory = RacedMemory(round.states[racer], entry: entry, inode: inode, fiber: nil)
      if memory.ownNumber(of: addon) != nil { return true }
    }
    return false
  }

  @inline(never) public func linked(_ addon: Addon) {
    guard state.pointee.phase == .visiting else { return }
    if let number = ownNumber(of: addon) {
      LedgerEntry.addLink(&state.pointee.ledger[number])
    } else {
      noteStray(.link, addon)
    }
  }

  public func ownedByVisibleAddon(_ addon: Addon) {
    let round = state.pointee.round
    guard round.pointee.hangingCount < round.pointee.linkCapacity else { return }
    round.pointee.hanging[round.pointee.hangingCount] = UInt64(addon.address)
    round.pointee.hangingCount += 1
  }

  public func reachThroughList(_ addon: Addon) -> Bool {
    let round = state.pointee.round
    guard round.pointee.linkCount < round.pointee.linkCapacity else { return false }
    round.pointee.links[round.pointee.linkCount] = UInt64(addon.address)
    round.pointee.linkCount += 1
    return true
  }

  public func successes(ofRole role: Int) -> Int {
    let round = state.pointee.round.pointee
    var successes = 0
    for racer in 0..<round.racerCount where Int(round.roles[racer]) == role {
      let word = round.logs[racer][Int(inode) * round.slotCount]
      if word & LogWord.success != 0 { successes += 1 }
    }
    return successes
  }

  public func populations(ofSlot slot: Int) -> Int {
    let round = state.pointee.round.pointee
    var populated = 0
    for inode in 0..<round.inodeCount where state.pointee.finals[inode * round.slotCount + slot] != 0 {
      populated += 1
    }
    return populated
  }

  public func bug(_ why: StaticString) -> Never { fatalError("BUG: \(why)") }
}
