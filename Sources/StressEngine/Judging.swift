import AddonMemory
import Addons
import RaceModel

/// Turns a round into evidence, tears down what is left of it, and puts it back into its first state. One racer does it
/// alone while the others wait.
struct Judging<S: Site> {
  let arena: Arena
  let buffer: Int
  private var round: UnsafeMutablePointer<RoundState> { arena.rounds[buffer] }
  private var racers: Range<Int> { 0..<arena.plan.racerCount }

  init(_ arena: Arena, buffer: Int) {
    self.arena = arena
    self.buffer = buffer
  }

  private func state(_ racer: Int) -> UnsafeMutablePointer<RacerState> { round.pointee.states[racer] }

  /// The round's evidence, and what it counts. Afterwards nothing of the round is left.
  func take() -> (Evidence, Tally, winsByRacer: [Int]) {
    inspect()
    var evidence = Evidence()
    evidence.round = state(0).pointee.roundNumber
    evidence.slots = arena.plan.slots
    evidence.eager = arena.plan.eager
    evidence.looksAgainAfterFailure = arena.plan.looksAgainAfterFailure
    evidence.roles = racers.map { S.Role(rawValue: arena.plan.roles[$0])?.name ?? "?" }
    evidence.inodeCount = round.pointee.inodeCount
    evidence.keepsHistory = S.keepsHistory
    let ledger = Ledger(states: racers.map { state($0) })
    addOperations(to: &evidence, ledger)
    addFinals(to: &evidence, ledger)
    addHistory(to: &evidence, ledger)
    tearDown()
    addAllocations(to: &evidence, ledger)
    addObservations(to: &evidence, ledger)
    let (tally, winsByRacer) = count(evidence)
    startAfresh()
    return (evidence, tally, winsByRacer)
  }

  /// Tears down without looking: for a run that checks nothing.
  func clear() -> (Tally, winsByRacer: [Int]) {
    inspect()
    var evidence = Evidence()
    evidence.slots = arena.plan.slots
    let ledger = Ledger(states: racers.map { state($0) })
    addOperations(to: &evidence, ledger)
    addHistory(to: &evidence, ledger)
    tearDown()
    addAllocations(to: &evidence, ledger)
    let counted = count(evidence)
    startAfresh()
    return counted
  }

  // MARK: Quiescence

  private func memory(for inode: UInt32) -> RacedMemory {
    let entry = inode == .max ? round.pointee.logs[0] : round.pointee.logs[0] + Int(inode) * S.slotCount
    return RacedMemory(state(0), entry: entry, inode: inode, fiber: nil)
  }

  private func inspect() {
    for racer in racers { state(racer).pointee.window = .none }
    state(0).pointee.enter(.inspecting)
    gatherWhatSweepsFound()
    round.pointee.hangingCount = 0
    for inode in 0..<round.pointee.inodeCount where !state(0).pointee.tornDown[inode] {
      for slot in inode * S.slotCount..<(inode + 1) * S.slotCount { state(0).pointee.finals[slot] = 0 }
      S.inspect(round.pointee.inode(inode), in: memory(for: UInt32(inode)))
    }
    round.pointee.linkCount = 0
    if S.sharedSize > 0 { S.inspectShared(at: round.pointee.shared, in: memory(for: .max)) }
  }

  /// Into the first racer's hands: what slots showed to the racers that have swept them.
  private func gatherWhatSweepsFound() {
    let first = state(0).pointee
    for racer in racers.dropFirst() {
      let other = state(racer).pointee
      for inode in 0..<round.pointee.inodeCount where other.tornDown[inode] {
        first.tornDown[inode] = true
        for slot in inode * S.slotCount..<(inode + 1) * S.slotCount { first.finals[slot] = other.finals[slot] }
      }
    }
  }

