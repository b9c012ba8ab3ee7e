/// What an access depends on: earlier reads of its racer, by their numbers among the racer's events, one bit each.
///
/// By syntax: of its address, of the value that it writes, and of whether it happens at all. A control dependency ends where
/// the ways of the branch join. Only the first 64 events of a racer can be named.
///
/// Where nobody says what an access depends on, its address depends on each read that returned the address of its object.
package struct Dependencies: Equatable {
  package var address: UInt64 = 0
  package var data: UInt64 = 0
  package var control: UInt64 = 0
  private(set) var areKnown = false

  /// Nothing is known of them.
  package init() {}

  package init(address: UInt64, data: UInt64, control: UInt64) {
    self.address = address
    self.data = data
    self.control = control
    areKnown = true
  }

  @inline(__always) mutating func formUnion(_ other: Dependencies) {
    address |= other.address
    data |= other.data
    control |= other.control
    areKnown = areKnown || other.areKnown
  }

  /// Numbers from here on have no bit.
  package static let limit: Int32 = 64

  /// The bit of a racer's event.
  @inline(__always) package static func bit(_ index: Int32) -> UInt64 {
    index >= 0 && index < limit ? 1 << UInt64(index) : 0
  }

}

extension ExecutionGraph {
  /// Adds what an event depends on, and of an update its write.
  func learn(_ id: Int, _ more: Dependencies) {
    events[id].dependencies.formUnion(more)
    if events[id].kind == .read, events[id].isSuccessfulRMW, events[id].poNext >= 0 {
      events[Int(events[id].poNext)].dependencies.formUnion(more)
    }
  }

  /// Visits events of a racer by their bits, `last` and those before it in program order.
  @inline(__always)
  func forEachEvent(of set: UInt64, upTo last: Int32, _ visit: (Int) -> Void) {
    var rest = set
    var id = last
    while rest != 0, id >= 0 {
      let bit = Dependencies.bit(events[Int(id)].index)
      if rest & bit != 0 {
        visit(Int(id))
        rest &= ~bit
      }
      id = events[Int(id)].poPrevious
    }
  }
}
