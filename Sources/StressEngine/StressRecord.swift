import RaceLoops
import RaceModel
import Recording

/// A round as its racers' states have it.
struct StressRecord: RoundRecord {
  private let plan: Plan
  private let round: UnsafeMutablePointer<RoundState>
  private let ledgers: Ledgers
  private let slotCount: Int

  /// At quiescence.
  init(_ arena: Arena, _ round: UnsafeMutablePointer<RoundState>) {
    plan = arena.plan
    self.round = round
    slotCount = plan.facts.limits.slotCount
    ledgers = Ledgers(states: (0..<plan.racerCount).map { round.pointee.states[$0] })
  }

  private var states: [UnsafeMutablePointer<RacerState>] { ledgers.states }

  var facts: SubjectFacts { plan.facts }
  var roles: [String] { plan.roleNames }
  var visitorCount: Int { plan.racerCount }
  var inodeCount: Int { plan.inodeCount }

  func word(of racer: Int, inode: Int, slot: Int) -> UInt64 { round.pointee.logs[racer][inode * slotCount + slot] }
  func final(inode: Int, slot: Int) -> UInt64 { states[0].pointee.finals[inode * slotCount + slot] }
  func allocation(at address: UInt, inode: Int?) -> Int? { ledgers.allocation(at: address, inode: inode) }
  func allocation(holding address: UInt, inode: Int?) -> Int? { ledgers.allocation(holding: address, inode: inode) }

  func forEachAllocation(_ body: (RecordedAllocation) -> Void) {
    for (racer, pointer) in states.enumerated() {
      let state = pointer.pointee
      for number in 0..<state.next {
        let entry = state.ledger[number]
        // What a sweep has torn down is not poisoned.
        let wasFreed = entry & LedgerEntry.freesByVisits != 0
        body(
          RecordedAllocation(
            entry, racer: racer, isOfCreation: number < state.firstOfVisits,
            wasWrittenAfterFree: wasFreed && state.wantsPoison && !state.usesMalloc && !state.blockIsPoisoned(number)))
      }
    }
  }

  var historyIsWhole: Bool { states.allSatisfy { $0.pointee.historyCount <= $0.pointee.historyCapacity } }

  var history: [RecordedOperation] {
    states.enumerated().flatMap { racer, state in
      (0..<min(state.pointee.historyCount, state.pointee.historyCapacity)).map { index in
        let entry = state.pointee.history[index]
        return RecordedOperation(
          racer: racer, inode: Int(entry.inode), slot: Int(entry.slot), kind: entry.kind, address: entry.address,
          begin: entry.begin, end: entry.end)
      }
    }
  }

  var observations: [RecordedObservation] {
    states.flatMap { state in
      (0..<min(state.pointee.observationCount, RacerState.observationCapacity)).map { state.pointee.observations[$0] }
    }
  }
  var strays: [RecordedStray] {
    states.flatMap { state in (0..<state.pointee.strayCount).map { state.pointee.strays[$0] } }
  }
  var links: [UInt] { (0..<round.pointee.linkCount).map { UInt(round.pointee.links[$0]) } }
  var hanging: [UInt] { (0..<round.pointee.hangingCount).map { UInt(round.pointee.hanging[$0]) } }
}

/// All racers' ledgers of a round, numbered through: finds allocations by address.
private struct Ledgers {
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