  private func tearDown() {
    // What the teardown does to the logs' words is not evidence: they have been read.
    state(0).pointee.enter(.clearing)
    for inode in 0..<round.pointee.inodeCount where !state(0).pointee.tornDown[inode] {
      guard !showsStranger(inode) else { continue }
      S.tearDown(round.pointee.inode(inode), in: memory(for: UInt32(inode)))
    }
  }

  /// A slot with something in it that no allocation ever returned cannot be torn down by following it.
  private func showsStranger(_ inode: Int) -> Bool {
    for slot in 0..<S.slotCount {
      let bits = state(0).pointee.finals[inode * S.slotCount + slot]
      guard let addon = Addon(bits: bits) else { continue }
      if !memory(for: UInt32(inode)).isAllocation(addon) { return true }
    }
    return false
  }

  // MARK: Evidence

  private func addOperations(to evidence: inout Evidence, _ ledger: Ledger) {
    evidence.operations.reserveCapacity(round.pointee.inodeCount * racers.count * S.slotCount)
    for inode in 0..<round.pointee.inodeCount {
      for slot in 0..<S.slotCount {
        for racer in racers {
          let word = round.pointee.logs[racer][inode * S.slotCount + slot]
          let operation = Operation(word, racer: racer, inode: inode, slot: slot) {
            ledger.allocation(at: $0, inode: inode)
          }
          guard let operation else { continue }
          evidence.operations.append(operation)
        }
      }
    }
  }

  private func addFinals(to evidence: inout Evidence, _ ledger: Ledger) {
    let count = round.pointee.inodeCount * S.slotCount
    evidence.finals = (0..<count).map { index in
      let bits = state(0).pointee.finals[index]
      if bits == 0 { return .empty }
      return ledger.allocation(at: UInt(bits), inode: index / S.slotCount).map { .allocation($0) } ?? .stranger(bits)
    }
  }

  private func addHistory(to evidence: inout Evidence, _ ledger: Ledger) {
    guard S.keepsHistory else { return }
    var history: [HistoryEntry] = []
    history.reserveCapacity(racers.reduce(0) { $0 + state($1).pointee.historyCount })
    for racer in racers {
      let state = state(racer).pointee
      if state.historyCount > state.historyCapacity { evidence.historyIsWhole = false }
      for index in 0..<min(state.historyCount, state.historyCapacity) {
        let entry = state.history[index]
        history.append(
          HistoryEntry(
            racer: racer, inode: Int(entry.inode), slot: Int(entry.slot), kind: entry.kind,
            allocation: entry.address == 0 ? nil : ledger.allocation(at: entry.address, inode: Int(entry.inode)),
            begin: entry.begin, end: entry.end))
      }
    }
    evidence.setHistory(history)
  }

  private func addAllocations(to evidence: inout Evidence, _ ledger: Ledger) {
    for racer in racers {
      let state = state(racer).pointee
      for number in 0..<state.next {
        let entry = state.ledger[number]
        let allocation = Allocation(entry, racer: racer)
        // What a sweep has torn down is not poisoned.
        if allocation.freedBeforeTeardown > 0, state.wantsPoison, !state.usesMalloc, !state.blockIsPoisoned(number) {
          evidence.writesAfterFree.append(evidence.allocations.count)
        }
        evidence.allocations.append(allocation)
      }
    }
    for index in 0..<round.pointee.linkCount {
      if let number = ledger.allocation(at: UInt(round.pointee.links[index]), inode: nil) {
        evidence.allocations[number].links += 1
      }
    }
    for index in 0..<round.pointee.hangingCount {
      if let number = ledger.allocation(at: UInt(round.pointee.hanging[index]), inode: nil) {
        evidence.allocations[number].hangs = true
      }
    }
    for racer in racers {
      for index in 0..<state(racer).pointee.strayCount {
        let stray = state(racer).pointee.strays[index]
        let number = ledger.allocation(at: stray.address, inode: Int(stray.inode))
        switch (stray.what, number) {
        case (.publish, let number?): evidence.allocations[number].published += 1
        case (.publish, nil): break  // the slot shows it
        case (.free, let number?): evidence.allocations[number].freedElsewhere += 1
        case (.free, nil):
          evidence.badFrees.append(
            BadFree(racer: racer, inode: Int(stray.inode), duringTeardown: stray.phase.isTeardown))
        }
      }
    }
  }

