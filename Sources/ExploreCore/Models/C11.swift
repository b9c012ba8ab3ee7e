/// C11, repaired: RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017).
///
/// Coherence and the absence of cycles in program order and reads-from hold by construction: an access never gets a
/// place below what happens before it, and what is read always comes first. What is left is the axiom about sequentially
/// consistent events, psc, and it matters only where there are two or more.
struct C11: ConsistencyModel {
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    if graph.strongEvents < 2 { return true }
    if let fences = PartialOrderOfFences(graph) { return fences.isAcyclic }
    return PartialOrderOfStrongEvents(graph).isAcyclic
  }
}

/// A point of an execution that strong fences, or the events themselves, stand at: an event, or the fence that a full RMW
/// has in front of its read and behind its write.
private struct StrongPoint {
  enum Position { case event, before, after }
  let event: Int
  let position: Position

  /// Those of a racer's events, in program order.
  static func points(_ graph: ExecutionGraph, of racer: Int) -> [StrongPoint] {
    var points: [StrongPoint] = []
    var id = graph.first[racer]
    while id >= 0 {
      let event = graph.events[Int(id)]
      if event.isFullRMW, event.kind == .read { points.append(StrongPoint(event: Int(id), position: .before)) }
      points.append(StrongPoint(event: Int(id), position: .event))
      if event.isFullRMW, event.kind == .write { points.append(StrongPoint(event: Int(id), position: .after)) }
      id = event.poNext
    }
    return points
  }

  /// An event that comes after this point too, or is at it, and that is in a clock just where this point is before what
  /// has the clock. (Whoever reads from a full RMW learns of its read, and not of its write: see `computeReleased`.)
  func happensBefore(_ other: StrongPoint, _ graph: ExecutionGraph) -> Bool {
    if event == other.event {
      return position == .before && other.position != .before || position == .event && other.position == .after
    }
    return other.learns(of: graph.events[event], graph)
  }

  /// Whether an event of another point happens before this one.
  private func learns(of event: Event, _ graph: ExecutionGraph) -> Bool {
    if graph.happensBefore(self.event).covers(event) { return true }
    return position == .after && graph.acquirable(self.event).covers(event)
  }
}

/// psc where all strong events are fences, as in the kernel's code: then psc base adds nothing to psc F.
///
/// One fence comes before another if it happens before it, or happens before an access to a place that comes, in eco,
/// before another access there which happens before the second. At one place eco is an order of levels: a write has twice
/// its place in coherence order, a read of it one more. So the lowest level that each fence comes before and the
/// highest level that comes before each fence, for each place, are all there is to know: O(fences * events).
private struct PartialOrderOfFences {
  private let graph: ExecutionGraph
  private let fences: [StrongPoint]
  private static let most = 64

  /// Nil where there is a sequentially consistent access among them, or there are too many.
  init?(_ graph: ExecutionGraph) {
    self.graph = graph
    var fences: [StrongPoint] = []
    fences.reserveCapacity(graph.strongEvents)
    for id in 0..<graph.count {
      let event = graph.events[id]
      if event.isFullRMW {
        fences.append(StrongPoint(event: id, position: event.kind == .read ? .before : .after))
      } else if event.ordering.contains(.isSequentiallyConsistent) {
        if event.kind != .fence { return nil }
        fences.append(StrongPoint(event: id, position: .event))
      }
    }
    if fences.count > Self.most { return nil }
    self.fences = fences
  }

