/// A set of events, by number, of which there are 64 at most.
typealias EventSet = UInt64

/// A relation between events: for each the set of those that it leads to. The operators are those of the language that memory
/// models are written in.
struct Relation: Equatable {
  var rows: [EventSet]

  init(count: Int) { rows = Array(repeating: 0, count: count) }

  /// `[set]`: each of these to itself; numbers beyond the last event are no events.
  init(identity set: EventSet, count: Int) {
    self.init(count: count)
    for event in set.members where event < count { rows[event] = 1 << EventSet(event) }
  }

  /// `a * b`.
  init(_ a: EventSet, times b: EventSet, count: Int) {
    self.init(count: count)
    for event in a.members where event < count { rows[event] = b }
  }

  mutating func insert(_ a: Int, _ b: Int) { rows[a] |= 1 << EventSet(b) }
  func has(_ a: Int, _ b: Int) -> Bool { rows[a] >> EventSet(b) & 1 != 0 }
  var isEmpty: Bool { rows.allSatisfy { $0 == 0 } }

  static func | (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 | $1 } }
  static func & (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 & $1 } }
  static func - (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 & ~$1 } }

  private func merging(_ other: Relation, _ merge: (EventSet, EventSet) -> EventSet) -> Relation {
    var result = self
    for event in rows.indices { result.rows[event] = merge(rows[event], other.rows[event]) }
    return result
  }

  /// `a ; b`.
  static func * (a: Relation, b: Relation) -> Relation {
    var result = Relation(count: a.rows.count)
    for event in a.rows.indices {
      var set: EventSet = 0
      for middle in a.rows[event].members { set |= b.rows[middle] }
      result.rows[event] = set
    }
    return result
  }

  /// `[set] ; self`, and `self ; [set]`.
  func from(_ set: EventSet) -> Relation {
    var result = self
    for event in rows.indices where set >> EventSet(event) & 1 == 0 { result.rows[event] = 0 }
    return result
  }
  func to(_ set: EventSet) -> Relation {
    var result = self
    for event in rows.indices { result.rows[event] &= set }
    return result
  }

  var inverse: Relation {
    var result = Relation(count: rows.count)
    for event in rows.indices { for other in rows[event].members { result.insert(other, event) } }
    return result
  }

  /// `self?`.
  var optional: Relation {
    var result = self
    for event in rows.indices { result.insert(event, event) }
    return result
  }

  /// `self+`.
  var closure: Relation {
    var result = self
    for middle in rows.indices {
      for event in rows.indices where result.has(event, middle) { result.rows[event] |= result.rows[middle] }
    }
    return result
  }

  /// `self*`.
  var star: Relation { closure.optional }

  var isIrreflexive: Bool { rows.indices.allSatisfy { !has($0, $0) } }
  var isAcyclic: Bool { closure.isIrreflexive }
}

extension EventSet {
  var members: Members { Members(rest: self) }

  struct Members: Sequence, IteratorProtocol {
    var rest: EventSet
    mutating func next() -> Int? {
      guard rest != 0 else { return nil }
      defer { rest &= rest - 1 }
      return rest.trailingZeroBitCount
    }
  }
}
