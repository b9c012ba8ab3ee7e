import AddonMemory
import RaceModel

/// The memory of explored code: hands each operation to the explorer, and notes what the stress engine notes too.
///
/// A trivial value. Outside the race, for `create`, `inspect` and `tearDown`, operations act on the words themselves.
struct ExploredMemory: Memory {
  let execution: Execution
  let site: UnsafeMutablePointer<SiteState>
  /// The number of racers stands for nobody's visit.
  let racer: Int
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

/// What is noted of one execution of a site. Unsafe: belongs to the `SiteProgram`.
struct SiteState {
  enum Phase { case creating, visiting, inspecting, clearing }
  let inodeCount: Int
  let slotCount: Int
  let racerCount: Int
  /// By racer, inode and slot, as the stress engine's.
  let logs: UnsafeMutablePointer<UInt64>
  let roles: UnsafeMutablePointer<UInt8>
  /// By racer: the read-side section inside which it makes its visits.
  let callersSections: UnsafeMutablePointer<ReadDomain?>
  let locksHeld: UnsafeMutablePointer<Int>
  /// By inode and slot: what it shows at quiescence.
  let finals: UnsafeMutablePointer<UInt64>
  var phase = Phase.creating
  var observations: [RawObservation] = []
  var links: [UInt] = []
  var hanging: [UInt] = []
  var badFrees: [BadFree] = []
  /// How deep each racer is in sections of each domain, and how many it has begun.
  let depths: UnsafeMutablePointer<Int>
  let sections: UnsafeMutablePointer<UInt64>
  /// The words of sections, by domain and racer, and those of deferred frees, by racer: what exists from the start.
  var sectionWords: UInt = 0
  var deferralWords: UInt = 0
  let deferralsPerRacer: Int
  /// What each racer has handed over to be freed, and after what.
  let deferred: UnsafeMutablePointer<Deferred>
  let deferredCounts: UnsafeMutablePointer<Int>
  var history: [RawHistory] = []
  /// By inode and slot: where it lies, once somebody has looked.
  let slotAddresses: UnsafeMutablePointer<UInt>
  /// By racer and inode: its events when the visit began; at the end of each racer's row, when its last one ended.
  let visitStarts: UnsafeMutablePointer<Int32>

  struct Deferred {
    var address: UInt
    var gracePeriod: GracePeriod
  }

  /// An operation of a site's history, from the racer's event `begin` to before its event `end`.
  struct RawHistory {
    var racer: Int
    var inode: Int
    var slot: Int
    var kind: HistoryEntry.Kind
    var address: UInt
    var begin: UInt64
    var end: UInt64
  }

  struct RawObservation {
    var expectation: AddonMemory.Expectation
    var phase: Phase
    var racer: Int
    var inode: Int
    var seen: UInt64
    var expected: UInt64
    var address: UInt
  }
}

// MARK: Slots

extension ExploredMemory {
  @inline(never) func load(_ slot: Slot, _ ordering: LoadOrdering) -> Addon? {
    noteLook(slot)
    return Addon(bits: execution.load(racer, slot.word.address, 8, EventOrdering(ordering)))
  }

  @inline(never) func store(_ slot: Slot, _ addon: Addon?, _ ordering: StoreOrdering) {
    noteAddress(of: slot)
    execution.store(racer, slot.word.address, 8, Addon.bits(addon), EventOrdering(ordering))
    notePublication(of: addon)
  }

  @inline(never) func exchange(_ slot: Slot, _ addon: Addon?, _ ordering: UpdateOrdering) -> Addon? {
    noteAddress(of: slot)
    let ordering = EventOrdering(ordering)
    let found = execution.update(
      racer, slot.word.address, 8, .exchange, operand: Addon.bits(addon), ordering, failure: ordering)
    notePublication(of: addon)
    return Addon(bits: found)
  }

