/// A set of events, by number, of which it holds those below `capacity`.
protocol EventBits: Equatable {
  static var capacity: Int { get }
  init()
  func has(_ event: Int) -> Bool
  mutating func insert(_ event: Int)
  mutating func remove(_ event: Int)
  var isEmpty: Bool { get }
  func forEachEvent(_ visit: (Int) -> Void)
  static func | (a: Self, b: Self) -> Self
  static func & (a: Self, b: Self) -> Self
  static prefix func ~ (a: Self) -> Self
}

extension EventBits {
  /// The events below `count`.
  init(below count: Int) {
    self.init()
    for event in 0..<count { insert(event) }
  }
  static func |= (a: inout Self, b: Self) { a = a | b }
}

extension UInt64: EventBits {
  static var capacity: Int { 64 }
  @inline(__always) func has(_ event: Int) -> Bool { self >> UInt64(event) & 1 != 0 }
  @inline(__always) mutating func insert(_ event: Int) { self |= 1 << UInt64(event) }
  @inline(__always) mutating func remove(_ event: Int) { self &= ~(1 << UInt64(event)) }
  var isEmpty: Bool { self == 0 }
  @inline(__always) func forEachEvent(_ visit: (Int) -> Void) {
    var rest = self
    while rest != 0 {
      visit(rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
  }
}

/// For more events than a word has bits.
struct WideBits<Words: SIMD>: EventBits where Words.Scalar == UInt64 {
  private var words: Words
  static var capacity: Int { 64 * Words.scalarCount }

  init() { words = Words() }
  private init(_ words: Words) { self.words = words }
  @inline(__always) func has(_ event: Int) -> Bool { words[event >> 6].has(event & 63) }
  @inline(__always) mutating func insert(_ event: Int) { words[event >> 6].insert(event & 63) }
  @inline(__always) mutating func remove(_ event: Int) { words[event >> 6].remove(event & 63) }
  @inline(__always) var isEmpty: Bool { words == Words() }
  @inline(__always) func forEachEvent(_ visit: (Int) -> Void) {
    for index in words.indices where words[index] != 0 { words[index].forEachEvent { visit(index << 6 | $0) } }
  }
  @inline(__always) static func | (a: Self, b: Self) -> Self { Self(a.words | b.words) }
  @inline(__always) static func & (a: Self, b: Self) -> Self { Self(a.words & b.words) }
  @inline(__always) static prefix func ~ (a: Self) -> Self { Self(~a.words) }
}

/// A relation between events: for each the set of those that it leads to. The operators are those of the language that memory
/// models are written in.
struct Relation<Bits: EventBits>: Equatable {
  var rows: [Bits]

  init(count: Int) { rows = Array(repeating: Bits(), count: count) }

  /// `[set]`: each of these to itself; numbers beyond the last event are no events.
  init(identity set: Bits, count: Int) {
    self.init(count: count)
    for event in 0..<count where set.has(event) { rows[event].insert(event) }
  }

  /// `a * b`.
  init(_ a: Bits, times b: Bits, count: Int) {
    self.init(count: count)
    for event in 0..<count where a.has(event) { rows[event] = b }
  }

  mutating func insert(_ a: Int, _ b: Int) { rows[a].insert(b) }
  func has(_ a: Int, _ b: Int) -> Bool { rows[a].has(b) }
  var isEmpty: Bool { rows.allSatisfy(\.isEmpty) }

  static func | (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 | $1 } }
  static func & (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 & $1 } }
  static func - (a: Relation, b: Relation) -> Relation { a.merging(b) { $0 & ~$1 } }

  @inline(__always) private func merging(_ other: Relation, _ merge: (Bits, Bits) -> Bits) -> Relation {
    var result = self
    for event in rows.indices { result.rows[event] = merge(rows[event], other.rows[event]) }
    return result
  }

  /// `a ; b`.
  static func * (a: Relation, b: Relation) -> Relation {
    var result = Relation(count: a.rows.count)
    for event in a.rows.indices {
      var set = Bits()
      a.rows[event].forEachEvent { set |= b.rows[$0] }
      result.rows[event] = set
    }
    return result
  }

  /// `[set] ; self`, and `self ; [set]`.
  func from(_ set: Bits) -> Relation {
    var result = self
    for event in rows.indices where !set.has(event) { result.rows[event] = Bits() }
    return result
  }
  func to(_ set: Bits) -> Relation {
    var result = self
    for event in rows.indices { result.rows[event] = rows[event] & set }
    return result
  }

  var inverse: Relation {
    var result = Relation(count: rows.count)
    for event in rows.indices { rows[event].forEachEvent { result.insert($0, event) } }
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
      let further = result.rows[middle]
      if further.isEmpty { continue }
      for event in rows.indices where result.has(event, middle) { result.rows[event] |= further }
    }
    return result
  }

  /// `self*`.
  var star: Relation { closure.optional }

  /// Without each event's way to itself.
  var irreflexive: Relation {
    var result = self
    for event in rows.indices { result.rows[event].remove(event) }
    return result
  }

  /// `self*` of a relation without a cycle; nil where it has one.
  var starIfAcyclic: Relation? {
    let closure = closure
    return closure.isIrreflexive ? closure.optional : nil
  }

  var isIrreflexive: Bool { rows.indices.allSatisfy { !has($0, $0) } }
  var isAcyclic: Bool { closure.isIrreflexive }
}
