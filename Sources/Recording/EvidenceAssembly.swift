import RaceModel

/// Makes evidence of what an engine recorded: in one place, so that a checker sees the same of every engine.
///
/// First `assembleVisits`, at quiescence, as long as what slots show is still there; then, after the teardown,
/// `assembleHeap`.
public struct EvidenceAssembly<Record: RoundRecord> {
  private let record: Record
  public private(set) var evidence: Evidence

  public init(_ record: Record, round: Int) {
    self.record = record
    evidence = Evidence()
    evidence.round = round
    evidence.slots = record.facts.site.slots
    evidence.eager = record.facts.site.eager
    evidence.looksAgainAfterFailure = record.facts.strategy.looksAgainAfterFailure
    evidence.keepsHistory = record.facts.keepsHistory
    evidence.roles = record.roles
    evidence.inodeCount = record.inodeCount
    evidence.finals = Array(repeating: .empty, count: record.inodeCount * evidence.slots.count)
  }

  /// What visits did and learnt, and what slots show.
  public mutating func assembleVisits() {
    addFinals()
    addOperations()
    addHistory()
  }

  /// What became of each allocation, and what was seen on the way.
  public mutating func assembleHeap() {
    addAllocations()
    addStrays()
    addObservations()
  }

  /// Of an execution that did not come to its end: what was seen on the way, and no more.
  public mutating func assembleWithoutAnEnd() {
    addObservations()
    for index in evidence.observations.indices { evidence.observations[index].allocation = nil }
    for index in evidence.mishaps.indices { evidence.mishaps[index].allocation = nil }
  }

  private var slots: Range<Int> { evidence.slots.indices }

  private mutating func addFinals() {
    for inode in 0..<record.inodeCount {
      for slot in slots {
        let address = record.final(inode: inode, slot: slot)
        guard address != 0 else { continue }
        evidence.finals[inode * slots.count + slot] =
          record.allocation(at: UInt(address), inode: inode).map { .allocation($0) } ?? .stranger(address)
      }
    }
  }

  private mutating func addOperations() {
    evidence.operations.reserveCapacity(record.inodeCount * record.visitorCount * slots.count)
    for inode in 0..<record.inodeCount {
      for slot in slots {
        for racer in 0..<record.visitorCount {
          let word = record.word(of: racer, inode: inode, slot: slot)
          guard word & LogWord.anyOutcome != 0 else { continue }
          evidence.operations.append(operation(word, racer: racer, inode: inode, slot: slot))
        }
      }
    }
  }

  private func operation(_ word: UInt64, racer: Int, inode: Int, slot: Int) -> VisitOperation {
    var operation = VisitOperation(racer: racer, inode: inode, slot: slot)
    operation.sawNull = LogWord.sawNull(word)
    operation.published = word & LogWord.published != 0
    operation.refused = word & LogWord.refused != 0
    operation.populatedWhenRefused = word & LogWord.populatedWhenRefused != 0
    if word & LogWord.success != 0 { operation.report = .success }
    if word & LogWord.failure != 0 { operation.report = .failure }
    if word & LogWord.absent != 0 { operation.report = .absent }
    if word & LogWord.again != 0 { operation.report = .again }
    let address = UInt(word & LogWord.address)
    if address != 0 {
      operation.returned = record.allocation(at: address, inode: inode).map { .allocation($0) } ?? .stranger
      operation.returnedWasInSlot = record.returnedWasInSlot(word, racer: racer, inode: inode, slot: slot)
    }
    return operation
  }

  private mutating func addHistory() {
    guard evidence.keepsHistory else { return }
    evidence.historyIsWhole = record.historyIsWhole
    evidence.setHistory(
      record.history.map { operation in
        HistoryEntry(
          racer: operation.racer, inode: operation.inode, slot: operation.slot, kind: operation.kind,
          allocation: operation.address == 0 ? nil : record.allocation(at: operation.address, inode: operation.inode),
          begin: operation.begin, end: operation.end)
      })
    evidence.precedence = record.precedence(of: evidence.history)
  }

  private mutating func addAllocations() {
    record.forEachAllocation { recorded in
      let entry = recorded.entry
      var allocation = Allocation(
        racer: recorded.racer, inode: Int(LedgerEntry.inode(entry)), size: LedgerEntry.words(entry) * 8)
      allocation.isOfCreation = recorded.isOfCreation
      allocation.published = Int(entry & 0xff)
      allocation.linkedByVisits = Int(LedgerEntry.links(entry))
      allocation.freedByVisit = Int(entry >> 8 & 0xff)
      allocation.freedElsewhere = Int(entry >> 16 & 0xff)
      allocation.freedByTeardown = Int(entry >> 24 & 0xff)
      if recorded.wasWrittenAfterFree { evidence.writesAfterFree.append(evidence.allocations.count) }
      evidence.allocations.append(allocation)
    }
    for address in record.links {
      if let number = record.allocation(at: address, inode: nil) { evidence.allocations[number].links += 1 }
    }
    for address in record.hanging {
      if let number = record.allocation(at: address, inode: nil) { evidence.allocations[number].hangs = true }
    }
  }

  private mutating func addStrays() {
    for stray in record.strays {
      switch (stray.what, record.allocation(at: stray.address, inode: stray.inode)) {
      case (.publish, let number?): evidence.allocations[number].published += 1
      case (.link, let number?): evidence.allocations[number].linkedByVisits += 1
      case (.publish, nil), (.link, nil): break  // a slot or another addon shows it
      case (.free, let number?): evidence.allocations[number].freedElsewhere += 1
      case (.free, nil):
        evidence.badFrees.append(
          BadFree(racer: stray.racer, inode: stray.inode, duringTeardown: stray.phase.isTeardown))
      }
    }
  }

  private mutating func addObservations() {
    for seen in record.observations {
      let moment: Observation.Moment =
        switch seen.phase {
        case .visiting: .visit(racer: seen.racer, inode: seen.inode ?? 0)
        case .inspecting: .quiescence(inode: seen.inode)
        case .sweeping, .clearing: .teardown(inode: seen.inode ?? 0)
        }
      var observation = Observation(
        promise: seen.promise, moment: moment, seen: seen.seen, expected: seen.expected,
        allocation: seen.address == 0 ? nil : record.allocation(holding: seen.address, inode: seen.inode))
      observation.sentence = seen.sentence.map { "\($0)" }
      evidence.observations.append(observation)
    }
    evidence.mishaps = record.mishaps
  }
}