  @inline(never)
  func compareExchange(
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

  @inline(never) func weakCompareExchange(_ slot: Slot, _ expected: Addon?, _ desired: Addon?) -> Exchanged {
    if execution.choose(racer, .weakUpdate) {
      return .lost(Addon(bits: execution.load(racer, slot.word.address, 8, .acquires)))
    }
    return compareExchange(slot, expected, desired, .acquiringAndReleasing, failure: .acquiring)
  }

  @inline(never) func read(_ slot: Slot) -> Addon? {
    noteLook(slot)
    return Addon(bits: execution.readPlain(racer, slot.word.address, 8))
  }

  private func notePublication(of addon: Addon?) {
    guard let addon, isVisiting else { return }
    entry.pointee |= LogWord.published
    if let block = site.pointee.block(of: addon.address, execution) {
      execution.state.pointee.blocks[block].note &+= LedgerEntry.published
    }
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

extension SiteState {
  /// The block that begins at an address and was handed out in this execution.
  func block(of address: UInt, _ execution: Execution) -> Int? {
    let space = execution.state.pointee.space
    let block = space.block(of: address)
    guard block >= space.staticBlocks, space.address(ofBlock: block) == address,
      execution.state.pointee.blocks[block].state != .unused
    else { return nil }
    return block
  }
}

// MARK: Words of 64 bits

extension ExploredMemory {
  @inline(never) func load(_ word: Word64, _ ordering: LoadOrdering) -> UInt64 {
    execution.load(racer, word.address, 8, EventOrdering(ordering))
  }
  @inline(never) func store(_ word: Word64, _ value: UInt64, _ ordering: StoreOrdering) {
    execution.store(racer, word.address, 8, value, EventOrdering(ordering))
  }
  @inline(never) func exchange(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .exchange, value, ordering)
  }
  @inline(never)
  func compareExchange(
    _ word: Word64, _ expected: UInt64, _ desired: UInt64, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt64 {
    execution.update(
      racer, word.address, 8, .compareExchange, expected: expected, operand: desired, EventOrdering(ordering),
      failure: EventOrdering(failure))
  }
  @inline(never) func fetchAdd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .add, value, ordering)
  }
  @inline(never) func fetchOr(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .or, value, ordering)
  }
  @inline(never) func fetchAnd(_ word: Word64, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    update(word, .and, value, ordering)
  }
  private func update(_ word: Word64, _ update: Update, _ value: UInt64, _ ordering: UpdateOrdering) -> UInt64 {
    let ordering = EventOrdering(ordering)
    return execution.update(racer, word.address, 8, update, operand: value, ordering, failure: ordering)
  }
  @inline(never) func read(_ word: Word64) -> UInt64 { execution.readPlain(racer, word.address, 8) }
  @inline(never) func write(_ word: Word64, _ value: UInt64) { execution.writePlain(racer, word.address, 8, value) }
}

// MARK: Words of 32 bits

extension ExploredMemory {
  @inline(never) func load(_ word: Word32, _ ordering: LoadOrdering) -> UInt32 {
    UInt32(truncatingIfNeeded: execution.load(racer, word.address, 4, EventOrdering(ordering)))
  }
  @inline(never) func store(_ word: Word32, _ value: UInt32, _ ordering: StoreOrdering) {
    execution.store(racer, word.address, 4, UInt64(value), EventOrdering(ordering))
  }
  @inline(never) func exchange(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .exchange, value, ordering)
  }
  @inline(never)
  func compareExchange(
    _ word: Word32, _ expected: UInt32, _ desired: UInt32, _ ordering: UpdateOrdering, failure: LoadOrdering
  ) -> UInt32 {
    UInt32(
      truncatingIfNeeded: execution.update(
        racer, word.address, 4, .compareExchange, expected: UInt64(expected), operand: UInt64(desired),
        EventOrdering(ordering), failure: EventOrdering(failure)))
  }
  @inline(never) func fetchAdd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .add, value, ordering)
  }
  @inline(never) func fetchOr(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .or, value, ordering)
  }
  @inline(never) func fetchAnd(_ word: Word32, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    update(word, .and, value, ordering)
  }
  private func update(_ word: Word32, _ update: Update, _ value: UInt32, _ ordering: UpdateOrdering) -> UInt32 {
    let ordering = EventOrdering(ordering)
    return UInt32(
      truncatingIfNeeded: execution.update(
        racer, word.address, 4, update, operand: UInt64(value), ordering, failure: ordering))
  }
  @inline(never) func read(_ word: Word32) -> UInt32 {
    UInt32(truncatingIfNeeded: execution.readPlain(racer, word.address, 4))
  }
  @inline(never) func write(_ word: Word32, _ value: UInt32) {
    execution.writePlain(racer, word.address, 4, UInt64(value))
  }
}