  var isAcyclic: Bool {
    let places = graph.locationCount
    var lowestAfter = [Int32](repeating: .max, count: fences.count * places)
    var highestBefore = [Int32](repeating: -1, count: fences.count * places)
    for id in 0..<graph.count {
      let event = graph.events[id]
      guard event.isAccess else { continue }
      let level = level(event)
      let access = StrongPoint(event: id, position: .event)
      for (number, fence) in fences.enumerated() {
        let place = number * places + Int(event.location)
        // A grace period's poll comes before nothing: what it says of later sections is in happens-before.
        if event.readKind != .sectionPoll, fence.happensBefore(access, graph) {
          lowestAfter[place] = min(lowestAfter[place], level)
        }
        if access.happensBefore(fence, graph) { highestBefore[place] = max(highestBefore[place], level) }
      }
    }
    var before = [UInt64](repeating: 0, count: fences.count)
    for a in fences.indices {
      for b in fences.indices where a != b {
        let isBefore =
          fences[a].happensBefore(fences[b], graph)
          || (0..<places).contains { lowestAfter[a * places + $0] < highestBefore[b * places + $0] }
        if isBefore { before[b] |= 1 << UInt64(a) }
      }
    }
    return Self.isAcyclic(before)
  }

  private func level(_ event: Event) -> Int32 {
    event.kind == .write ? 2 * event.coPosition : 2 * graph.coPosition(ofSource: event.readsFrom) + 1
  }

  /// Takes away what nothing is left before, until nothing is left.
  private static func isAcyclic(_ before: [UInt64]) -> Bool {
    var left: UInt64 = before.count == 64 ? .max : (1 << UInt64(before.count)) - 1
    while left != 0 {
      let free = before.indices.filter { left >> UInt64($0) & 1 != 0 && before[$0] & left == 0 }
      if free.isEmpty { return false }
      for fence in free { left &= ~(1 << UInt64(fence)) }
    }
    return true
  }
}

/// The relation psc of RC11 between sequentially consistent accesses and fences:
///
///     scb      = po ∪ po≠loc;hb;po≠loc ∪ hb=loc ∪ co ∪ fr
///     psc base = ([SC] ∪ [F];hb?) ; scb ; ([SC] ∪ hb?;[F])
///     psc F    = [F] ; (hb ∪ hb;eco;hb) ; [F]
///
/// A full RMW is one between two fences, which are points of their own.
private struct PartialOrderOfStrongEvents {
  let graph: ExecutionGraph
  /// Every event, and the fences of full RMWs: each racer's in program order.
  let points: [StrongPoint]
  private let pointOfEvent: [Int]
  private let racers: [Range<Int>]
  var count: Int { points.count }
  /// Relations as rows of bits: `row[a]` holds b if a comes before b.
  typealias Relation = [BitSet]

  init(_ graph: ExecutionGraph) {
    self.graph = graph
    var points: [StrongPoint] = []
    var racers: [Range<Int>] = []
    for racer in 0..<graph.racers {
      let first = points.count
      points += StrongPoint.points(graph, of: racer)
      racers.append(first..<points.count)
    }
    var pointOfEvent = [Int](repeating: 0, count: graph.count)
    for (number, point) in points.enumerated() where point.position == .event { pointOfEvent[point.event] = number }
    self.points = points
    self.racers = racers
    self.pointOfEvent = pointOfEvent
  }

  var isAcyclic: Bool {
    let happensBefore = happensBefore()
    let (coherence, fromReads, readsFrom) = communication()
    let between = order(happensBefore, coherence, fromReads)
    var eventual = union(union(coherence, fromReads), readsFrom)
    close(&eventual)
    let throughMemory = compose(compose(happensBefore, eventual), happensBefore)

    let strong = (0..<count).filter(isStrong)
    var psc = Relation(repeating: BitSet(count), count: count)
    for a in strong {
      var from = BitSet(count)
      from.insert(a)
      if isFence(a) { from.formUnion(happensBefore[a]) }
      var reached = BitSet(count)
      for point in from.members { reached.formUnion(between[point]) }
      var reachedBeforeFence = reached
      for point in reached.members { reachedBeforeFence.formUnion(happensBefore[point]) }
      for b in strong {
        let isBase = reached.contains(b) || isFence(b) && reachedBeforeFence.contains(b)
        let isBetweenFences =
          isFence(a) && isFence(b) && (happensBefore[a].contains(b) || throughMemory[a].contains(b))
        if isBase || isBetweenFences { psc[a].insert(b) }
      }
    }
    close(&psc)
    return !strong.contains { psc[$0].contains($0) }
  }

