import AddonMemory
import Addons
import ExploreCore
import RaceModel
import Recording

/// The memory of explored code: hands each operation to the explorer, and notes what the stress engine notes too.
///
/// A trivial value. Outside the race, for `create`, `inspect` and `tearDown`, operations act on the words themselves.
public struct ExploredMemory: Memory {
  let execution: Execution
  let site: UnsafeMutablePointer<SiteState>
  /// The number of racers stands for nobody's visit.
  public let racer: Int
  let inode: Int
  let slot: Int

  init(_ execution: Execution, _ site: UnsafeMutablePointer<SiteState>, racer: Int, inode: Int, slot: Int = 0) {
    self.execution = execution
    self.site = site
    self.racer = racer
    self.inode = inode
    self.slot = slot
  }

  private var isVisiting: Bool { site.pointee.phase == .visiting }

  /// This operation's word in the log.
  private var entry: UnsafeMutablePointer<UInt64> {
    site.pointee.logs + (racer * site.pointee.inodeCount + inode) * site.pointee.slotCount + slot
  }
}

// MARK: Slots

extension ExploredMemory {
  @inline(never) public func load(_ slot: Slot, _ ordering: LoadOrdering) -> Addon? {
    noteLook(slot)
    return Addon(bits: execution.load(racer, slot.word.address, 8, EventOrdering(ordering)))
  }

  @inline(never) public func store(_ slot: Slot, _ addon: Addon?, _ ordering: StoreOrdering) {
    noteAddress(of: slot)
    execution.store(racer, slot.word.address, 8, Addon.bits(addon), EventOrdering(ordering))
    notePublication(of: addon)
  }

  @inline(never) public func exchange(_ slot: Slot, _ addon: Addon?, _ ordering: UpdateOrdering) -> Addon? {
    noteAddress(of: slot)
    let ordering = EventOrdering(ordering)
    let found = execution.update(
      racer, slot.word.address, 8, .exchange, operand: Addon.bits(addon), ordering, failure: ordering)
    notePublication(of: addon)
    return Addon(bits: found)
  }

  @inline(never)
  public func compareExchange(
    _ slot: Slot, _ expected: Addon?, _ desired: Addon?, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> Exchanged {
    noteAddress(of: slot)
    let found = execution.update(
      racer, slot.word.address, 8, .compareExchange, expected: Addon.bits(expected), operand: Addon.bits(desired),
      EventOrdering(ordering), failure: EventOrdering(failure))
    guard found == Addon.bits(expected) else { return .lost(Addon(bits: found)) }
    notePublication(of: desired)
    return .won
  }

  @inline(never) public func weakCompareExchange(_ slot: Slot, _ expected: Addon?, _ desired: Addon?) -> Exchanged {
    if execution.choose(racer, .weakUpdate) {
      return .lost(Addon(bits: execution.load(racer, slot.word.address, 8, .acquires)))
    }
    return compareExchange(slot, expected, desired, .acquiringAndReleasing, failure: .acquiring)
  }

  @inline(never) public func read(_ slot: Slot) -> Addon? {
    noteLook(slot)
    return Addon(bits: execution.readPlain(racer, slot.word.address, 8))
  }

  private func notePublication(of addon: Addon?) {
    guard let addon, isVisiting else { return }
    entry.pointee |= LogWord.published
    if let block = execution.block(at: addon.address) { execution.blocks[block].note &+= LedgerEntry.published }
  }

  /// Whoever has been refused an allocation has looked again.
  private func noteLook(_ slot: Slot) {
    guard isVisiting else { return }
    entry.pointee &= ~LogWord.populatedWhenRefused
    noteAddress(of: slot)
  }

  /// Where a slot of the site lies, for the trace and for what is judged afterwards.
  private func noteAddress(of slot: Slot) {
    guard isVisiting else { return }
    let known = site.pointee.slotAddresses + (inode * site.pointee.slotCount + self.slot)
    known.pointee = known.pointee == 0 || known.pointee == slot.word.address ? slot.word.address : SiteState.isMoving
    execution.state.pointee.trace?.name(slot.word.address, slot: self.slot, inode: inode)
  }
}

// MARK: Words of 64 bits

extension ExploredMemory {
  @inline(never) public func load(_ word: Word64, _ ordering: LoadOrdering) -> UInt64 {
    execution.load(racer, word.address, 8, EventOrdering(ordering))
  }
  @inline(never) public func store(_ word: Word64, _ value: UInt64, _ ordering: StoreOrdering) {
    execution.store(racer, word.address, 8, value, EventOrdering(ordering))
  }
  @inline(never) public func exchange(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .exchange, value, ordering)
  }
  @inline(never)
  public func compareExchange(
    _ word: Word64, _ expected: UInt64, _ desired: UInt64, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt64 {
    execution.update(
      racer, word.address, 8, .compareExchange, expected: expected, operand: desired, EventOrdering(ordering),
      failure: EventOrdering(failure))
  }
  @inline(never) public func fetchAdd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .add, value, ordering)
  }
  @inline(never) public func fetchOr(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .or, value, ordering)
  }
  @inline(never) public func fetchAnd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .and, value, ordering)
  }
  private func update(_ word: Word64, _ kind: Event.ReadKind, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    let ordering = EventOrdering(ordering)
    return execution.update(racer, word.address, 8, kind, operand: value, ordering, failure: ordering)
  }
  @inline(never) public func read(_ word: Word64) -> UInt64 { execution.readPlain(racer, word.address, 8) }
  @inline(never) public func write(_ word: Word64, _ value: UInt64) {
    execution.writePlain(racer, word.address, 8, value)
  }
}

