import ExploreCore
import RaceModel
import Recording

/// An execution as its program and the graph have it.
struct ExploreRecord: RoundRecord {
  private let program: SiteProgram
  private let site: SiteState
  private let space: AddressSpace
  private let graph: ExecutionGraph
  /// The number of the first allocation of each racer, and of nobody's.
  private let firsts: [Int]

  init(_ program: SiteProgram) {
    self.program = program
    site = program.site.pointee
    space = program.execution.space
    graph = program.execution.graph.pointee
    var first = 0
    firsts = (0...program.racerCount).map { racer in
      defer { first += program.execution.state.pointee.racers[racer].nextBlock }
      return first
    }
  }

  var facts: SubjectFacts { program.facts }
  var roles: [String] { program.roleNames }
  var visitorCount: Int { program.visitorCount }
  var inodeCount: Int { program.inodeCount }

  func word(of racer: Int, inode: Int, slot: Int) -> UInt64 {
    var word = site.logs[(racer * inodeCount + inode) * site.slotCount + slot]
    // Whether the slot was populated by then shows at the end.
    if final(inode: inode, slot: slot) == 0 { word &= ~LogWord.populatedWhenRefused }
    return word
  }
  func final(inode: Int, slot: Int) -> UInt64 { site.finals[inode * site.slotCount + slot] }

  private func number(ofBlock block: Int) -> Int? {
    guard space.isHeapBlock(block), space.blocks[block].state != .unused else { return nil }
    let owner = space.owner(ofBlock: block)
    return firsts[owner] + block - space.firstBlock(of: owner)
  }
  func allocation(at address: UInt, inode: Int?) -> Int? {
    space.block(at: address).flatMap { number(ofBlock: $0) }
  }
  func allocation(holding address: UInt, inode: Int?) -> Int? { number(ofBlock: space.block(of: address)) }

  func forEachAllocation(_ body: (RecordedAllocation) -> Void) {
    for racer in 0...program.racerCount {
      let first = space.firstBlock(of: racer)
      let isNobody = racer == program.racerCount
      for block in first..<first + program.execution.state.pointee.racers[racer].nextBlock {
        body(RecordedAllocation(space.blocks[block].note, racer: isNobody ? 0 : racer, isOfCreation: isNobody))
      }
    }
  }

  var history: [RecordedOperation] { site.history }
  var observations: [RecordedObservation] { site.observations }
  var strays: [RecordedStray] { site.strays }
  var links: [UInt] { site.links }
  var hanging: [UInt] { site.hanging }

  var mishaps: [Mishap] {
    program.execution.state.pointee.mishaps.map { mishap in
      var mishap = mishap
      if let block = mishap.block, let number = number(ofBlock: block) {
        mishap.allocation = number
        let inode = Int(LedgerEntry.inode(space.blocks[block].note))
        mishap.inode = inode < inodeCount ? inode : nil
      }
      return mishap
    }
  }

  /// What the explorer's happens-before says.
  func precedence(of history: [HistoryEntry]) -> [[Bool]] {
    let firsts = history.map { graph.event(of: $0.racer, at: Int32($0.begin)) }
    let lasts = history.map { $0.end > $0.begin ? graph.event(of: $0.racer, at: Int32($0.end) - 1) : nil }
    return lasts.map { last in
      firsts.map { first in
        guard let last, let first else { return false }
        return graph.happensBefore(first).covers(graph.events[last])
      }
    }
  }

  /// Nil where nobody looked at the slot, or it lies in several places in turn.
  func returnedWasInSlot(_ word: UInt64, racer: Int, inode: Int, slot: Int) -> Bool? {
    let bits = word & LogWord.address
    let address = site.slotAddresses[inode * site.slotCount + slot]
    guard address != 0, address != SiteState.isMoving, let location = space.knownLocation(at: address, size: 8),
      let visit = program.visit(of: racer, to: inode)
    else { return nil }
    let isOnGraph = Int(location) < graph.locationCount
    if !isOnGraph, space.read(address, 8) == bits { return true }
    var write = isOnGraph ? graph.heads[Int(location)].firstWrite : -1
    while write >= 0 {
      let event = graph.events[Int(write)]
      let isOverwrittenBefore =
        event.coNext >= 0 && Int(event.coNext) != visit.first
        && graph.happensBefore(visit.first).covers(graph.events[Int(event.coNext)])
      let comesAfter = graph.happensBefore(Int(write)).covers(graph.events[visit.last]) && Int(write) != visit.last
      if event.value == bits, !isOverwrittenBefore, !comesAfter { return true }
      write = event.coNext
    }
    return facts.site.eager ? nil : false
  }
}
