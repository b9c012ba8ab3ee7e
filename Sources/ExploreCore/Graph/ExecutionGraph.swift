/// One execution, or the part of it that is known: events with program order, reads-from and coherence order.
///
/// An event's number is its place in the order in which events were added. Neighbours in the three orders are links
/// inside the events, so that a graph is copied in one sweep and cut back event by event. Four vector clocks an event
/// stand beside them. Unsafe: owns its storage, which `destroy` frees; whoever makes a graph destroys it.
package struct ExecutionGraph {
  package let racers: Int
  let rules: Rules
  package private(set) var count = 0
  package private(set) var events: UnsafeMutablePointer<Event>
  private var capacity: Int
  private(set) var clocks: UnsafeMutablePointer<UInt16>
  var width: Int { rules.clockWidth }

  /// By racer: the first and the last event, or -1, and how many.
  package let first: UnsafeMutablePointer<Int32>
  package let last: UnsafeMutablePointer<Int32>
  package let length: UnsafeMutablePointer<Int32>
  /// By racer: the event that created it, or -1.
  package let births: UnsafeMutablePointer<Int32>
  /// By location: the ends of the coherence order and the access added last, or -1.
  package private(set) var heads: UnsafeMutablePointer<LocationHead>
  private var locationCapacity: Int
  package private(set) var locationCount = 0

  /// Events that make the axiom about sequentially consistent ones worth looking at.
  private(set) var strongEvents = 0
  /// Choices that went another way than the ordinary one, by what they are about.
  private(set) var failures = 0
  private(set) var spuriousFailures = 0
  /// Polls of grace periods of the read-side sections of a racer.
  private(set) var sectionPolls = 0

  init(racers: Int, rules: Rules) {
    self.racers = racers
    self.rules = rules
    capacity = 64
    locationCapacity = 16
    events = .allocate(capacity: capacity)
    clocks = Self.allocateClocks(capacity, rules.clockWidth)
    heads = .allocate(capacity: locationCapacity)
    first = .allocate(capacity: racers)
    last = .allocate(capacity: racers)
    length = .allocate(capacity: racers)
    births = .allocate(capacity: racers)
    births.initialize(repeating: -1, count: racers)
    first.initialize(repeating: -1, count: racers)
    last.initialize(repeating: -1, count: racers)
    length.initialize(repeating: 0, count: racers)
  }

  func destroy() {
    events.deallocate()
    clocks.deallocate()
    heads.deallocate()
    first.deallocate()
    last.deallocate()
    length.deallocate()
    births.deallocate()
  }

  /// Bytes that it holds.
  var footprint: Int {
    capacity * (MemoryLayout<Event>.stride + 4 * width * 16) + locationCapacity * MemoryLayout<LocationHead>.stride
  }

  private static func allocateClocks(_ capacity: Int, _ width: Int) -> UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer.allocate(byteCount: capacity * 4 * width * 16, alignment: 16)
      .bindMemory(to: UInt16.self, capacity: capacity * 4 * width * 8)
  }
}

/// Where a location's orders begin and end.
package struct LocationHead {
  package var firstWrite: Int32 = -1
  package var lastWrite: Int32 = -1
  package var lastAccess: Int32 = -1
}

extension ExecutionGraph {
  /// A racer's event by its number there.
  package func event(_ racer: Int, _ index: Int32) -> Int32? {
    var id = racer < racers ? first[racer] : -1
    while id >= 0, events[Int(id)].index < index { id = events[Int(id)].poNext }
    return id >= 0 ? id : nil
  }
}

// MARK: Adding and cutting back

extension ExecutionGraph {
  /// Adds an event after its racer's last. Its clocks are the caller's to compute.
  mutating func append(_ new: Event) -> Int {
    withUnsafePointer(to: new) { append(copyOf: $0) }
  }

  /// The same, of an event that is in memory already. Not in this graph, whose events may be moved.
  @inline(__always) private mutating func append(copyOf new: UnsafePointer<Event>) -> Int {
    if count == capacity { grow() }
    let id = count
    count += 1
    let event = events + id
    event.pointee = new.pointee
    let racer = Int(event.pointee.racer)
    event.pointee.index = length[racer]
    event.pointee.poPrevious = last[racer]
    event.pointee.poNext = -1
    if last[racer] >= 0 { events[Int(last[racer])].poNext = Int32(id) } else { first[racer] = Int32(id) }
    last[racer] = Int32(id)
    length[racer] += 1
    if event.pointee.isAccess {
      let location = Int(event.pointee.location)
      makeRoom(for: location)
      event.pointee.previousAccess = heads[location].lastAccess
      heads[location].lastAccess = Int32(id)
    } else if event.pointee.role == .create {
      setBirths(of: event.pointee, to: Int32(id))
    }
    return id
  }