// MARK: Words of 32 bits

extension ExploredMemory {
  @inline(never) public func load(_ word: Word32, _ ordering: LoadOrdering) -> UInt32 {
    UInt32(truncatingIfNeeded: execution.load(racer, word.address, 4, EventOrdering(ordering)))
  }
  @inline(never) public func store(_ word: Word32, _ value: UInt32, _ ordering: StoreOrdering) {
    execution.store(racer, word.address, 4, UInt64(value), EventOrdering(ordering))
  }
  @inline(never) public func exchange(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .exchange, value, ordering)
  }
  @inline(never)
  public func compareExchange(
    _ word: Word32, _ expected: UInt32, _ desired: UInt32, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt32 {
    UInt32(
      truncatingIfNeeded: execution.update(
        racer, word.address, 4, .compareExchange, expected: UInt64(expected), operand: UInt64(desired),
        EventOrdering(ordering), failure: EventOrdering(failure)))
  }
  @inline(never) public func fetchAdd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .add, value, ordering)
  }
  @inline(never) public func fetchOr(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .or, value, ordering)
  }
  @inline(never) public func fetchAnd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .and, value, ordering)
  }
  private func update(_ word: Word32, _ kind: Event.ReadKind, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    let ordering = EventOrdering(ordering)
    return UInt32(
      truncatingIfNeeded: execution.update(
        racer, word.address, 4, kind, operand: UInt64(value), ordering, failure: ordering))
  }
  @inline(never) public func read(_ word: Word32) -> UInt32 {
    UInt32(truncatingIfNeeded: execution.readPlain(racer, word.address, 4))
  }
  @inline(never) public func write(_ word: Word32, _ value: UInt32) {
    execution.writePlain(racer, word.address, 4, UInt64(value))
  }
}

// MARK: Fences, heap, locks

extension ExploredMemory {
  @inline(never) public func fence(_ ordering: FenceOrdering) { execution.fence(racer, EventOrdering(ordering)) }
  @inline(never) public func pause() { execution.pause(racer) }

  @inline(never) public func block(of kind: AddonKind) -> Addon? {
    if isVisiting {
      if kind.populates { entry.pointee |= LogWord.sawNull }
      let held = site.pointee.locksHeld[racer] + depth(.rcu).pointee
      if kind.maySleep, held != 0 { violated(.mayNotSleep, seen: UInt64(held), expected: 0, at: 0) }
      if execution.choose(racer, .allocation) {
        // Whether another had installed an addon by then shows at the end; whoever looks again takes this back.
        entry.pointee |= LogWord.refused | LogWord.populatedWhenRefused
        return nil
      }
    }
    guard isWithinLimits(kind) else { return nil }
    let fill = kind.zeroed ? 0 : Poison.uninitialised
    guard let address = execution.allocate(racer, kind.size, fill: fill) else { return nil }
    execution.blocks[execution.block(of: address)].note = LedgerEntry.make(
      inode: UInt32(truncatingIfNeeded: inode), words: kind.size >> 3)
    return Addon(address: address)
  }

