/// Looks for a cycle in a relation that is given by each event's direct predecessors.
///
/// Depth-first from the new events backwards: O(events + pairs of the relation). Its storage grows with the graphs that it
/// is shown.
package final class CycleSearch {
  private var capacity = 0
  /// By event: the search that has met it last.
  private var marks = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  /// Events whose predecessors have not been looked at.
  private var stack = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  private var turn: UInt32 = 0

  deinit {
    marks.deallocate()
    stack.deallocate()
  }

  /// Whether a cycle goes through one of the events `through`.
  func findsCycle(
    in graph: ExecutionGraph, through: [Int], predecessors: (Event, Int, (Int) -> Void) -> Void
  ) -> Bool {
    if capacity < graph.count || turn > .max / 2 { grow(graph.count * 2) }
    let (marks, stack) = (marks, stack)
    for goal in through {
      turn += 1
      let turn = turn
      stack[0] = Int32(goal)
      var depth = 1
      var found = false
      while depth > 0, !found {
        depth -= 1
        let id = Int(stack[depth])
        predecessors(graph.events[id], id) { earlier in
          if earlier == goal { found = true }
          if marks[earlier] != turn {
            marks[earlier] = turn
            stack[depth] = Int32(earlier)
            depth += 1
          }
        }
      }
      if found { return true }
    }
    return false
  }

  private func grow(_ count: Int) {
    marks.deallocate()
    stack.deallocate()
    capacity = max(count, capacity)
    turn = 0
    marks = .allocate(capacity: capacity)
    marks.initialize(repeating: 0, count: capacity)
    // Each event once, and the goal.
    stack = .allocate(capacity: capacity + 1)
  }
}
