/// Sequential consistency: program order, reads-from, modification order and from-reads have no cycle. (Lamport 1979; in
/// this form Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 2014.)
enum SequentialConsistency {
  /// Whether the graph is consistent, given that it was without the `new` events.
  static func isConsistent(_ graph: ExecutionGraph, new: [Int], search: CycleSearch) -> Bool {
    !search.findsCycle(in: graph, through: new) { event, id, visit in
      if event.previous >= 0 { visit(Int(event.previous)) }
      graph.forEachCommunicationBefore(id, event, visit)
    }
  }
}

extension ExecutionGraph {
  /// What an access comes right after in reads-from, modification order and from-reads.
  @inline(__always) func forEachCommunicationBefore(_ id: Int, _ event: Event, _ visit: (Int) -> Void) {
    switch event.kind {
    case .read:
      if event.source >= 0 { visit(Int(event.source)) }
    case .write:
      guard event.place > 0 else { return }
      if event.earlier >= 0 { visit(Int(event.earlier)) }
      // From-reads: those that read the write before this one, its own read excepted.
      var access = heads[Int(event.location)].lastAccess
      while access >= 0 {
        let other = events[Int(access)]
        if other.kind == .read, other.source == event.earlier, !(event.isUpdate && access == event.previous),
          other.update != .look
        {
          visit(Int(access))
        }
        access = other.previousAccess
      }
      // A grace period's look is not an access of its own: it says that the grace period begins before the section.
      if event.beginsSection { forEachGracePeriod(before: id, visit) }
    case .fence, .choice: break
    }
  }
}