  /// Whether the site has declared so many allocations, and so large ones.
  private func isWithinLimits(_ kind: AddonKind) -> Bool {
    if kind.size > site.pointee.limits.biggestAddon {
      exceed(.biggestAddon)
      return false
    }
    site.pointee.allocationsInVisit[racer] += 1
    let count = site.pointee.allocationsInVisit[racer]
    switch site.pointee.phase {
    case .visiting where count > site.pointee.limits.allocationsPerVisit: exceed(.allocationsPerVisit)
    case .clearing where count > site.pointee.creationCapacity: exceed(.allocationsPerCreation)
    default: return true
    }
    return false
  }

  /// What the site declares is not enough: the exploration ends, and says so. Does not return to a racer.
  private func exceed(_ limit: SiteLimit) {
    if site.pointee.exceeded == nil { site.pointee.exceeded = limit }
    if isVisiting { execution.stop(racer, .stopped) }
  }

  @inline(never) public func free(_ addon: Addon) {
    guard let number = execution.free(racer, addon.address, poison: Poison.freed) else { return addStrayFree(addon) }
    countFree(execution.blocks + number)
  }

  private func addStrayFree(_ addon: Addon) {
    site.pointee.strays.append(
      RecordedStray(.free, racer: racer, inode: inode, address: addon.address, phase: site.pointee.phase))
  }

  private func countFree(_ block: UnsafeMutablePointer<Block>) {
    let isOwn =
      LedgerEntry.inode(block.pointee.note) == UInt32(truncatingIfNeeded: inode) && block.pointee.racer == racer
    block.pointee.note &+=
      !isVisiting
      ? LedgerEntry.freedByTeardown : isOwn ? LedgerEntry.freedByVisit : LedgerEntry.freedElsewhere
  }

  @inline(never) public func initialise(_ lock: Lock) { write(lock.word, Lock.unlocked) }

  @inline(never) public func lock(_ lock: Lock) {
    take(lock)
    if isVisiting { site.pointee.locksHeld[racer] += 1 }
  }

  @inline(never) public func unlock(_ lock: Lock) {
    release(lock)
    if isVisiting { site.pointee.locksHeld[racer] -= 1 }
  }

  @inline(never) public func lock(_ mutex: SleepingLock) { take(mutex.lock) }
  @inline(never) public func unlock(_ mutex: SleepingLock) { release(mutex.lock) }

  @inline(never) public func initialise(_ lock: ReadersWriterLock) { write(lock.word, ReadersWriterLock.unlocked) }
  @inline(never) public func lock(_ lock: ReadersWriterLock) { take(lock, shared: false) }
  @inline(never) public func lockShared(_ lock: ReadersWriterLock) { take(lock, shared: true) }

  @inline(never) public func unlock(_ lock: ReadersWriterLock) {
    execution.store(racer, lock.word.address, 4, UInt64(ReadersWriterLock.unlocked), .releases)
    if isVisiting { site.pointee.locksHeld[racer] -= 1 }
  }

  @inline(never) public func unlockShared(_ lock: ReadersWriterLock) {
    _ = fetchAdd(lock.word, .max, .releasing)
    if isVisiting { site.pointee.locksHeld[racer] -= 1 }
  }

  private func take(_ lock: ReadersWriterLock, shared: Bool) {
    let found = execution.lock(
      racer, lock.word.address, unlocked: UInt64(ReadersWriterLock.unlocked), shared: shared)
    if ReadersWriterLock.readers(found) == nil {
      violated(.initialised, seen: found, expected: UInt64(ReadersWriterLock.unlocked), at: lock.word.address)
    }
    if isVisiting { site.pointee.locksHeld[racer] += 1 }
  }

  private func take(_ lock: Lock) {
    let found = execution.lock(
      racer, lock.word.address, 4, unlocked: UInt64(Lock.unlocked), locked: UInt64(Lock.locked))
    if found != UInt64(Lock.unlocked) {
      // Nobody initialised it, or it is gone: waiting for it would never end.
      violated(.initialised, seen: found, expected: UInt64(Lock.unlocked), at: lock.word.address)
    }
  }

  private func release(_ lock: Lock) {
    execution.store(racer, lock.word.address, 4, UInt64(Lock.unlocked), .releases)
  }
}

// MARK: Grace periods