  private func addObservations(to evidence: inout Evidence, _ ledger: Ledger) {
    for racer in racers {
      let state = state(racer).pointee
      for index in 0..<min(state.observationCount, RacerState.observationCapacity) {
        let raw = state.observations[index]
        let inode = raw.inode == .max ? nil : Int(raw.inode)
        let moment: Observation.Moment =
          switch raw.phase {
          case .visiting: .visit(racer: racer, inode: inode ?? 0)
          case .inspecting: .quiescence(inode: inode)
          case .sweeping, .clearing: .teardown(inode: inode ?? 0)
          }
        evidence.observations.append(
          Observation(
            expectation: raw.expectation, moment: moment, seen: raw.seen, expected: raw.expected,
            allocation: raw.address == 0 ? nil : ledger.allocation(holding: raw.address, inode: inode)))
      }
    }
  }

  private func count(_ evidence: Evidence) -> (Tally, winsByRacer: [Int]) {
    var tally = Tally()
    var winsByRacer = [Int](repeating: 0, count: racers.count)
    var sawNull = [Int](repeating: 0, count: round.pointee.inodeCount * S.slotCount)
    var published = [Int](repeating: -1, count: sawNull.count)
    for operation in evidence.operations {
      let place = operation.inode * S.slotCount + operation.slot
      if operation.sawNull { sawNull[place] += 1 }
      if operation.published {
        winsByRacer[operation.racer] += 1
        published[place] = operation.racer
      } else if operation.sawNull, operation.report != .absent {
        tally.losers += 1
      }
      if operation.refused { tally.refusals += 1 }
    }
    if S.keepsHistory {
      tally.losers = 0
      countHistory(evidence, &tally)
    } else {
      for place in sawNull.indices where published[place] >= 0 {
        tally.populations += 1
        if sawNull[place] > 1 { tally.collisions += 1 }
      }
    }
    if S.slotCount == 1 {
      tally.stretches = 1
      for position in 1..<round.pointee.inodeCount {
        if published[position] != published[position - 1] { tally.stretches += 1 }
      }
    }
    tally.allocations = evidence.allocations.count
    tally.frees = evidence.allocations.reduce(0) { $0 + $1.freed }
    return (tally, winsByRacer)
  }

  /// Where slots go back to NULL: each attachment is a population. Another racer had seen NULL before it if it lost its
  /// own allocation, or attached it while the first was at it or after that one had gone again.
  private func countHistory(_ evidence: Evidence, _ tally: inout Tally) {
    var attached = [Int](repeating: 0, count: round.pointee.inodeCount)
    var lost = attached
    for (index, entry) in evidence.history.enumerated() {
      switch entry.kind {
      case .attached:
        attached[entry.inode] += 1
        if isOvertaken(entry, at: index, evidence.history) { lost[entry.inode] += 1 }
      case .detached: tally.detaches += 1
      case .found, .absent: break
      }
    }
    for allocation in evidence.allocations where allocation.published == 0 && allocation.freedByVisit > 0 {
      lost[allocation.inode] += 1
      tally.losers += 1
    }
    for inode in attached.indices {
      tally.populations += attached[inode]
      tally.collisions += min(attached[inode], lost[inode])
    }
  }

  /// Whether another racer was attaching to the slot when this one had done so, and did it after all. Operations on one
  /// slot are neighbours, in the order in which they began.
  private func isOvertaken(_ entry: HistoryEntry, at index: Int, _ history: [HistoryEntry]) -> Bool {
    func isOther(_ other: HistoryEntry) -> Bool {
      other.kind == .attached && other.racer != entry.racer && other.begin < entry.end && other.end > entry.end
    }
    func isHere(_ other: HistoryEntry) -> Bool { other.inode == entry.inode && other.slot == entry.slot }
    var before = index - 1
    while before >= 0, isHere(history[before]) {
      if isOther(history[before]) { return true }
      before -= 1
    }
    var after = index + 1
    while after < history.count, isHere(history[after]), history[after].begin < entry.end {
      if isOther(history[after]) { return true }
      after += 1
    }
    return false
  }

