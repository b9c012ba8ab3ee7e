import AddonMemory

/// One execution, or the part of it that is known: events with program order, reads-from and modification order.
///
/// An event's number is its place in the order in which events were added. Neighbours in the three orders are links
/// inside the events, so that a graph is copied in one sweep and cut back event by event. Four vector clocks an event
/// stand beside them. Unsafe: owns its storage, which `destroy` frees; whoever makes a graph destroys it.
struct ExecutionGraph {
  let racers: Int
  let rules: Rules
  private(set) var count = 0
  private(set) var events: UnsafeMutablePointer<Event>
  private var capacity: Int
  private var clocks: UnsafeMutablePointer<UInt16>
  private var width: Int { rules.clockWidth }

  /// By racer: the first and the last event, or -1, and how many.
  let first: UnsafeMutablePointer<Int32>
  let last: UnsafeMutablePointer<Int32>
  let length: UnsafeMutablePointer<Int32>
  /// By location: the ends of the modification order and the access added last, or -1.
  private(set) var heads: UnsafeMutablePointer<LocationHead>
  private var locationCapacity: Int
  private(set) var locationCount = 0

  /// Events that make the axiom about sequentially consistent ones worth looking at.
  private(set) var strongEvents = 0
  /// Choices that went another way than the ordinary one, by what they are about.
  private(set) var failures = 0
  private(set) var spuriousFailures = 0
  /// Looks of grace periods at the read-side sections of a racer.
  private(set) var looks = 0

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
struct LocationHead {
  var firstWrite: Int32 = -1
  var lastWrite: Int32 = -1
  var lastAccess: Int32 = -1
}

// MARK: Clocks

extension ExecutionGraph {
  @inline(__always) private func clock(_ event: Int, _ which: Int) -> VectorClock {
    VectorClock(clocks + (event &* 4 &+ which) &* width &* 8, width: width)
  }
  /// What happens before the event, and the event itself.
  @inline(__always) func happensBefore(_ event: Int) -> VectorClock { clock(event, 0) }
  /// What the event exists because of: program order and reads-from, and the event itself.
  @inline(__always) func causes(_ event: Int) -> VectorClock { clock(event, 1) }
  /// A write's: what a read of it learns.
  @inline(__always) func released(_ event: Int) -> VectorClock { clock(event, 2) }
  /// What an acquiring fence after the event learns.
  @inline(__always) func acquirable(_ event: Int) -> VectorClock { clock(event, 3) }

  /// Fills an event's clocks from those of its racer's event before it, of what it reads, and of its twin.
  mutating func computeClocks(_ id: Int) {
    computeCauses(id)
    computeHappensBefore(id)
  }

  private func computeCauses(_ id: Int) {
    let event = events + id
    let causes = causes(id)
    let previous = Int(event.pointee.previous)
    if previous >= 0 { causes.copy(self.causes(previous)) } else { causes.clear() }
    let source = Int(event.pointee.source)
    if event.pointee.kind == .read, source >= 0 { causes.join(self.causes(source)) }
    if let twin = twin(of: id) {
      // An update is one: nobody keeps its read and not its write.
      causes.join(self.causes(events[twin].isUpdate && events[twin].kind == .read ? Int(events[twin].next) : twin))
    }
    causes[Int(event.pointee.racer)] = event.pointee.index + 1
  }

  /// The clocks but for causes.
  mutating func computeHappensBefore(_ id: Int) {
    let event = events + id
    let (before, pending) = (happensBefore(id), acquirable(id))
    let previous = Int(event.pointee.previous)
    if previous >= 0 {
      before.copy(happensBefore(previous))
      pending.copy(acquirable(previous))
      event.pointee.releaseFence = events[previous].releaseFence
    } else {
      before.clear()
      pending.clear()
      event.pointee.releaseFence = -1
    }
    let ordering = event.pointee.ordering
    switch event.pointee.kind {
    case .read:
      let source = Int(event.pointee.source)
      if source >= 0 {
        if ordering.contains(.acquires) || rules.everyAccessSynchronises {
          before.join(released(source))
        } else if !ordering.contains(.isPlain) {
          pending.join(released(source))
        }
      }
      if ordering.isStrongFence, event.pointee.isUpdate { before.join(pending) }
    case .fence:
      if ordering.contains(.acquires) { before.join(pending) }
      if ordering.contains(.releases) { event.pointee.releaseFence = Int32(id) }
    case .write:
      if event.pointee.beginsSection { forEachGracePeriod(before: id) { before.join(happensBefore($0)) } }
    case .choice: break
    }
    before[Int(event.pointee.racer)] = event.pointee.index + 1
    if event.pointee.kind == .write { computeReleased(id) }
  }

