/// An execution graph as a value: equal for the same executions, whatever the order in which events were added.
package struct GraphDigest: Hashable {
  /// An event without the value: what it is, and what it reads or overwrites, by racer and number.
  package struct Point: Hashable {
    package var racer: Int
    package var index: Int
    package var kind: Int
    package var location: Int
    package var source: [Int]
    package var earlier: [Int]
    package var outcome: UInt64
  }
  package var points: Set<Point> = []

  package init(_ graph: ExecutionGraph) {
    func name(_ id: Int32) -> [Int] {
      id < 0 ? [] : [Int(graph.events[Int(id)].racer), Int(graph.events[Int(id)].index)]
    }
    for id in 0..<graph.count {
      let event = graph.events[id]
      points.insert(
        Point(
          racer: Int(event.racer), index: Int(event.index), kind: Int(event.kind.rawValue),
          location: Int(event.location), source: event.kind == .read ? name(event.readsFrom) : [],
          earlier: event.kind == .write ? name(event.coPrevious) : [],
          outcome: event.kind == .choice ? event.value : 0))
    }
  }

  /// The same with racers renamed.
  package func renamed(_ names: [Int]) -> GraphDigest {
    var copy = self
    copy.points = Set(
      points.map { point in
        var point = point
        point.racer = names[point.racer]
        if !point.source.isEmpty { point.source[0] = names[point.source[0]] }
        if !point.earlier.isEmpty { point.earlier[0] = names[point.earlier[0]] }
        return point
      })
    return copy
  }
}
