// The relations of an execution graph, by the field's names. "Before" visits what comes directly before an event, which is
// what a search for cycles needs; "after" visits all that comes after it.
//
//     po  program order             one racer's events
//     rf  reads-from                from a write to the reads that have its value
//     co  coherence order           the writes to one location
//     fr  from-reads                from a read to the writes that come in co after the one it read
//
// Polls of grace periods are no accesses of their own: they are in rf, and not in fr. Instead a grace period that polled
// what was there before a section comes before that section.

extension ExecutionGraph {
  /// With what comes first where racers create others and wait for their end.
  @inline(__always) func forEachPO(before event: Event, _ visit: (Int) -> Void) {
    if event.poPrevious >= 0 { visit(Int(event.poPrevious)) } else { forEachBirth(of: event, visit) }
    if event.role == .join { forEachEnd(before: event, visit) }
  }

  /// What created the racer of an event.
  @inline(__always) func forEachBirth(of event: Event, _ visit: (Int) -> Void) {
    let birth = births[Int(event.racer)]
    if birth >= 0 { visit(Int(birth)) }
  }

  /// The last event of the racer that a join waited for, or else what created that racer.
  func forEachEnd(before join: Event, _ visit: (Int) -> Void) {
    let target = Int(join.value)
    if last[target] >= 0 { visit(Int(last[target])) } else if births[target] >= 0 { visit(Int(births[target])) }
  }

  @inline(__always) func forEachRF(before read: Event, _ visit: (Int) -> Void) {
    if read.readsFrom >= 0 { visit(Int(read.readsFrom)) }
  }

  @inline(__always) func forEachCO(before write: Event, _ visit: (Int) -> Void) {
    if write.coPrevious >= 0 { visit(Int(write.coPrevious)) }
  }

  /// Of a write that has its place in co: the reads of the write before it, an update's own excepted.
  @inline(__always) func forEachFR(before write: Event, _ visit: (Int) -> Void) {
    var access = heads[Int(write.location)].lastAccess
    while access >= 0 {
      let other = events[Int(access)]
      if other.kind == .read, other.readsFrom == write.coPrevious,
        !(write.isSuccessfulRMW && access == write.poPrevious), other.readKind != .sectionPoll
      {
        visit(Int(access))
      }
      access = other.previousAccess
    }
  }

  /// rf, co and fr.
  @inline(__always) func forEachCommunication(before id: Int, _ event: Event, _ visit: (Int) -> Void) {
    switch event.kind {
    case .read: forEachRF(before: event, visit)
    case .write:
      guard event.coPosition > 0 else { return }
      forEachCO(before: event, visit)
      forEachFR(before: event, visit)
      if event.beginsSection { forEachGracePeriod(before: id, visit) }
    case .fence, .choice: break
    }
  }

  func forEachCO(after write: Event, _ visit: (Int) -> Void) { forEachWrite(from: write.coNext, visit) }

  func forEachFR(after read: Event, _ visit: (Int) -> Void) {
    if read.readKind == .sectionPoll { return }
    let overwriter =
      read.readsFrom >= 0 ? events[Int(read.readsFrom)].coNext : heads[Int(read.location)].firstWrite
    forEachWrite(from: overwriter) { write in
      if !(read.isSuccessfulRMW && write == Int(read.poNext)) { visit(write) }
    }
  }

  /// A write and those after it in co.
  private func forEachWrite(from first: Int32, _ visit: (Int) -> Void) {
    var write = first
    while write >= 0 {
      visit(Int(write))
      write = events[Int(write)].coNext
    }
  }
}