extension ExploredMemory {
  /// The site's own number of a domain; nil, and the end of the exploration, where its description does not name it.
  private func number(of domain: ReadDomain) -> Int? {
    if let number = site.pointee.domains.firstIndex(of: domain) { return number }
    exceed(.domains)
    return nil
  }

  private func place(_ domain: Int) -> Int { domain * site.pointee.racerCount + racer }

  /// How deep the racer is in sections of RCU, which is every site's first domain.
  private func depth(_ domain: ReadDomain) -> UnsafeMutablePointer<Int> {
    site.pointee.depths + place(site.pointee.domains.firstIndex(of: domain) ?? 0)
  }

  private func sectionWord(_ domain: Int) -> UInt { site.pointee.sectionWords + UInt(8 * place(domain)) }

  private func nextSection(_ domain: Int) -> UInt64 {
    let count = site.pointee.sections + place(domain)
    count.pointee += 1
    return count.pointee
  }

  @inline(never) public func enterReadSection(_ domain: ReadDomain) {
    guard isVisiting, let number = number(of: domain) else { return }
    let depth = site.pointee.depths + place(number)
    depth.pointee += 1
    guard depth.pointee == 1 else { return }
    execution.beginSection(racer, word: sectionWord(number), value: nextSection(number))
  }

  @inline(never) public func leaveReadSection(_ domain: ReadDomain) {
    guard isVisiting, let number = number(of: domain) else { return }
    let depth = site.pointee.depths + place(number)
    depth.pointee -= 1
    guard depth.pointee == 0 else { return }
    execution.endSection(racer, word: sectionWord(number), value: nextSection(number))
  }

  @inline(never) public func synchronize(_ gracePeriod: GracePeriod) {
    guard isVisiting else { return }
    let held = site.pointee.locksHeld[racer] + (gracePeriod.isAbout(.rcu) ? 0 : depth(.rcu).pointee)
    if held != 0 { violated(.mayNotSleep, seen: UInt64(held), expected: 0, at: 0) }
    wait(for: gracePeriod)
  }

  private func wait(for gracePeriod: GracePeriod) {
    let racers = site.pointee.racerCount
    var first = 0
    var count = site.pointee.domains.count
    if gracePeriod != .everyDomain {
      guard let number = site.pointee.domains.firstIndex(where: gracePeriod.isAbout) else { return exceed(.domains) }
      (first, count) = (number, 1)
    }
    execution.gracePeriod(
      racer, words: site.pointee.sectionWords + UInt(8 * first * racers), count: count * racers)
  }

  /// A racer of its own frees it, after a grace period.
  @inline(never) public func freeAfterGracePeriod(_ addon: Addon, _ gracePeriod: GracePeriod) {
    guard isVisiting else { return free(addon) }
    guard let block = execution.block(at: addon.address) else { return addStrayFree(addon) }
    countFree(execution.blocks + block)
    let number = site.pointee.deferredCounts[racer]
    site.pointee.deferredInVisit[racer] += 1
    guard number < site.pointee.deferralsPerRacer,
      site.pointee.deferredInVisit[racer] <= site.pointee.limits.deferredFreesPerVisit
    else { return exceed(.deferredFreesPerVisit) }
    site.pointee.deferred[racer * site.pointee.deferralsPerRacer + number] = .init(
      address: addon.address, gracePeriod: gracePeriod)
    site.pointee.deferredCounts[racer] = number + 1
    execution.record(racer, .defer, addon.address, 0, UInt64(addon.address), .isPlain)
    execution.store(
      racer, deferralWord(racer * site.pointee.deferralsPerRacer + number), 8, SiteState.isDeferred, .releases)
  }

  private func deferralWord(_ number: Int) -> UInt { site.pointee.deferralWords + UInt(8 * number) }

  /// The racer hands over nothing more.
  func endDeferring() {
    var number = site.pointee.deferredCounts[racer]
    while number < site.pointee.deferralsPerRacer {
      let word = deferralWord(racer * site.pointee.deferralsPerRacer + number)
      execution.store(racer, word, 8, SiteState.isNone, .releases)
      number += 1
    }
  }

  /// Does one deferred free, if its racer leaves one.
  func freeDeferred(number: Int) {
    if execution.waitWhileOdd(racer, deferralWord(number)) == SiteState.isNone { return }
    let deferred = site.pointee.deferred[number]
    wait(for: deferred.gracePeriod)
    _ = execution.free(racer, deferred.address, poison: Poison.freed)
  }
}

