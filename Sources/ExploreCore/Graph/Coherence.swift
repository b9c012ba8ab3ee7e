// Coherence: the coherence order of each location.

extension ExecutionGraph {
  /// The place of the write that a read reads from, in coherence order; 0 for the initial value.
  @inline(__always) func coPosition(ofSource source: Int32) -> Int32 { source < 0 ? 0 : events[Int(source)].coPosition }

  /// The last write of a location, or -1.
  @inline(__always) package func lastWrite(_ location: Int32) -> Int32 {
    Int(location) < locationCount ? heads[Int(location)].lastWrite : -1
  }

  /// Puts a write right after another in coherence order; after -1 it comes first.
  mutating func link(_ id: Int, after earlier: Int32) {
    let location = Int(events[id].location)
    let later = earlier < 0 ? heads[location].firstWrite : events[Int(earlier)].coNext
    events[id].coPrevious = earlier
    events[id].coNext = later
    if earlier < 0 { heads[location].firstWrite = Int32(id) } else { events[Int(earlier)].coNext = Int32(id) }
    if later < 0 { heads[location].lastWrite = Int32(id) } else { events[Int(later)].coPrevious = Int32(id) }
    renumber(from: Int32(id))
  }

  mutating func unlink(_ id: Int) {
    let event = events[id]
    let location = Int(event.location)
    if event.coPrevious < 0 {
      heads[location].firstWrite = event.coNext
    } else {
      events[Int(event.coPrevious)].coNext = event.coNext
    }
    if event.coNext < 0 {
      heads[location].lastWrite = event.coPrevious
    } else {
      events[Int(event.coNext)].coPrevious = event.coPrevious
    }
    events[id].coPosition = 0
    events[id].coPrevious = -1
    events[id].coNext = -1
    renumber(from: event.coNext)
  }

  private mutating func renumber(from id: Int32) {
    var id = id
    while id >= 0 {
      events[Int(id)].coPosition = coPosition(ofSource: events[Int(id)].coPrevious) + 1
      id = events[Int(id)].coNext
    }
  }

  /// Whether the write right after this one is an update that reads it: nothing may come between the two.
  @inline(__always) func isTaken(_ write: Int32, at location: Int32, except id: Int = -1) -> Bool {
    let next = write < 0 ? heads[Int(location)].firstWrite : events[Int(write)].coNext
    return next >= 0 && Int(next) != id && events[Int(next)].isSuccessfulRMW
  }

  /// The lowest place that coherence leaves to an access: what happens before it has been there, or has seen that.
  func coherenceLowerBound(of id: Int) -> Int32 {
    var floor: Int32 = 0
    let before = happensBefore(id)
    let dependency = rules.isLinuxKernel ? dependency(of: id) : nil
    var access = heads[Int(events[id].location)].lastAccess
    while access >= 0 {
      let other = events[Int(access)]
      if Int(access) != id, before.covers(other) || dependency.map({ $0.covers(other) }) == true {
        floor = max(floor, other.kind == .write ? other.coPosition : coPosition(ofSource: other.readsFrom))
      }
      access = other.previousAccess
    }
    return floor
  }

  /// In the kernel's model: what an access has learnt by loading the address that it is to. Valid until the next call.
  func dependency(of id: Int) -> VectorClock? {
    dependency(
      upTo: events[id].poPrevious, on: rules.space.address(of: events[id].location), events[id].dependencies)
  }

  /// The same of an access that comes after a racer's event `last`.
  func dependency(upTo last: Int32, on address: UInt, _ dependencies: Dependencies) -> VectorClock? {
    rules.scratch.clear()
    return joinDependency(upTo: last, on: address, dependencies) ? rules.scratch : nil
  }

  /// Dependencies chain: an address that was loaded from a block brings along what orders the accesses into that block.
  private func joinDependency(upTo last: Int32, on address: UInt, _ dependencies: Dependencies) -> Bool {
    var isDependent = false
    let block = rules.space.block(of: address)
    forEachAddressDependency(upTo: last, on: address, dependencies) { id in
      let event = events[id]
      if event.ordering.contains(.isPlain) { return }
      // Of its own write a racer learns nothing: only what that write depends on orders (`Kernel`).
      if event.readsFrom >= 0, events[Int(event.readsFrom)].racer != event.racer {
        rules.scratch.join(released(Int(event.readsFrom)))
        isDependent = true
      }
      let place = rules.space.address(of: event.location)
      let own = rules.space.block(of: place)
      let chains = dependencies.areKnown || own != block && rules.space.isHeapBlock(own)
      if chains, joinDependency(upTo: event.poPrevious, on: place, event.dependencies) { isDependent = true }
    }
    return isDependent
  }

  /// The reads, `last` and those before it in program order, that an address depends on, the latest first.
  @inline(__always)
  func forEachAddressDependency(
    upTo last: Int32, on address: UInt, _ dependencies: Dependencies, _ visit: (Int) -> Void
  ) {
    if dependencies.areKnown { return forEachEvent(of: dependencies.address, upTo: last, visit) }
    let block = rules.space.block(of: address)
    var earlier = last
    while earlier >= 0 {
      let event = events[Int(earlier)]
      if event.kind == .read, leads(event.value, to: address, in: block) { visit(Int(earlier)) }
      earlier = event.poPrevious
    }
  }

  /// Whether a value is the address of the object that an address lies in. Of a program's variables nobody knows where one
  /// ends: what comes within a page of it counts.
  private func leads(_ value: UInt64, to address: UInt, in block: Int) -> Bool {
    if block >= 0 { return rules.block(of: value) == block }
    let pointer = UInt(truncatingIfNeeded: value)
    return pointer >= 4096 && address &- pointer < 4096
  }
}
