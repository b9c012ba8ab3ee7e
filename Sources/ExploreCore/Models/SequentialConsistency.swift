/// Sequential consistency: program order, reads-from, modification order and from-reads have no cycle. (Lamport 1979; in
/// this form Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 2014.)
struct SequentialConsistency: ConsistencyModel {
  var everyAccessSynchronises: Bool { true }
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    !search.findsCycle(in: graph, through: new) { event, id, visit in
      if event.poPrevious >= 0 { visit(Int(event.poPrevious)) }
      graph.forEachCommunicationBefore(id, event, visit)
    }
  }
}

extension ExecutionGraph {
  /// What an access comes right after in reads-from, modification order and from-reads.
  @inline(__always) func forEachCommunicationBefore(_ id: Int, _ event: Event, _ visit: (Int) -> Void) {
    switch event.kind {
    case .read:
      if event.readsFrom >= 0 { visit(Int(event.readsFrom)) }
    case .write:
      guard event.coPosition > 0 else { return }
      if event.coPrevious >= 0 { visit(Int(event.coPrevious)) }
      // From-reads: those that read the write before this one, its own read excepted.
      var access = heads[Int(event.location)].lastAccess
      while access >= 0 {
        let other = events[Int(access)]
        if other.kind == .read, other.readsFrom == event.coPrevious,
          !(event.isSuccessfulRMW && access == event.poPrevious),
          other.readKind != .sectionPoll
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
