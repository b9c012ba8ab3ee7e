import AddonMemory
import Addons
import RaceLoops
import RaceModel
import Recording

/// Takes a round as evidence, tears down what is left of it, and puts it back into its first state. One racer does it
/// alone while the others wait.
struct RoundCollecting {
  let arena: Arena
  let round: UnsafeMutablePointer<RoundState>
  private let limits: SiteLimits
  private var racers: Range<Int> { 0..<arena.plan.racerCount }

  init(_ arena: Arena, buffer: Int) {
    self.arena = arena
    round = arena.rounds[buffer]
    limits = arena.plan.facts.limits
  }

  private func state(_ racer: Int) -> UnsafeMutablePointer<RacerState> { round.pointee.states[racer] }

  /// The round's evidence, and what it counts. Afterwards nothing of the round is left.
  func take() -> (Evidence, Tally, winsByRacer: [Int]) {
    let evidence = collect()
    let (tally, winsByRacer) = RoundCounting(evidence, slotCount: limits.slotCount, racerCount: racers.count).counts
    startAfresh()
    return (evidence, tally, winsByRacer)
  }

  private func collect() -> Evidence {
    inspect()
    var assembly = EvidenceAssembly(StressRecord(arena, round), round: state(0).pointee.roundNumber)
    assembly.assembleVisits()
    tearDown()
    assembly.assembleHeap()
    return assembly.evidence
  }

  // MARK: Quiescence

  private func memory(for inode: UInt32) -> RacedMemory {
    let entry = inode == .max ? round.pointee.logs[0] : round.pointee.logs[0] + Int(inode) * limits.slotCount
    return RacedMemory(state(0), entry: entry, inode: inode, fiber: nil)
  }

  private func inspect() {
    for racer in racers { state(racer).pointee.window = .none }
    state(0).pointee.enter(.inspecting)
    gatherWhatSweepsFound()
    round.pointee.hangingCount = 0
    for inode in 0..<round.pointee.inodeCount where !state(0).pointee.tornDown[inode] {
      for slot in inode * limits.slotCount..<(inode + 1) * limits.slotCount { state(0).pointee.finals[slot] = 0 }
      arena.code.inspect(round.pointee.inode(inode), memory(for: UInt32(inode)))
    }
    round.pointee.linkCount = 0
    if limits.sharedSize > 0 { arena.code.inspectShared(round.pointee.shared, memory(for: .max)) }
  }

  /// Into the first racer's hands: what slots showed to the racers that have swept them.
  private func gatherWhatSweepsFound() {
    let first = state(0).pointee
    for racer in racers.dropFirst() {
      let other = state(racer).pointee
      for inode in 0..<round.pointee.inodeCount where other.tornDown[inode] {
        first.tornDown[inode] = true
        for slot in inode * limits.slotCount..<(inode + 1) * limits.slotCount {
          first.finals[slot] = other.finals[slot]
        }
      }
    }
  }

  private func tearDown() {
    // What the teardown does to the logs' words is not evidence: they have been read.
    state(0).pointee.enter(.clearing)
    for inode in 0..<round.pointee.inodeCount where !state(0).pointee.tornDown[inode] {
      guard !showsStranger(inode) else { continue }
      arena.code.tearDown(round.pointee.inode(inode), memory(for: UInt32(inode)))
    }
  }

  /// A slot with something in it that no allocation ever returned cannot be torn down by following it.
  private func showsStranger(_ inode: Int) -> Bool {
    for slot in 0..<limits.slotCount {
      let bits = state(0).pointee.finals[inode * limits.slotCount + slot]
      guard let addon = Addon(bits: bits) else { continue }
      if !memory(for: UInt32(inode)).isAllocation(addon) { return true }
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
      (round.pointee.logs[racer]).update(repeating: 0, count: round.pointee.inodeCount * limits.slotCount)
    }
    arena.create(round)
  }
}
