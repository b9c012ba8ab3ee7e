/// Candidate executions that are alike but for the values: their events and what is known of those from the threads alone,
/// once for all of them. Values, sources of reads and coherence orders are chosen one after the other, and taken back.
final class CandidateSkeleton<Bits: EventBits> {
  private typealias Relation = ExploreCore.Relation<Bits>

  private let enumeration: CandidateEnumeration
  private let threads: [ThreadWays.Skeleton]
  /// By thread: the number of its first event. The initial writes come first, by place.
  private let starts: [Int]
  private let events: [KernelEvent]
  private let room = RelationRoom<Bits>()
  private let po: Relation
  private let model: LinuxKernelModel<Bits>
  /// Whether there is something to flag.
  private let hasFlags: Bool
  /// By place: what the threads write there.
  private let writes: [[Int]]
  /// By thread and place: what the thread does there, in program order.
  private let accesses: [[Int]]
  private let reads: [Int]
  /// By read: writes to its place that do not come after it in its thread.
  private let possibleSources: [[Int]]
  /// By an update's write: its read; -1 of others.
  private let partner: [Int]

  // What is chosen.
  private var values: [UInt64]
  private var states: [Int]
  private var source: [Int]
  private let rf: Relation
  /// By place.
  private var orders: [[Int]]
  private var isOrdered: [Bool]

  init(_ threads: [ThreadWays.Skeleton], _ enumeration: CandidateEnumeration) {
    self.enumeration = enumeration
    self.threads = threads
    let places = enumeration.initial.indices
    var events = places.map { KernelEvent(kind: .write, tags: .initial, thread: -1, location: $0) }
    var starts: [Int] = []
    for thread in threads {
      starts.append(events.count)
      events += thread.events
    }
    let count = events.count
    let room = room
    func none() -> Relation { Relation(count: count, in: room) }
    let (po, addr, data, ctrl, rmw) = (none(), none(), none(), none(), none())
    var partner = Array(repeating: -1, count: count)
    for (thread, start) in zip(threads, starts) {
      for (number, event) in thread.events.enumerated() {
        for later in (number + 1)..<max(number + 1, thread.events.count) { po.insert(start + number, start + later) }
        event.address.forEachEvent { addr.insert(start + $0, start + number) }
        event.data.forEachEvent { data.insert(start + $0, start + number) }
        event.control.forEachEvent { ctrl.insert(start + $0, start + number) }
        if let read = event.partner {
          rmw.insert(start + read, start + number)
          partner[start + number] = start + read
        }
      }
    }
    model = LinuxKernelModel(events, po: po, (addr, data, ctrl), rmw: rmw, in: room)
    hasFlags = events.contains { !$0.tags.isDisjoint(with: .flagged) }
    rf = none()
    self.po = po
    self.partner = partner
    self.starts = starts
    self.events = events
    writes = places.map { place in
      events.indices.filter { $0 >= places.count && events[$0].kind == .write && events[$0].location == place }
    }
    accesses = zip(threads, starts).flatMap { thread, start in
      places.map { place in
        thread.events.indices.filter { thread.events[$0].kind != .fence && thread.events[$0].location == place }
          .map { start + $0 }
      }
    }
    reads = events.indices.filter { events[$0].kind == .read }
    possibleSources = reads.map { read in
      events.indices.filter {
        events[$0].kind == .write && events[$0].location == events[read].location && !po.has(read, $0)
      }
    }
    values = Array(repeating: 0, count: count)
    values.replaceSubrange(places, with: enumeration.initial)
    states = Array(repeating: 0, count: threads.count)
    source = Array(repeating: -1, count: count)
    orders = places.map { _ in [] }
    isOrdered = Array(repeating: false, count: count)
  }

  func visit() throws(ThreadRuns.TooLarge) { try chooseWay(0) }

  /// Chooses a way through each thread from this one on.
  private func chooseWay(_ thread: Int) throws(ThreadRuns.TooLarge) {
    guard thread < threads.count else { return try chooseSource(0) }
    let start = starts[thread]
    for way in threads[thread].ways where !enumeration.isStopped {
      for (number, value) in way.values.enumerated() { values[start + number] = value }
      states[thread] = way.state
      if isPossible(upTo: thread), enumeration.isWanted(states[...thread]) { try chooseWay(thread + 1) }
    }
  }

