/// The order in which steps are shown: one in which every load reads the latest store, if there is one (the execution is
/// sequentially consistent then), and with as few changes of racer as a greedy choice finds; else the order of the run.
struct StepOrder {
  let numbers: [Int]

  /// Steps by the write events that they make: an update's write is the event after its read.
  static func writers(_ graph: ExecutionGraph, _ entries: [TraceRecorder.Entry]) -> [Int32: Int] {
    var writers: [Int32: Int] = [:]
    for (number, entry) in entries.enumerated() where entry.event >= 0 {
      let event = graph.events[Int(entry.event)]
      if event.kind == .write {
        writers[entry.event] = number
      } else if event.isSuccessfulRMW {
        writers[event.poNext] = number
      }
    }
    return writers
  }

  init(_ graph: ExecutionGraph, _ entries: [TraceRecorder.Entry]) {
    let writers = Self.writers(graph, entries)
    var before = [Set<Int>](repeating: [], count: entries.count)
    var lastOfRacer: [Int: Int] = [:]
    for (number, entry) in entries.enumerated() {
      if let last = lastOfRacer[entry.racer] { before[number].insert(last) }
      lastOfRacer[entry.racer] = number
      Self.addThreads(entry, number, entries, graph, &before)
      guard entry.event >= 0 else { continue }
      let event = graph.events[Int(entry.event)]
      if event.kind == .read {
        if let source = writers[event.readsFrom] { before[number].insert(source) }
        // Whatever overwrites what was read comes after the read.
        let next =
          event.readsFrom < 0 ? graph.heads[Int(event.location)].firstWrite : graph.events[Int(event.readsFrom)].coNext
        if let overwriter = writers[next], overwriter != number { before[overwriter].insert(number) }
      }
      if event.kind == .write, let earlier = writers[event.coPrevious] { before[number].insert(earlier) }
    }
    var order: [Int] = []
    var done: Set<Int> = []
    var racer = -1
    while order.count < entries.count {
      let ready = entries.indices.filter { !done.contains($0) && before[$0].isSubset(of: done) }
      guard let next = ready.first(where: { entries[$0].racer == racer }) ?? ready.first else { break }
      racer = entries[next].racer
      order.append(next)
      done.insert(next)
    }
    numbers = order.count == entries.count ? order : Array(entries.indices)
  }

  /// A racer's steps come after its creation, and before what has waited for its end.
  private static func addThreads(
    _ entry: TraceRecorder.Entry, _ number: Int, _ entries: [TraceRecorder.Entry], _ graph: ExecutionGraph,
    _ before: inout [Set<Int>]
  ) {
    switch entry.verb {
    case .fence(.create):
      let event = graph.events[Int(entry.event)]
      let children = Int(event.value)..<Int(event.value + event.operand)
      for other in entries.indices where children.contains(entries[other].racer) { before[other].insert(number) }
    case .fence(.join):
      for other in entries.indices where entries[other].racer == Int(entry.value) { before[number].insert(other) }
    default: break
    }
  }
}