// MARK: Fences, heap, locks

extension ExploredMemory {
  @inline(never) func fence(_ ordering: FenceOrdering) { execution.fence(racer, EventOrdering(ordering)) }
  @inline(never) func pause() { execution.pause(racer) }

  @inline(never) func block(of kind: AddonKind) -> Addon? {
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
    let fill = kind.zeroed ? 0 : Poison.uninitialised
    guard let address = execution.allocate(racer, kind.size, fill: fill) else { return nil }
    let block = execution.state.pointee.space.block(of: address)
    execution.state.pointee.blocks[block].note = LedgerEntry.make(inode: UInt32(inode), words: kind.size >> 3)
    return Addon(address: address)
  }

  @inline(never) func free(_ addon: Addon) {
    guard let number = execution.free(racer, addon.address, poison: Poison.freed) else {
      site.pointee.badFrees.append(BadFree(racer: racer, inode: inode, duringTeardown: !isVisiting))
      return
    }
    let block = execution.state.pointee.blocks + number
    countFree(block)
  }

  private func countFree(_ block: UnsafeMutablePointer<Block>) {
    let isOwn = LedgerEntry.inode(block.pointee.note) == UInt32(inode) && block.pointee.racer == racer
    block.pointee.note &+=
      !isVisiting
      ? LedgerEntry.freedByTeardown : isOwn ? LedgerEntry.freedByVisit : LedgerEntry.freedElsewhere
  }

  @inline(never) func initialise(_ lock: Lock) { write(lock.word, Lock.unlocked) }

  @inline(never) func lock(_ lock: Lock) {
    take(lock)
    if isVisiting { site.pointee.locksHeld[racer] += 1 }
  }

  @inline(never) func unlock(_ lock: Lock) {
    release(lock)
    if isVisiting { site.pointee.locksHeld[racer] -= 1 }
  }

  @inline(never) func lock(_ mutex: Mutex) { take(mutex.lock) }
  @inline(never) func unlock(_ mutex: Mutex) { release(mutex.lock) }

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
  private func depth(_ domain: ReadDomain) -> UnsafeMutablePointer<Int> {
    site.pointee.depths + (domain.index * site.pointee.racerCount + racer)
  }

  private func sectionWord(_ domain: ReadDomain) -> UInt {
    site.pointee.sectionWords + UInt(8 * (domain.index * site.pointee.racerCount + racer))
  }

  private func nextSection(_ domain: ReadDomain) -> UInt64 {
    let count = site.pointee.sections + (domain.index * site.pointee.racerCount + racer)
    count.pointee += 1
    return count.pointee
  }

  @inline(never) func enterReadSection(_ domain: ReadDomain) {
    guard isVisiting else { return }
    depth(domain).pointee += 1
    guard depth(domain).pointee == 1 else { return }
    execution.beginSection(racer, word: sectionWord(domain), value: nextSection(domain))
  }

  @inline(never) func leaveReadSection(_ domain: ReadDomain) {
    guard isVisiting else { return }
    depth(domain).pointee -= 1
    guard depth(domain).pointee == 0 else { return }
    execution.endSection(racer, word: sectionWord(domain), value: nextSection(domain))
  }

  @inline(never) func synchronize(_ gracePeriod: GracePeriod) {
    guard isVisiting else { return }
    let waitsForRCU = gracePeriod.domains.contains(ReadDomain.rcu.index)
    let held = site.pointee.locksHeld[racer] + (waitsForRCU ? 0 : depth(.rcu).pointee)
    if held != 0 { violated(.mayNotSleep, seen: UInt64(held), expected: 0, at: 0) }
    wait(for: gracePeriod)
  }

  private func wait(for gracePeriod: GracePeriod) {
    let racers = site.pointee.racerCount
    execution.gracePeriod(
      racer, words: site.pointee.sectionWords + UInt(8 * gracePeriod.domains.lowerBound * racers),
      count: gracePeriod.domains.count * racers)
  }

