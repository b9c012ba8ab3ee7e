/// C11, repaired: RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017).
///
/// Coherence and the absence of cycles in program order and reads-from hold by construction: an access never gets a
/// place below what happens before it, and what is read always comes first. What is left is the axiom about sequentially
/// consistent events, psc, and it matters only where there are two or more.
enum C11 {
  static func isConsistent(_ graph: ExecutionGraph) -> Bool {
    if graph.strongEvents < 2 { return true }
    if let fences = PartialOrderOfFences(graph) { return fences.isAcyclic }
    return PartialOrderOfStrongEvents(graph).isAcyclic
  }
}

/// psc where all strong events are fences, as in the kernel's code: then psc base adds nothing to psc F but what begins or
/// ends at an update between two fences.
///
/// One fence comes before another if it happens before it, or happens before an access to a place that comes, in eco,
/// before another access there which happens before the second. At one place eco is an order of levels: a write has twice
/// its place in modification order, a read of it one more. So the lowest level that each fence comes before and the
/// highest level that comes before each fence, for each place, are all there is to know: O(fences * events).
private struct PartialOrderOfFences {
  private let graph: ExecutionGraph
  private let fences: [Int]
  private static let most = 64

  /// Nil where there is a sequentially consistent access among them, or there are too many.
  init?(_ graph: ExecutionGraph) {
    self.graph = graph
    var fences: [Int] = []
    fences.reserveCapacity(graph.strongEvents)
    for id in 0..<graph.count {
      let event = graph.events[id]
      if event.isStrongFence {
        fences.append(id)
      } else if event.ordering.contains(.isSequentiallyConsistent) {
        return nil
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
      let clock = graph.happensBefore(id)
      for (number, fence) in fences.enumerated() {
        let place = number * places + Int(event.location)
        // A grace period's look comes before nothing: what it says of later sections is in happens-before.
        if event.update != .look, clock.covers(graph.events[fence]) {
          lowestAfter[place] = min(lowestAfter[place], level)
        }
        if graph.happensBefore(fence).covers(event) { highestBefore[place] = max(highestBefore[place], level) }
      }
    }
    var before = [UInt64](repeating: 0, count: fences.count)
    for a in fences.indices {
      for b in fences.indices where a != b {
        let isBefore =
          graph.happensBefore(fences[b]).covers(graph.events[fences[a]])
          || (0..<places).contains { lowestAfter[a * places + $0] < highestBefore[b * places + $0] }
        if isBefore { before[b] |= 1 << UInt64(a) }
      }
    }
    return Self.isAcyclic(before)
  }

  private func level(_ event: Event) -> Int32 {
    event.kind == .write ? 2 * event.place : 2 * graph.place(ofSource: event.source) + 1
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

extension Event {
  /// A sequentially consistent fence, or an update between two.
  fileprivate var isStrongFence: Bool {
    kind == .fence && ordering.contains(.isSequentiallyConsistent)
      || kind == .write && isUpdate && ordering.isStrongFence
  }
}

/// The relation psc of RC11 between sequentially consistent accesses and fences:
///
///     scb      = sb ∪ sb≠loc;hb;sb≠loc ∪ hb=loc ∪ mo ∪ fr
///     psc base = ([SC] ∪ [F];hb?) ; scb ; ([SC] ∪ hb?;[F])
///     psc F    = [F] ; (hb ∪ hb;eco;hb) ; [F]
///
/// An update between two fences counts as one fence: whatever reaches one of the two through the update's accesses
/// reaches the other's far side too, because the accesses are neighbours in modification order.
private struct PartialOrderOfStrongEvents {
  let graph: ExecutionGraph
  let count: Int
  /// Relations as rows of bits: `row[a]` holds b if a comes before b.
  typealias Relation = [BitSet]

  init(_ graph: ExecutionGraph) {
    self.graph = graph
    count = graph.count
  }

  var isAcyclic: Bool {
    let happensBefore = happensBefore()
    let (modification, fromReads, readsFrom) = communication()
    let between = order(happensBefore, modification, fromReads)
    var eventual = union(union(modification, fromReads), readsFrom)
    close(&eventual)
    let throughMemory = compose(compose(happensBefore, eventual), happensBefore)

    let strong = (0..<count).filter(isStrong)
    var psc = Relation(repeating: BitSet(count), count: count)
    for a in strong {
      var from = BitSet(count)
      from.insert(a)
      if isFence(a) { from.formUnion(happensBefore[a]) }
      var reached = BitSet(count)
      for event in from.members { reached.formUnion(between[event]) }
      var reachedBeforeFence = reached
      for event in reached.members { reachedBeforeFence.formUnion(happensBefore[event]) }
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

  private func isStrong(_ id: Int) -> Bool {
    graph.events[id].ordering.contains(.isSequentiallyConsistent) || isFence(id)
  }

  private func isFence(_ id: Int) -> Bool { graph.events[id].isStrongFence }

  private func happensBefore() -> Relation {
    var rows = Relation(repeating: BitSet(count), count: count)
    for b in 0..<count {
      let clock = graph.happensBefore(b)
      for racer in 0..<graph.racers {
        var a = graph.first[racer]
        while a >= 0, clock.covers(graph.events[Int(a)]) {
          if a != b { rows[Int(a)].insert(b) }
          a = graph.events[Int(a)].next
        }
      }
    }
    return rows
  }

  private func communication() -> (modification: Relation, fromReads: Relation, readsFrom: Relation) {
    var modification = Relation(repeating: BitSet(count), count: count)
    var (fromReads, readsFrom) = (modification, modification)
    for id in 0..<count {
      let event = graph.events[id]
      var later: Int32
      switch event.kind {
      case .write:
        later = event.later
        while later >= 0 {
          modification[id].insert(Int(later))
          later = graph.events[Int(later)].later
        }
      case .read:
        if event.source >= 0 { readsFrom[Int(event.source)].insert(id) }
        // What a grace period's look comes before is in happens-before, from the grace period's start on.
        if event.update == .look { continue }
        later =
          event.source >= 0
          ? graph.events[Int(event.source)].later : graph.heads[Int(event.location)].firstWrite
        while later >= 0 {
          if !(event.isUpdate && later == event.next) { fromReads[id].insert(Int(later)) }
          later = graph.events[Int(later)].later
        }
      case .fence, .choice: break
      }
    }
    return (modification, fromReads, readsFrom)
  }

  /// scb.
  private func order(_ happensBefore: Relation, _ modification: Relation, _ fromReads: Relation) -> Relation {
    var program = Relation(repeating: BitSet(count), count: count)
    var programElsewhere = program
    for a in 0..<count {
      var b = graph.events[a].next
      while b >= 0 {
        program[a].insert(Int(b))
        if !areAtOneLocation(a, Int(b)) { programElsewhere[a].insert(Int(b)) }
        b = graph.events[Int(b)].next
      }
    }
    var result = union(union(program, modification), fromReads)
    let around = compose(compose(programElsewhere, happensBefore), programElsewhere)
    for a in 0..<count {
      result[a].formUnion(around[a])
      for b in happensBefore[a].members where areAtOneLocation(a, b) { result[a].insert(b) }
    }
    return result
  }

  private func areAtOneLocation(_ a: Int, _ b: Int) -> Bool {
    let (one, other) = (graph.events[a], graph.events[b])
    return one.isAccess && other.isAccess && one.location == other.location
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
