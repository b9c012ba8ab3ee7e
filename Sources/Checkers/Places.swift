import RaceModel

/// One slot of one inode, with all that was done there.
struct Place {
  let evidence: Evidence
  let inode: Int
  let slot: Int
  let operations: ArraySlice<VisitOperation>
  let final: Final

  func finding(_ checker: String, _ message: String, racers: [Int], allocations: [Int] = []) -> Finding {
    Finding(
      checker: checker, message: message, round: evidence.round, inode: inode, slot: evidence.slots[slot],
      racers: racers, allocations: allocations)
  }
}

extension Evidence {
  /// Operations come sorted by inode, then slot: this is one pass.
  func forEachPlace(_ body: (Place) -> Void) {
    var start = operations.startIndex
    for inode in 0..<inodeCount {
      for slot in slots.indices {
        var end = start
        while end < operations.endIndex, operations[end].inode == inode, operations[end].slot == slot { end += 1 }
        body(
          Place(
            evidence: self, inode: inode, slot: slot, operations: operations[start..<end],
            final: final(inode: inode, slot: slot)))
        start = end
      }
    }
  }

  /// Whether an allocation is in its inode's slots at quiescence.
  func isFinal(_ number: Int) -> Bool {
    let inode = allocations[number].inode
    return inode < inodeCount && slots.indices.contains { final(inode: inode, slot: $0) == .allocation(number) }
  }

  func finding(_ checker: String, _ message: String, _ number: Int) -> Finding {
    let allocation = allocations[number]
    return Finding(
      checker: checker, message: message, round: round, inode: allocation.inode < inodeCount ? allocation.inode : nil,
      racers: [allocation.racer],
      allocations: [number])
  }

  func finding(_ checker: String, _ message: String, about observation: Observation) -> Finding {
    let values = "a word holds \(number(observation.seen)) instead of \(number(observation.expected))"
    var finding = Finding(checker: checker, message: "\(observation.sentence ?? message): \(values)", round: round)
    switch observation.moment {
    case .visit(let racer, let inode):
      finding.racers = [racer]
      finding.inode = inode
    case .quiescence(let inode): finding.inode = inode
    case .teardown(let inode): finding.inode = inode
    }
    if let allocation = observation.allocation { finding.allocations = [allocation] }
    return finding
  }

  /// What was seen to go wrong in this way.
  func findings(_ checker: String, of kind: Mishap.Kind) -> [Finding] {
    mishaps.filter { $0.kind == kind }.map { mishap in
      Finding(
        checker: checker, message: mishap.message, round: round, inode: mishap.inode, racers: mishap.racers,
        allocations: mishap.allocation.map { [$0] } ?? [])
    }
  }

  /// Counts as people write them, addresses and poison in hexadecimal.
  private func number(_ value: UInt64) -> String {
    value < 1 << 20 ? "\(value)" : "0x" + String(value, radix: 16)
  }
}