  private mutating func computeReleased(_ id: Int) {
    let event = events + id
    let message = released(id)
    if event.pointee.ordering.contains(.releases) || rules.everyAccessSynchronises {
      message.copy(happensBefore(id))
    } else if event.pointee.releaseFence >= 0, !event.pointee.ordering.contains(.isPlain) {
      message.copy(happensBefore(Int(event.pointee.releaseFence)))
    } else {
      message.clear()
    }
    if event.pointee.isUpdate {
      let source = Int(events[Int(event.pointee.previous)].source)
      if source >= 0 { message.join(released(source)) }
      if event.pointee.ordering.isStrongFence { event.pointee.releaseFence = Int32(id) }
    }
  }

  /// Whether `a` comes causally before `b`, or is `b`.
  @inline(__always) func isCause(_ a: Int, of b: Int) -> Bool { causes(b).covers(events[a]) }
}

// MARK: Adding and cutting back

extension ExecutionGraph {
  /// Adds an event after its racer's last. Its clocks are the caller's to compute.
  mutating func append(_ new: Event) -> Int {
    if count == capacity { grow() }
    let id = count
    count += 1
    events[id] = new
    let event = events + id
    let racer = Int(new.racer)
    event.pointee.index = length[racer]
    event.pointee.previous = last[racer]
    event.pointee.next = -1
    if last[racer] >= 0 { events[Int(last[racer])].next = Int32(id) } else { first[racer] = Int32(id) }
    last[racer] = Int32(id)
    length[racer] += 1
    if new.isAccess {
      let location = Int(new.location)
      makeRoom(for: location)
      event.pointee.previousAccess = heads[location].lastAccess
      heads[location].lastAccess = Int32(id)
    }
    return id
  }

  /// Notes what an event turned out to be, once its value is known.
  mutating func count(_ id: Int, by sign: Int) {
    let event = events[id]
    if event.kind == .choice, event.value != 0 {
      if event.choice == .allocation { failures += sign } else { spuriousFailures += sign }
    }
    let isStrong =
      event.ordering.contains(.isSequentiallyConsistent)
      || event.ordering.isStrongFence && event.isUpdate && event.kind == .write
    if isStrong { strongEvents += sign }
    if event.update == .look { looks += sign }
  }

  /// Removes the events from number `size` on.
  mutating func truncate(to size: Int) {
    let looksBefore = looks
    defer { if looks < looksBefore { _ = orderSections() } }
    while count > size {
      count -= 1
      let event = events[count]
      count(count, by: -1)
      let racer = Int(event.racer)
      last[racer] = event.previous
      if event.previous >= 0 { events[Int(event.previous)].next = -1 } else { first[racer] = -1 }
      length[racer] -= 1
      if event.isAccess { heads[Int(event.location)].lastAccess = event.previousAccess }
      if event.kind == .write, event.place > 0 { unlink(count) }
    }
  }

  /// Changes what an event turned out to be: counted out before, and in after.
  @inline(__always) mutating func revise(_ id: Int, _ change: (inout Event) -> Void) {
    count(id, by: -1)
    change(&events[id])
    count(id, by: 1)
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
      var event = other.events[id]
      event.earlier = -1
      event.later = -1
      event.place = 0
      // What is read may have been added later: its number is filled in below.
      numbers[id] = Int32(append(event))
      let new = Int(numbers[id])
      clock(new, 0).copy(other.clock(id, 0))
      clock(new, 1).copy(other.clock(id, 1))
      clock(new, 2).copy(other.clock(id, 2))
      clock(new, 3).copy(other.clock(id, 3))
      count(new, by: 1)
    }
    for id in 0..<count {
      if events[id].kind == .read, events[id].source >= 0 { events[id].source = numbers[Int(events[id].source)] }
      if events[id].releaseFence >= 0 { events[id].releaseFence = numbers[Int(events[id].releaseFence)] }
    }
    for location in 0..<other.locationCount {
      var write = other.heads[location].firstWrite
      while write >= 0 {
        if numbers[Int(write)] >= 0 { link(Int(numbers[Int(write)]), after: heads[location].lastWrite) }
        write = other.events[Int(write)].later
      }
    }
    for index in ids.indices { ids[index] = Int(numbers[ids[index]]) }
  }

  mutating func reset() {
    count = 0
    locationCount = 0
    strongEvents = 0
    looks = 0
    failures = 0
    spuriousFailures = 0
    for racer in 0..<racers {
      first[racer] = -1
      last[racer] = -1
      length[racer] = 0
    }
  }
}

// MARK: Modification order

extension ExecutionGraph {
  /// The place of the write that a read reads from, in modification order; 0 for the initial value.
  @inline(__always) func place(ofSource source: Int32) -> Int32 { source < 0 ? 0 : events[Int(source)].place }

  /// The last write of a location, or -1.
  @inline(__always) func lastWrite(_ location: Int32) -> Int32 {
    Int(location) < locationCount ? heads[Int(location)].lastWrite : -1
  }

  /// Puts a write right after another in modification order; after -1 it comes first.
  mutating func link(_ id: Int, after earlier: Int32) {
    let location = Int(events[id].location)
    let later = earlier < 0 ? heads[location].firstWrite : events[Int(earlier)].later
    events[id].earlier = earlier
    events[id].later = later
    if earlier < 0 { heads[location].firstWrite = Int32(id) } else { events[Int(earlier)].later = Int32(id) }
    if later < 0 { heads[location].lastWrite = Int32(id) } else { events[Int(later)].earlier = Int32(id) }
    renumber(from: Int32(id))
  }

