import ExploreCore
import RaceModel

/// What became of the slots that a program has declared, at the end of an execution: read from the coherence order of each.
struct DeclaredSlots {
  private let execution: Execution
  private let slots: [(address: UInt, name: String)]
  /// Heap blocks that were in a slot at some moment.
  private(set) var published: Set<Int> = []

  init(_ execution: Execution, _ slots: [(address: UInt, name: String)]) {
    self.execution = execution
    self.slots = slots
  }

  /// Pointers are often marked in their low bits.
  private func block(_ value: UInt64) -> Int? {
    let block = execution.space.block(of: UInt(value & ~7))
    return execution.space.isHeapBlock(block) ? block : nil
  }

  private func allocation(_ value: UInt64) -> String {
    block(value).flatMap { execution.allocationNumber(ofBlock: $0) }.map { "allocation \($0)" } ?? "something else"
  }

  /// Notes what is wrong with them.
  mutating func judge() {
    var publications: [Int: Int] = [:]
    var holders: [Int: String] = [:]
    for slot in slots {
      var before: UInt64 = 0
      forEachWrite(to: slot.address) { event in
        defer { before = event.value }
        guard event.value != 0, event.value != before else { return }
        if before != 0 {
          execution.noteAtEnd(
            .overwritten,
            "racer \(event.racer) publishes \(allocation(event.value)) over \(allocation(before)), which was in \(slot.name)",
            block: block(before), racers: [Int(event.racer)])
        }
        if let block = block(event.value) { publications[block, default: 0] += 1 }
      }
      guard let last = block(execution.space.read(slot.address, 8)) else { continue }
      publications[last, default: 0] = max(publications[last] ?? 0, 1)
      if let other = holders.updateValue(slot.name, forKey: last) {
        note("is in \(other) and in \(slot.name)", last)
      }
    }
    for (block, count) in publications where count > 1 { note("was published \(count) times", block) }
    published = Set(publications.keys)
  }

  private func note(_ what: String, _ block: Int) {
    let number = execution.allocationNumber(ofBlock: block).map { " \($0)" } ?? ""
    execution.noteAtEnd(.visibleTwice, "allocation\(number) \(what)", block: block)
  }

  /// In coherence order.
  private func forEachWrite(to address: UInt, _ body: (Event) -> Void) {
    let graph = execution.graph.pointee
    guard let location = execution.space.knownLocation(at: address, size: 8), Int(location) < graph.locationCount
    else { return }
    var write = graph.heads[Int(location)].firstWrite
    while write >= 0 {
      body(graph.events[Int(write)])
      write = graph.events[Int(write)].coNext
    }
  }
}
