/// Looks for a cycle in a relation that is given by each event's direct predecessors.
///
/// Depth-first from the new events backwards: O(events + pairs of the relation). Its storage grows with the graphs that it
/// is shown.
package final class CycleSearch {
  private var mark: [UInt32] = []
  private var stack: [Int32] = []
  private var turn: UInt32 = 0

  /// Whether a cycle goes through one of the events `through`.
  func findsCycle(
    in graph: ExecutionGraph, through: [Int], predecessors: (Event, Int, (Int) -> Void) -> Void
  ) -> Bool {
    if mark.count < graph.count { mark += [UInt32](repeating: 0, count: graph.count * 2 - mark.count) }
    for goal in through {
      turn &+= 1
      stack.removeAll(keepingCapacity: true)
      stack.append(Int32(goal))
      var found = false
      while let id = stack.popLast(), !found {
        predecessors(graph.events[Int(id)], Int(id)) { earlier in
          if earlier == goal { found = true }
          if mark[earlier] != turn {
            mark[earlier] = turn
            stack.append(Int32(earlier))
          }
        }
      }
      if found { return true }
    }
    return false
  }
}