  mutating func unlink(_ id: Int) {
    let event = events[id]
    let location = Int(event.location)
    if event.earlier < 0 {
      heads[location].firstWrite = event.later
    } else {
      events[Int(event.earlier)].later = event.later
    }
    if event.later < 0 {
      heads[location].lastWrite = event.earlier
    } else {
      events[Int(event.later)].earlier = event.earlier
    }
    events[id].place = 0
    events[id].earlier = -1
    events[id].later = -1
    renumber(from: event.later)
  }

  private mutating func renumber(from id: Int32) {
    var id = id
    while id >= 0 {
      events[Int(id)].place = place(ofSource: events[Int(id)].earlier) + 1
      id = events[Int(id)].later
    }
  }

  /// Whether the write right after this one is an update that reads it: nothing may come between the two.
  @inline(__always) func isTaken(_ write: Int32, at location: Int32, except id: Int = -1) -> Bool {
    let next = write < 0 ? heads[Int(location)].firstWrite : events[Int(write)].later
    return next >= 0 && Int(next) != id && events[Int(next)].isUpdate
  }

  /// The lowest place that coherence leaves to an access: what happens before it has been there, or has seen that.
  func floor(of id: Int) -> Int32 {
    var floor: Int32 = 0
    let before = happensBefore(id)
    let dependency =
      rules.keepsDependencies
      ? dependency(upTo: events[id].previous, on: rules.block(ofLocation: events[id].location)) : nil
    var access = heads[Int(events[id].location)].lastAccess
    while access >= 0 {
      let other = events[Int(access)]
      if Int(access) != id, before.covers(other) || dependency.map({ $0.covers(other) }) == true {
        floor = max(floor, other.kind == .write ? other.place : place(ofSource: other.source))
      }
      access = other.previousAccess
    }
    return floor
  }

  /// In the kernel's model: what a racer has learnt, by its event `last` and before, by loading the address of a block.
  /// Valid until the next call.
  func dependency(upTo last: Int32, on block: Int) -> VectorClock? {
    rules.scratch.clear()
    return joinDependency(upTo: last, on: block) ? rules.scratch : nil
  }

  /// Dependencies chain: an address that was loaded from a block brings along what orders the accesses into that block.
  private func joinDependency(upTo last: Int32, on block: Int) -> Bool {
    var isDependent = false
    var earlier = last
    while earlier >= 0 {
      let event = events[Int(earlier)]
      earlier = event.previous
      guard event.kind == .read, rules.block(of: event.value) == block else { continue }
      if event.source >= 0 {
        rules.scratch.join(released(Int(event.source)))
        isDependent = true
      }
      let own = rules.block(ofLocation: event.location)
      if own != block, own >= rules.space.staticBlocks, joinDependency(upTo: earlier, on: own) { isDependent = true }
    }
    return isDependent
  }
}

// MARK: Twins

extension ExecutionGraph {
  /// The event at this index of the racer before it among interchangeable ones, if both racers were the same so far.
  @inline(__always) func twin(of id: Int) -> Int? {
    guard rules.usesSymmetry else { return nil }
    let event = events[id]
    let other = rules.twin[Int(event.racer)]
    guard other >= 0, event.previous < 0 || events[Int(event.previous)].isLikeTwin else { return nil }
    return self.event(of: Int(other), at: event.index)
  }

  /// A racer's event of this index, if there is one.
  func event(of racer: Int, at index: Int32) -> Int? {
    guard length[racer] > index else { return nil }
    var id: Int32
    if index == 0 {
      id = first[racer]
    } else {
      id = last[racer]
      while events[Int(id)].index > index { id = events[Int(id)].previous }
    }
    return Int(id)
  }

  /// Notes whether an event is the same as its twin, up to the renaming of racers and of what they allocated.
  mutating func compareWithTwin(_ id: Int) {
    events[id].isLikeTwin = twin(of: id).map { areAlike(events[$0], events[id]) } ?? false
  }

  private func areAlike(_ a: Event, _ b: Event) -> Bool {
    guard a.kind == b.kind, a.ordering == b.ordering, a.isUpdate == b.isUpdate, a.isWaiting == b.isWaiting else {
      return false
    }
    switch a.kind {
    case .choice: return a.value == b.value
    case .fence: return true
    case .read:
      guard a.location == b.location || rules.correspond(a.location, b.location) else { return false }
      if a.source < 0 || b.source < 0 { return a.source == b.source }
      let (one, other) = (events[Int(a.source)], events[Int(b.source)])
      let areOwn = one.racer == a.racer && other.racer == b.racer && one.index == other.index
      return a.source == b.source && a.location == b.location || areOwn
    // Two writes to one location have an order, and so are told apart by it.
    case .write: return a.location != b.location && rules.correspond(a.location, b.location)
    }
  }
}
