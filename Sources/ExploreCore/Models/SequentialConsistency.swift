/// Sequential consistency: po, rf, co and fr have no cycle. (Lamport 1979; in
/// this form Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 2014.)
struct SequentialConsistency: ConsistencyModel {
  var everyAccessSynchronises: Bool { true }
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    !search.findsCycle(in: graph, through: new) { event, id, visit in
      graph.forEachPO(before: event, visit)
      graph.forEachCommunication(before: id, event, visit)
    }
  }
}
