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

/// Storage for relations, which live until it is cut back or goes: a judgement makes a hundred of them, and an allocation
/// for each would take most of its time.
final class RelationRoom<Bits: EventBits> {
  private var blocks: [UnsafeMutablePointer<Bits>] = []
  private var block = -1
  private var used = 0
  private static var rowsOfBlock: Int { 4096 }

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// So many rows, with anything in them.
  fileprivate func take(_ count: Int) -> UnsafeMutablePointer<Bits> {
    precondition(count <= Self.rowsOfBlock)
    if block < 0 || used + count > Self.rowsOfBlock {
      block += 1
      used = 0
      if block == blocks.count { blocks.append(.allocate(capacity: Self.rowsOfBlock)) }
    }
    defer { used += count }
    return blocks[block] + used
  }

  /// Does the work, and takes back the room of what it made.
  @inline(__always) func lend<T, E: Error>(_ work: () throws(E) -> T) throws(E) -> T {
    let (block, used) = (block, used)
    defer { (self.block, self.used) = (block, used) }
    return try work()
  }
}

/// A relation between events: for each the set of those that it leads to. The operators are those of the language that memory
/// models are written in.
///
/// Unsafe: it lies in a room, and must not be used once that is cut back. A copy shares the rows; `copy` has its own.
struct Relation<Bits: EventBits> {
  let rows: UnsafeMutablePointer<Bits>
  let count: Int
  unowned(unsafe) private let room: RelationRoom<Bits>

  /// With anything in it.
  private init(unset count: Int, _ room: RelationRoom<Bits>) {
    rows = room.take(count)
    self.count = count
    self.room = room
  }

  init(count: Int, in room: RelationRoom<Bits>) {
    self.init(unset: count, room)
    rows.initialize(repeating: Bits(), count: count)
  }

  /// `[set]`: each of these to itself; numbers beyond the last event are no events.
  init(identity set: Bits, count: Int, in room: RelationRoom<Bits>) {
    self.init(count: count, in: room)
    for event in 0..<count where set.has(event) { rows[event].insert(event) }
  }

  /// `a * b`.
  init(_ a: Bits, times b: Bits, count: Int, in room: RelationRoom<Bits>) {
    self.init(count: count, in: room)
    for event in 0..<count where a.has(event) { rows[event] = b }
  }

  func insert(_ a: Int, _ b: Int) { rows[a].insert(b) }
  func remove(_ a: Int, _ b: Int) { rows[a].remove(b) }
  func has(_ a: Int, _ b: Int) -> Bool { rows[a].has(b) }
  var isEmpty: Bool { (0..<count).allSatisfy { rows[$0].isEmpty } }

  func copy() -> Relation { made { rows[$0] } }

  /// A new one, of these rows.
  @inline(__always) private func made(_ row: (Int) -> Bits) -> Relation {
    let result = Relation(unset: count, room)
    for event in 0..<count { (result.rows + event).initialize(to: row(event)) }
    return result
  }

  static func == (a: Relation, b: Relation) -> Bool { (0..<a.count).allSatisfy { a.rows[$0] == b.rows[$0] } }

  static func | (a: Relation, b: Relation) -> Relation { a.made { a.rows[$0] | b.rows[$0] } }
  static func & (a: Relation, b: Relation) -> Relation { a.made { a.rows[$0] & b.rows[$0] } }
  static func - (a: Relation, b: Relation) -> Relation { a.made { a.rows[$0] & ~b.rows[$0] } }

  /// `a ; b`.
  static func * (a: Relation, b: Relation) -> Relation {
    a.made { event in
      var set = Bits()
      a.rows[event].forEachEvent { set |= b.rows[$0] }
      return set
    }
  }

  /// `[set] ; self`, and `self ; [set]`.
  func from(_ set: Bits) -> Relation { made { set.has($0) ? rows[$0] : Bits() } }
  func to(_ set: Bits) -> Relation { made { rows[$0] & set } }

  var inverse: Relation {
    let result = Relation(count: count, in: room)
    for event in 0..<count { rows[event].forEachEvent { result.insert($0, event) } }
    return result
  }

  /// `self?`.
  var optional: Relation {
    let result = copy()
    for event in 0..<count { result.insert(event, event) }
    return result
  }

  /// `self+`.
  var closure: Relation {
    let result = copy()
    for middle in 0..<count {
      let further = result.rows[middle]
      if further.isEmpty { continue }
      for event in 0..<count where result.has(event, middle) { result.rows[event] |= further }
    }
    return result
  }

  /// `self*`.
  var star: Relation { closure.optional }

  /// Without each event's way to itself.
  var irreflexive: Relation {
    let result = copy()
    for event in 0..<count { result.rows[event].remove(event) }
    return result
  }

  /// `self*` of a relation without a cycle; nil where it has one.
  var starIfAcyclic: Relation? {
    let closure = closure
    return closure.isIrreflexive ? closure.optional : nil
  }

  var isIrreflexive: Bool { (0..<count).allSatisfy { !has($0, $0) } }
  var isAcyclic: Bool { closure.isIrreflexive }
}
