// Interchangeable racers: of executions that differ by an exchange of them, one is visited.

extension ExecutionGraph {
  /// The event at this index of the racer before it among interchangeable ones, if both racers were the same so far.
  @inline(__always) func twin(of id: Int) -> Int? {
    guard rules.usesSymmetry else { return nil }
    let event = events[id]
    let other = rules.twin[Int(event.racer)]
    guard other >= 0, event.poPrevious < 0 || events[Int(event.poPrevious)].isLikeTwin else { return nil }
    return self.event(of: Int(other), at: event.index)
  }

  /// A racer's event of this index, if there is one.
  package func event(of racer: Int, at index: Int32) -> Int? {
    guard length[racer] > index else { return nil }
    var id: Int32
    if index == 0 {
      id = first[racer]
    } else {
      id = last[racer]
      while events[Int(id)].index > index { id = events[Int(id)].poPrevious }
    }
    return Int(id)
  }

  /// Notes whether an event is the same as its twin, up to the renaming of racers and of what they allocated.
  mutating func compareWithTwin(_ id: Int) {
    events[id].isLikeTwin = twin(of: id).map { areAlike(events[$0], events[id]) } ?? false
  }

  private func areAlike(_ a: Event, _ b: Event) -> Bool {
    guard a.kind == b.kind, a.ordering == b.ordering, a.isSuccessfulRMW == b.isSuccessfulRMW, a.isWaiting == b.isWaiting
    else {
      return false
    }
    switch a.kind {
    case .choice: return a.value == b.value
    case .fence: return true
    case .read:
      guard a.location == b.location || rules.correspond(a.location, b.location) else { return false }
      if a.readsFrom < 0 || b.readsFrom < 0 { return a.readsFrom == b.readsFrom }
      let (one, other) = (events[Int(a.readsFrom)], events[Int(b.readsFrom)])
      let areOwn = one.racer == a.racer && other.racer == b.racer && one.index == other.index
      return a.readsFrom == b.readsFrom && a.location == b.location || areOwn
    // Two writes to one location have an order, and so are told apart by it.
    case .write: return a.location != b.location && rules.correspond(a.location, b.location)
    }
  }
}