// MARK: Witness

extension ExploredMemory {
  @inline(never) public func began() -> OperationStart {
    OperationStart(moment: isVisiting ? UInt64(execution.state.pointee.racers[racer].done) : 0)
  }

  @inline(never) public func ended(_ start: OperationStart, _ result: HistoryResult) {
    guard isVisiting else { return }
    let (kind, addon) = HistoryEntry.Kind.of(result)
    site.pointee.history.append(
      RecordedOperation(
        racer: racer, inode: inode, slot: slot, kind: kind, address: addon?.address ?? 0, begin: start.moment,
        end: UInt64(execution.state.pointee.racers[racer].done)))
  }

  public func at(_ slot: Int) -> ExploredMemory {
    if !(0..<site.pointee.slotCount).contains(slot) {
      exceed(.slotCount)
      return self
    }
    return ExploredMemory(execution, site, racer: racer, inode: inode, slot: slot)
  }

  @inline(never) public func report(_ report: Report) {
    guard isVisiting else { return }
    switch report {
    case .success(let addon): entry.pointee |= LogWord.success | (Addon.bits(addon) & LogWord.address)
    case .failure: entry.pointee |= LogWord.failure
    case .absent: entry.pointee |= LogWord.absent
    case .again: entry.pointee |= LogWord.again
    }
  }

  @inline(never) @discardableResult
  public func expect(_ word: Word64, holds value: UInt64, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    check(read(word), value, promise, word.address, sentence)
  }

  @inline(never) @discardableResult
  public func expect(_ word: Word32, holds value: UInt32, _ promise: Promise, _ sentence: StaticString?) -> Bool {
    check(UInt64(read(word)), UInt64(value), promise, word.address, sentence)
  }

  private func check(
    _ seen: UInt64, _ value: UInt64, _ promise: Promise, _ address: UInt, _ sentence: StaticString?
  ) -> Bool {
    if seen == value { return true }
    violated(promise, seen: seen, expected: value, at: address, sentence)
    return false
  }

  @inline(never)
  public func violated(_ promise: Promise, seen: UInt64, expected: UInt64, at address: UInt, _ sentence: StaticString?)
  {
    if isVisiting { execution.state.pointee.trace?.markLast(racer) }
    guard site.pointee.observations.count < SiteState.mostObservations else { return }
    site.pointee.observations.append(
      RecordedObservation(
        promise: promise, sentence: sentence, phase: site.pointee.phase, racer: racer,
        inode: inode == Int(LedgerEntry.noInode) ? nil : inode,
        seen: execution.space.portable(seen), expected: execution.space.portable(expected), address: address))
  }

  @discardableResult
  public func slotShows(_ addon: Addon?, slot: Int) -> Addon? {
    guard (0..<site.pointee.slotCount).contains(slot) else {
      exceed(.slotCount)
      return nil
    }
    site.pointee.finals[inode * site.pointee.slotCount + slot] = Addon.bits(addon)
    guard let addon, execution.block(at: addon.address) != nil else { return nil }
    return addon
  }

  @inline(never) public func linked(_ addon: Addon) {
    guard isVisiting, let block = execution.block(at: addon.address) else { return }
    LedgerEntry.addLink(&execution.blocks[block].note)
  }

  @inline(never) public func ownedByVisibleAddon(_ addon: Addon) { site.pointee.hanging.append(addon.address) }

  public func reachThroughList(_ addon: Addon) -> Bool {
    let space = execution.space
    guard site.pointee.links.count < space.blocksPerRacer * (space.racers + 1) else { return false }
    site.pointee.links.append(addon.address)
    return true
  }

  public func successes(ofRole role: Int) -> Int {
    let site = site.pointee
    return (0..<site.racerCount).count { racer in
      Int(site.roles[racer]) == role
        && site.logs[(racer * site.inodeCount + inode) * site.slotCount] & LogWord.success != 0
    }
  }

  public func populations(ofSlot slot: Int) -> Int {
    let site = site.pointee
    return (0..<site.inodeCount).count { site.finals[$0 * site.slotCount + slot] != 0 }
  }

  public func window() {}

  public func bug(_ why: StaticString) -> Never {
    execution.bug(racer, why)
    fatalError("BUG: \(why)")
  }
}