  /// Notes what an event turned out to be, once its value is known.
  mutating func tally(_ id: Int, by sign: Int) {
    let event = events + id
    if event.pointee.kind == .choice, event.pointee.value != 0 {
      switch event.pointee.choice {
      case .allocation: failures += sign
      case .weakUpdate: spuriousFailures += sign
      case .program: break
      }
    }
    if event.pointee.ordering.contains(.isSequentiallyConsistent) { strongEvents += sign }
    // A fence on either side.
    if event.pointee.isFullRMW, event.pointee.kind == .write { strongEvents += 2 * sign }
    if event.pointee.readKind == .sectionPoll { sectionPolls += sign }
  }

  /// Removes the events from number `size` on.
  mutating func truncate(to size: Int) {
    let pollsBefore = sectionPolls
    defer { if sectionPolls < pollsBefore { _ = orderSections() } }
    while count > size {
      count -= 1
      let event = events + count
      tally(count, by: -1)
      let racer = Int(event.pointee.racer)
      let previous = event.pointee.poPrevious
      last[racer] = previous
      if previous >= 0 { events[Int(previous)].poNext = -1 } else { first[racer] = -1 }
      length[racer] -= 1
      if event.pointee.isAccess { heads[Int(event.pointee.location)].lastAccess = event.pointee.previousAccess }
      if event.pointee.kind == .write, event.pointee.coPosition > 0 { unlink(count) }
      if event.pointee.role == .create { setBirths(of: event.pointee, to: -1) }
    }
  }

  private func setBirths(of event: Event, to id: Int32) {
    (births + Int(event.value)).update(repeating: id, count: Int(event.operand))
  }

  /// Changes what an event turned out to be: counted out before, and in after.
  @inline(__always) mutating func revise(_ id: Int, _ change: (inout Event) -> Void) {
    tally(id, by: -1)
    change(&events[id])
    tally(id, by: 1)
  }

  private mutating func makeRoom(for location: Int) {
    guard location >= locationCount else { return }
    if location >= locationCapacity {
      let larger = max(location + 1, locationCapacity * 2)
      let heads = UnsafeMutablePointer<LocationHead>.allocate(capacity: larger)
      heads.update(from: self.heads, count: locationCount)
      self.heads.deallocate()
      self.heads = heads
      locationCapacity = larger
    }
    while locationCount <= location {
      heads[locationCount] = LocationHead()
      locationCount += 1
    }
  }

  private mutating func grow() {
    let larger = capacity * 2
    let events = UnsafeMutablePointer<Event>.allocate(capacity: larger)
    events.update(from: self.events, count: count)
    self.events.deallocate()
    self.events = events
    let clocks = Self.allocateClocks(larger, width)
    clocks.update(from: self.clocks, count: count * 4 * width * 8)
    self.clocks.deallocate()
    self.clocks = clocks
    capacity = larger
  }

  /// Becomes the part of `other` that `keeps` says, in the same order. Answers the new number of `id`.
  mutating func become(_ other: ExecutionGraph, tracking ids: inout [Int], keeps: (Int) -> Bool) {
    reset()
    while capacity < other.count { grow() }
    if other.locationCount > 0 { makeRoom(for: other.locationCount - 1) }
    let numbers = UnsafeMutablePointer<Int32>.allocate(capacity: other.count)
    defer { numbers.deallocate() }
    for id in 0..<other.count {
      guard keeps(id) else {
        numbers[id] = -1
        continue
      }
      let new = append(copyOf: other.events + id)
      events[new].coPrevious = -1
      events[new].coNext = -1
      events[new].coPosition = 0
      // What is read may have been added later: its number is filled in below.
      numbers[id] = Int32(new)
      allClocks(new).copy(other.allClocks(id))
      tally(new, by: 1)
    }
    for id in 0..<count {
      if events[id].kind == .read, events[id].readsFrom >= 0 {
        events[id].readsFrom = numbers[Int(events[id].readsFrom)]
      }
      if events[id].releaseFence >= 0 { events[id].releaseFence = numbers[Int(events[id].releaseFence)] }
    }
    for location in 0..<other.locationCount {
      var write = other.heads[location].firstWrite
      while write >= 0 {
        if numbers[Int(write)] >= 0 { link(Int(numbers[Int(write)]), after: heads[location].lastWrite) }
        write = other.events[Int(write)].coNext
      }
    }
    for index in ids.indices { ids[index] = Int(numbers[ids[index]]) }
  }

  mutating func reset() {
    count = 0
    locationCount = 0
    strongEvents = 0
    sectionPolls = 0
    failures = 0
    spuriousFailures = 0
    for racer in 0..<racers {
      first[racer] = -1
      last[racer] = -1
      length[racer] = 0
      births[racer] = -1
    }
  }
}

extension ExecutionGraph {
  /// A number that depends on who reads from whom and on coherence order, and looks random. (Of the graph as the search
  /// built it, which does so in one way only.)
  package var mix: UInt64 {
    var mix: UInt64 = 0x9e37_79b9_7f4a_7c15
    for id in 0..<count {
      let choices =
        UInt64(UInt32(bitPattern: events[id].readsFrom)) << 32 | UInt64(UInt32(bitPattern: events[id].coPosition))
      mix = (mix ^ choices) &* 0xbf58_476d_1ce4_e5b9
      mix ^= mix >> 29
    }
    return mix
  }
}
