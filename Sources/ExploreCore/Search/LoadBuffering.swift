/// Load buffering: executions in which a read reads what its own racer does later, by way of others. A search whose graphs
/// have no cycle of program order and reads-from leaves them out; this looks for where the model would allow them.
///
/// Of each execution that is visited: for a read and a write to the same place that the read caused, without the two being
/// one racer's, whether the graph would still be consistent if the read read that write. Where a dependency leads from the
/// read to the write, the model forbids it. Where none is known, `Exploration.keepsPromise` runs the program with what would
/// then be read: if the write then does not come, there is no such execution (Kokologiannakis, Vafeiadis, "HMC", ASPLOS 2020).
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

  /// What was found, each with an execution for each way that leads to it.
  package var possible: [Pair: [Guide]] {
    ways.mapValues { ways in ways.sorted { $0.key < $1.key }.map(\.value) }
  }
  package var pairs: some Collection<Pair> { ways.keys }
  /// Pairs of which some way was left out.
  package private(set) var incomplete: Set<Pair> = []
  private var ways: [Pair: [UInt64: Guide]] = [:]
  /// How often a way was looked at in vain.
  private var attempts: [Pair: [UInt64: Int]] = [:]
  private var graph: ExecutionGraph

  /// Pairs that are kept, ways of each, and times that one is looked at in vain: executions differ in what does not concern it.
  private static let mostPairs = 64
  private static let mostWays = 64
  private static let mostAttempts = 16

  package init(_ execution: Execution) {
    graph = ExecutionGraph(racers: execution.graph.pointee.racers, rules: execution.graph.pointee.rules)
  }

  deinit { graph.destroy() }

  package func forget() {
    ways.removeAll()
    attempts.removeAll()
    incomplete.removeAll()
  }

  /// Looks at a complete execution, under the kernel's model.
  package func look(at other: ExecutionGraph) {
    guard ways.count < Self.mostPairs else { return }
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
    if incomplete.contains(pair) { return }
    let way = Self.way(to: write, in: other)
    let failed = attempts[pair, default: [:]]
    guard ways[pair]?[way] == nil, failed[way, default: 0] < Self.mostAttempts else { return }
    guard (ways[pair]?.count ?? 0) + failed.count < Self.mostWays else {
      if ways[pair] != nil { incomplete.insert(pair) }
      return
    }
    // Causes are those of interchangeable racers, too.
    if other.rules.usesSymmetry, !Self.leads(read, to: write, in: other) { return }
    if isConsistent(other, read, write) {
      ways[pair, default: [:]][way] = Guide(other, promise: Self.promise(of: read, to: write, in: other))
    } else {
      attempts[pair, default: [:]][way, default: 0] += 1
    }
  }

  /// What has been read by what causes a write, and what one of those reads would read: with the program, all that leads to
  /// the write.
  private static func way(to write: Int, in graph: ExecutionGraph) -> UInt64 {
    var way = graph.events[write].value
    for racer in 0..<graph.racers {
      var id = graph.first[racer]
      while id >= 0, graph.isCause(Int(id), of: write) {
        let event = graph.events[Int(id)]
        if event.kind == .read || event.kind == .choice { way = (way ^ event.value) &* 0x9e37_79b9_7f4a_7c15 }
        way ^= way >> 29
        id = event.poNext
      }
    }
    return way
  }

  /// Nil of an update that would win or lose otherwise than it does.
  private static func promise(of read: Int, to write: Int, in graph: ExecutionGraph) -> Guide.Promise? {
    let (one, two) = (graph.events[read], graph.events[write])
    if one.isSuccessfulRMW || one.written(after: two.value) != nil { return nil }
    return Guide.Promise(
      read: (Int(one.racer), one.index), write: (Int(two.racer), two.index), value: two.value)
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
