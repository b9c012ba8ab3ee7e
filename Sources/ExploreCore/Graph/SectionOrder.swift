/// Grace periods and read-side sections on a graph.
///
/// A section is two stores to a word that its racer alone writes: an odd value when it begins, an even one when it ends.
/// A grace period is a strong fence, a *poll* of each racer's word, and a strong fence. Of a section and a grace period
/// of its domain one of two things holds, and what the poll reads says which:
///
/// - it reads what the section's end wrote, or something later: then all of the section happens before the end of the
///   grace period, by an ordinary release and acquire;
/// - it reads something that was there before the section: then the start of the grace period happens before all of the
///   section, and that is an edge of its own, from the first fence to the store that begins the section.
///
/// A poll that reads an odd value waits; so each of the two is visited where it is consistent, and nothing else. (The
/// guarantee as in Alglave, Maranget, McKenney, Parri, Stern, "Frightening small children and disconcerting grown-ups:
/// concurrency in the Linux kernel", ASPLOS 2018, section 4.)
extension ExecutionGraph {
  /// The grace periods that begin before the section which this event begins, by their first fences.
  @inline(__always) func forEachGracePeriod(before section: Int, _ body: (Int) -> Void) {
    guard sectionPolls > 0 else { return }
    let begin = events[section]
    var access = heads[Int(begin.location)].lastAccess
    while access >= 0 {
      let poll = events[Int(access)]
      if poll.readKind == .sectionPoll, !poll.isWaiting,
        poll.readsFrom < 0 || events[Int(poll.readsFrom)].index < begin.index
      {
        body(startOfGracePeriod(Int(access)))
      }
      access = poll.previousAccess
    }
  }

  /// The fence that begins a poll's grace period.
  func startOfGracePeriod(_ poll: Int) -> Int {
    var id = events[poll].poPrevious
    while events[Int(id)].kind != .fence { id = events[Int(id)].poPrevious }
    return Int(id)
  }

  /// Computes what happens before what anew, because a poll has said, or no longer says, that a section which was there
  /// already comes after its grace period. Answers whether that is an order.
  mutating func orderSections() -> Bool {
    let next = UnsafeMutablePointer<Int32>.allocate(capacity: racers)
    defer { next.deallocate() }
    next.update(from: first, count: racers)
    var left = count
    var isStuck = false
    while left > 0, !isStuck {
      isStuck = true
      for racer in 0..<racers {
        while next[racer] >= 0, isReady(Int(next[racer]), next) {
          computeHappensBefore(Int(next[racer]))
          next[racer] = events[Int(next[racer])].poNext
          left -= 1
          isStuck = false
        }
      }
    }
    return !isStuck
  }

  /// Whether everything that happens right before an event has its clock already.
  private func isReady(_ id: Int, _ next: UnsafeMutablePointer<Int32>) -> Bool {
    func isDone(_ id: Int32) -> Bool {
      let racer = Int(events[Int(id)].racer)
      return next[racer] < 0 || events[Int(next[racer])].index > events[Int(id)].index
    }
    let event = events[id]
    var isReady = event.kind == .read && event.readsFrom >= 0 ? isDone(event.readsFrom) : true
    if event.poPrevious < 0 { forEachBirth(of: event) { isReady = isReady && isDone(Int32($0)) } }
    if event.role == .join { forEachEnd(before: event) { isReady = isReady && isDone(Int32($0)) } }
    if event.beginsSection { forEachGracePeriod(before: id) { isReady = isReady && isDone(Int32($0)) } }
    return isReady
  }

  /// Whether no access stands below what happens before it, in coherence order.
  var isCoherent: Bool {
    for id in 0..<count where events[id].isAccess {
      let event = events[id]
      switch event.kind {
      case .read: if coPosition(ofSource: event.readsFrom) < coherenceLowerBound(of: id) { return false }
      default: if event.coPosition > 0, event.coPosition <= coherenceLowerBound(of: id) { return false }
      }
    }
    return true
  }
}