  private func event(_ point: Int) -> Event { graph.events[points[point].event] }

  private func isFence(_ point: Int) -> Bool {
    if points[point].position != .event { return true }
    return event(point).kind == .fence && event(point).ordering.contains(.isSequentiallyConsistent)
  }

  private func isStrong(_ point: Int) -> Bool {
    isFence(point) || event(point).ordering.contains(.isSequentiallyConsistent)
  }

  private func happensBefore() -> Relation {
    var rows = Relation(repeating: BitSet(count), count: count)
    for a in 0..<count {
      for b in 0..<count where a != b && points[a].happensBefore(points[b], graph) { rows[a].insert(b) }
    }
    return rows
  }

  private func communication() -> (coherence: Relation, fromReads: Relation, readsFrom: Relation) {
    var coherence = Relation(repeating: BitSet(count), count: count)
    var (fromReads, readsFrom) = (coherence, coherence)
    for id in 0..<graph.count {
      let event = graph.events[id]
      let point = pointOfEvent[id]
      switch event.kind {
      case .write: graph.forEachCO(after: event) { coherence[point].insert(pointOfEvent[$0]) }
      case .read:
        graph.forEachRF(before: event) { readsFrom[pointOfEvent[$0]].insert(point) }
        graph.forEachFR(after: event) { fromReads[point].insert(pointOfEvent[$0]) }
      case .fence, .choice: break
      }
    }
    return (coherence, fromReads, readsFrom)
  }

  /// scb.
  private func order(_ happensBefore: Relation, _ coherence: Relation, _ fromReads: Relation) -> Relation {
    var program = Relation(repeating: BitSet(count), count: count)
    var programElsewhere = program
    for points in racers {
      for a in points {
        for b in a + 1..<max(a + 1, points.upperBound) {
          program[a].insert(b)
          if !areAtOneLocation(a, b) { programElsewhere[a].insert(b) }
        }
      }
    }
    var result = union(union(program, coherence), fromReads)
    let around = compose(compose(programElsewhere, happensBefore), programElsewhere)
    for a in 0..<count {
      result[a].formUnion(around[a])
      for b in happensBefore[a].members where areAtOneLocation(a, b) { result[a].insert(b) }
    }
    return result
  }

  private func areAtOneLocation(_ a: Int, _ b: Int) -> Bool {
    guard points[a].position == .event, points[b].position == .event else { return false }
    return event(a).isAccess && event(b).isAccess && event(a).location == event(b).location
  }

  private func union(_ a: Relation, _ b: Relation) -> Relation {
    var result = a
    for row in 0..<count { result[row].formUnion(b[row]) }
    return result
  }

  private func compose(_ a: Relation, _ b: Relation) -> Relation {
    a.map { row in
      var result = BitSet(count)
      for middle in row.members { result.formUnion(b[middle]) }
      return result
    }
  }

  /// The transitive closure (Warshall).
  private func close(_ relation: inout Relation) {
    for middle in 0..<count {
      let row = relation[middle]
      for a in 0..<count where relation[a].contains(middle) { relation[a].formUnion(row) }
    }
  }
}

/// A set of small numbers.
private struct BitSet {
  private var words: [UInt64]
  init(_ capacity: Int) { words = [UInt64](repeating: 0, count: (capacity + 63) / 64) }
  func contains(_ member: Int) -> Bool { words[member >> 6] >> UInt64(member & 63) & 1 != 0 }
  mutating func insert(_ member: Int) { words[member >> 6] |= 1 << UInt64(member & 63) }
  mutating func formUnion(_ other: BitSet) {
    for word in words.indices { words[word] |= other.words[word] }
  }
  var members: [Int] {
    var members: [Int] = []
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        members.append(index << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
    return members
  }
}