  /// A racer of its own frees it, after a grace period.
  @inline(never) func freeAfterGracePeriod(_ addon: Addon, _ gracePeriod: GracePeriod) {
    guard isVisiting else { return free(addon) }
    guard let block = site.pointee.block(of: addon.address, execution) else {
      site.pointee.badFrees.append(BadFree(racer: racer, inode: inode, duringTeardown: false))
      return
    }
    countFree(execution.state.pointee.blocks + block)
    let number = site.pointee.deferredCounts[racer]
    guard number < site.pointee.deferralsPerRacer else { return execution.tooManyDeferredFrees(racer) }
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

extension SiteState {
  /// What the word of a deferred free holds: odd as long as nobody knows.
  static var isUnknown: UInt64 { 1 }
  static var isDeferred: UInt64 { 2 }
  static var isNone: UInt64 { 4 }
  /// A slot that lies in an addon, and so in several places in turn.
  static var isMoving: UInt { .max }
}

// MARK: Witness

extension ExploredMemory {
  @inline(never) func began() -> OperationStart {
    OperationStart(moment: isVisiting ? UInt64(execution.state.pointee.racers[racer].done) : 0)
  }

  @inline(never) func ended(_ start: OperationStart, _ result: HistoryResult) {
    guard isVisiting else { return }
    let (kind, addon): (HistoryEntry.Kind, Addon?) =
      switch result {
      case .found(let addon): (.found, addon)
      case .attached(let addon): (.attached, addon)
      case .detached(let addon): (.detached, addon)
      case .absent: (.absent, nil)
      }
    site.pointee.history.append(
      SiteState.RawHistory(
        racer: racer, inode: inode, slot: slot, kind: kind, address: addon?.address ?? 0, begin: start.moment,
        end: UInt64(execution.state.pointee.racers[racer].done)))
  }

  func at(_ slot: Int) -> ExploredMemory {
    ExploredMemory(execution, site, racer: racer, inode: inode, slot: slot)
  }

  @inline(never) func report(_ report: Report) {
    guard isVisiting else { return }
    switch report {
    case .success(let addon): entry.pointee |= LogWord.success | (Addon.bits(addon) & LogWord.address)
    case .failure: entry.pointee |= LogWord.failure
    case .absent: entry.pointee |= LogWord.absent
    case .again: entry.pointee |= LogWord.again
    }
  }

  @inline(never) @discardableResult
  func expect(_ word: Word64, holds value: UInt64, _ expectation: Expectation) -> Bool {
    let seen = read(word)
    if seen == value { return true }
    violated(expectation, seen: seen, expected: value, at: word.address)
    return false
  }

  @inline(never)
  func violated(_ expectation: Expectation, seen: UInt64, expected: UInt64, at address: UInt) {
    if isVisiting { execution.state.pointee.trace?.markLast(racer) }
    guard site.pointee.observations.count < 64 else { return }
    site.pointee.observations.append(
      SiteState.RawObservation(
        expectation: expectation, phase: site.pointee.phase, racer: racer, inode: inode, seen: seen,
        expected: expected, address: address))
  }

  @discardableResult
  func reach(_ addon: Addon?, slot: Int) -> Addon? {
    site.pointee.finals[inode * site.pointee.slotCount + slot] = Addon.bits(addon)
    guard let addon, site.pointee.block(of: addon.address, execution) != nil else { return nil }
    return addon
  }

  @inline(never) func linked(_ addon: Addon) {
    guard isVisiting, let block = site.pointee.block(of: addon.address, execution) else { return }
    execution.state.pointee.blocks[block].note &+= LedgerEntry.published
  }

  @inline(never) func reachThroughAddon(_ addon: Addon) { site.pointee.hanging.append(addon.address) }

  func reachThroughList(_ addon: Addon) -> Bool {
    guard site.pointee.links.count < execution.state.pointee.space.blockCount else { return false }
    site.pointee.links.append(addon.address)
    return true
  }

  func successes(ofRole role: Int) -> Int {
    let site = site.pointee
    return (0..<site.racerCount).count { racer in
      Int(site.roles[racer]) == role
        && site.logs[(racer * site.inodeCount + inode) * site.slotCount] & LogWord.success != 0
    }
  }

  func populations(ofSlot slot: Int) -> Int {
    let site = site.pointee
    return (0..<site.inodeCount).count { site.finals[$0 * site.slotCount + slot] != 0 }
  }

  func window() {}

  func bug(_ why: StaticString) -> Never {
    execution.bug(racer, why)
    fatalError("BUG: \(why)")
  }
}