  /// Whether each read of the threads that have their way finds its value somewhere, or may still find it.
  private func isPossible(upTo thread: Int) -> Bool {
    let end = starts[thread] + threads[thread].events.count
    for (number, read) in reads.enumerated() {
      if read >= end { break }
      let value = values[read]
      let isThere = possibleSources[number].contains { $0 < end && values[$0] == value }
      if !isThere, !enumeration.mayStillWrite(value, to: events[read].location, from: thread + 1) { return false }
    }
    return true
  }

  /// Chooses a source for each read from this one on.
  private func chooseSource(_ number: Int) throws(ThreadRuns.TooLarge) {
    guard number < reads.count else {
      if !enumeration.withLoadBuffering, !room.lend({ (po | rf).isAcyclic }) { return }
      return try chooseOrder()
    }
    let read = reads[number]
    for write in possibleSources[number] where values[write] == values[read] {
      source[read] = write
      rf.insert(write, read)
      try chooseSource(number + 1)
      rf.remove(write, read)
    }
  }

  /// Which writes to a place have to come before which others, so that the place is coherent: by program order, and by what
  /// the reads have read.
  private func coherence() -> Relation {
    let before = Relation(count: events.count, in: room)
    for accesses in accesses {
      for (number, first) in accesses.enumerated() {
        let earlier = events[first].kind == .read ? source[first] : first
        for second in accesses[(number + 1)...] {
          let later = events[second].kind == .read ? source[second] : second
          if earlier != later { before.insert(earlier, later) }
        }
      }
    }
    return before
  }

  private func chooseOrder() throws(ThreadRuns.TooLarge) {
    try room.lend { () throws(ThreadRuns.TooLarge) in
      let before = coherence()
      // Nothing comes before the initial writes.
      let initial = Bits(below: orders.count)
      if events.indices.contains(where: { !(before.rows[$0] & initial).isEmpty }) { return }
      try chooseOrder(0, before)
    }
  }

  /// Chooses an order of the writes to each place from this one on, in which an update's write comes right after what the
  /// update read.
  private func chooseOrder(_ place: Int, _ before: Relation) throws(ThreadRuns.TooLarge) {
    guard place < writes.count else { return try judge() }
    let writes = writes[place]
    guard orders[place].count < writes.count else { return try chooseOrder(place + 1, before) }
    let last = orders[place].last ?? place
    let updates = writes.filter { !isOrdered[$0] && partner[$0] >= 0 && source[partner[$0]] == last }
    // Of updates that read the same one alone can come next to it.
    if updates.count > 1 { return }
    for write in updates.isEmpty ? writes : updates {
      let isNext =
        !isOrdered[write] && (!updates.isEmpty || partner[write] < 0)
        && !writes.contains { !isOrdered[$0] && before.has($0, write) }
      guard isNext else { continue }
      isOrdered[write] = true
      orders[place].append(write)
      try chooseOrder(place, before)
      orders[place].removeLast()
      isOrdered[write] = false
    }
  }

  private func judge() throws(ThreadRuns.TooLarge) {
    if enumeration.isStopped { return }
    try enumeration.countCandidate(of: events.count)
    let end = enumeration.end(states) { values[orders[$0].last ?? $0] }
    guard enumeration.isWanted(end) else { return }
    room.lend {
      let co = Relation(count: events.count, in: room)
      for (place, order) in orders.enumerated() {
        var later = Bits()
        for write in order.reversed() {
          co.rows[write] = later
          later.insert(write)
        }
        co.rows[place] = later
      }
      let judgement = model.judge(rf: rf, co: co, isCoherent: true)
      if judgement == .forbidden { return }
      enumeration.note(end, isRacy: judgement == .racy, hasFlags ? model.flags(rf: rf) : []) {
        var events = events
        for event in events.indices { events[event].value = values[event] }
        return CandidateTrace(events, rf: rf, co: co, enumeration.places).counterexample
      }
    }
  }
}