  // MARK: A new start

  private func startAfresh() {
    for racer in racers {
      let state = state(racer)
      state.pointee.freeWhatIsLeft()
      state.pointee.observationCount = 0
      state.pointee.strayCount = 0
      state.pointee.historyCount = 0
      state.pointee.forgetLocks()
      state.pointee.next = 0
      state.pointee.enter(.visiting)
      if state.pointee.usesMalloc { state.pointee.addresses.clear() }
      (round.pointee.logs[racer]).update(repeating: 0, count: round.pointee.inodeCount * S.slotCount)
    }
    Arena.create(round, slotsOf: S.self, bytes: arena.inodeBytes)
  }
}

/// All racers' ledgers of a round, numbered through.
private struct Ledger {
  let states: [UnsafeMutablePointer<RacerState>]
  let firsts: [Int]
  /// For the `malloc` heap, whose addresses come again: the one alive at quiescence, then by address and inode, then by
  /// address alone.
  private var alive: [UInt: Int] = [:]
  private var byPlace: [Place: Int] = [:]
  private var byAddress: [UInt: Int] = [:]
  private let usesMalloc: Bool

  struct Place: Hashable {
    let address: UInt
    let inode: Int
  }

  init(states: [UnsafeMutablePointer<RacerState>]) {
    self.states = states
    var first = 0
    var firsts: [Int] = []
    usesMalloc = states[0].pointee.usesMalloc
    for state in states {
      firsts.append(first)
      if usesMalloc {
        for number in 0..<state.pointee.next {
          let address = state.pointee.addressOf[number]
          byPlace[Place(address: address, inode: Int(LedgerEntry.inode(state.pointee.ledger[number])))] =
            first + number
          byAddress[address] = first + number
          if state.pointee.wasAliveAtQuiescence(number) { alive[address] = first + number }
        }
      }
      first += state.pointee.next
    }
    self.firsts = firsts
  }

  /// The allocation that begins at `address`; of several that did in this round, the one made for `inode`.
  func allocation(at address: UInt, inode: Int?) -> Int? {
    if usesMalloc {
      if let number = alive[address], inode == nil || self.inode(of: number) == inode { return number }
      if let inode, let number = byPlace[Place(address: address, inode: inode)] { return number }
      return byAddress[address]
    }
    guard let number = allocation(holding: address, inode: inode) else { return nil }
    let racer = firsts.lastIndex { $0 <= number } ?? 0
    let state = states[racer].pointee
    return address == state.blocks + UInt(number - firsts[racer]) << state.blockShift ? number : nil
  }

  private func inode(of number: Int) -> Int {
    let racer = firsts.lastIndex { $0 <= number } ?? 0
    return Int(LedgerEntry.inode(states[racer].pointee.ledger[number - firsts[racer]]))
  }

  /// The allocation that `address` lies in.
  func allocation(holding address: UInt, inode: Int?) -> Int? {
    for (state, first) in zip(states, firsts) {
      let state = state.pointee
      if usesMalloc {
        for number in 0..<state.next {
          let start = state.addressOf[number]
          let isInside = address >= start && address < start + UInt(LedgerEntry.words(state.ledger[number]) * 8)
          if isInside, inode == nil || Int(LedgerEntry.inode(state.ledger[number])) == inode { return first + number }
        }
      } else {
        let number = Int(bitPattern: (address &- state.blocks) >> state.blockShift)
        if UInt(bitPattern: number) < UInt(bitPattern: state.next) { return first + number }
      }
    }
    return nil
  }
}
