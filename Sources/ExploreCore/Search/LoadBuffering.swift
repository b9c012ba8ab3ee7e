/// Load buffering: executions in which a read reads what its own racer does later, by way of others. A search whose graphs
/// have no cycle of program order and reads-from leaves them out; this looks for where the model would allow them.
///
/// Of each execution that is visited: for a read and a write to the same place that the read caused, without the two being
/// one racer's, whether the graph would still be consistent if the read read that write. What would then be read otherwise
/// is not run: where a dependency leads from the read to the write, the model forbids it, and where a branch without one
/// does, it may be that there is no such execution (Kokologiannakis, Vafeiadis, "HMC", ASPLOS 2020).
package final class LoadBuffering {
  /// Events by racer and number.
  package struct Pair: Hashable, Comparable {
    package var reader: UInt8
    package var read: Int32
    package var writer: UInt8
    package var write: Int32

    package static func < (a: Pair, b: Pair) -> Bool {
      (a.reader, a.read, a.writer, a.write) < (b.reader, b.read, b.writer, b.write)
    }
  }

  /// What was found, each with the execution that it was found from.
  package private(set) var possible: [Pair: Guide] = [:]
  /// How often a pair was looked at in vain.
  private var attempts: [Pair: Int] = [:]
  private var graph: ExecutionGraph

  /// Pairs that are kept, and times that one is looked at in vain: executions differ in what does not concern it.
  private static let mostPairs = 64
  private static let mostAttempts = 16

  package init(_ execution: Execution) {
    graph = ExecutionGraph(racers: execution.graph.pointee.racers, rules: execution.graph.pointee.rules)
  }

  deinit { graph.destroy() }

  package func forget() {
    possible.removeAll()
    attempts.removeAll()
  }

  /// Looks at a complete execution, under the kernel's model.
  package func look(at other: ExecutionGraph) {
    guard possible.count < Self.mostPairs else { return }
    for read in 0..<other.count where other.events[read].isBufferable {
      var access = other.heads[Int(other.events[read].location)].lastAccess
      while access >= 0 {
        let write = other.events[Int(access)]
        if write.kind == .write, write.racer != other.events[read].racer, other.isCause(read, of: Int(access)) {
          look(at: other, read, Int(access))
        }
        access = write.previousAccess
      }
    }
  }

  private func look(at other: ExecutionGraph, _ read: Int, _ write: Int) {
    let (one, two) = (other.events[read], other.events[write])
    let pair = Pair(reader: one.racer, read: one.index, writer: two.racer, write: two.index)
    guard possible[pair] == nil, attempts[pair, default: 0] < Self.mostAttempts else { return }
    // Causes are those of interchangeable racers, too.
    if other.rules.usesSymmetry, !Self.leads(read, to: write, in: other) { return }
    if isConsistent(other, read, write) {
      possible[pair] = Guide(other)
    } else {
      attempts[pair, default: 0] += 1
    }
  }

  /// Whether the execution is consistent with the read reading the write.
  private func isConsistent(_ other: ExecutionGraph, _ read: Int, _ write: Int) -> Bool {
    let event = other.events[read]
    guard event.size == other.events[write].size else { return false }
    let succeeds = event.written(after: other.events[write].value) != nil
    if !event.isSuccessfulRMW { return !succeeds && isConsistent(other, read, write, .asItIs) }
    if !succeeds { return isConsistent(other, read, write, .fails) }
    return isConsistent(other, read, write, .writesAfter)
      || !other.events[write].isSuccessfulRMW && isConsistent(other, read, write, .isOvertaken)
  }

  /// What becomes of the write of an update that reads another write: it comes right after that one, because one or the other
  /// moves in coherence order; or the update fails, and there is none: who read it reads what came before it.
  private enum Change { case asItIs, writesAfter, isOvertaken, fails }

  private func isConsistent(_ other: ExecutionGraph, _ read: Int, _ write: Int, _ change: Change) -> Bool {
    let own = change == .asItIs ? -1 : Int(other.events[read].poNext)
    let source = Int(other.events[read].readsFrom)
    let readers = change == .fails ? (0..<other.count).filter { other.events[$0].readsFrom == own } : []
    var numbers = [read, write] + (change == .asItIs || change == .fails ? [] : [own]) + readers
    if source >= 0 { numbers.append(source) }
    graph.become(other, tracking: &numbers) { change != .fails || $0 != own }
    let (read, write) = (numbers[0], numbers[1])
    switch change {
    case .asItIs: break
    case .fails:
      graph.revise(read) {
        $0.isSuccessfulRMW = false
        $0.ordering = $0.failureOrdering
      }
      for reader in numbers[2..<2 + readers.count] {
        graph.revise(reader) { $0.readsFrom = source < 0 ? -1 : Int32(numbers[numbers.count - 1]) }
      }
      if !Self.leads(read, to: write, in: graph) { return false }
    case .writesAfter:
      graph.unlink(numbers[2])
      if graph.isTaken(Int32(write), at: graph.events[read].location) { return false }
      graph.link(numbers[2], after: Int32(write))
    case .isOvertaken:
      graph.unlink(write)
      graph.link(write, after: graph.events[numbers[2]].coPrevious)
    }
    graph.revise(read) { $0.readsFrom = Int32(write) }
    return KernelGraph(graph).isConsistent(isCoherent: false)
  }

  /// Whether a read causes a write, by program order and reads-from.
  private static func leads(_ read: Int, to write: Int, in graph: ExecutionGraph) -> Bool {
    var isSeen = Array(repeating: false, count: graph.count)
    var next = [write]
    func visit(_ id: Int) {
      if !isSeen[id] { next.append(id) }
      isSeen[id] = true
    }
    while let id = next.popLast() {
      if id == read { return true }
      graph.forEachPO(before: graph.events[id], visit)
      if graph.events[id].kind == .read { graph.forEachRF(before: graph.events[id], visit) }
    }
    return false
  }
}

extension Event {
  /// A marked read that does not wait.
  fileprivate var isBufferable: Bool {
    guard kind == .read, !ordering.contains(.isPlain) else { return false }
    switch readKind {
    case .sectionPoll, .lockAttempt, .aloneAttempt, .shareAttempt, .await: return false
    case .load, .exchange, .add, .or, .and, .xor, .nand, .compareExchange: return true
    }
  }
}
