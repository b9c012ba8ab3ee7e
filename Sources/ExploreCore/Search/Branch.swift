/// One graph under construction and what is still to be tried from it: a node of the search.
///
/// The algorithm is TruSt's (Kokologiannakis, Marmanis, Gladstein, Vafeiadis, "Truly stateless, optimal dynamic partial
/// order reduction", POPL 2022): a new read branches over the writes that it may read; a new write branches over its
/// places in coherence order, and *revisits* earlier reads that are not among its causes, deleting what was added
/// after them, if the read and every deleted event were added maximally (`isMaximal`). So each consistent
/// execution is reached once. The first choice is always the latest write, or the last place, which no model forbids.
///
/// What is new here: an update is added whole, read and write in one step, so that a graph in which two updates read the
/// same write is never run; it only gives rise to its revisits.
package struct Branch {
  var graph: ExecutionGraph
  /// What is left to try, the latest last.
  var items: [WorkItem] = []
  /// The read and the write by whose revisit the branch began.
  var origin: (read: Int, write: Int)?
  /// Of the run at hand.
  var lineage = Lineage()

  init(_ graph: ExecutionGraph) { self.graph = graph }
}

/// Something to try, and where it stands in the tree of runs.
struct WorkItem {
  let alternative: Alternative
  let lineage: Lineage
}

/// Something to try instead of what is on a branch's graph. Events by their numbers there.
enum Alternative {
  /// The read reads from `source`.
  case read(Int, source: Int32)
  /// The write comes right after `after` in coherence order.
  case place(Int, after: Int32)
  /// The earlier read reads from the later write.
  case revisit(read: Int, write: Int)
  case choose(Int, UInt64)
}

extension Branch {
  private mutating func push(_ alternative: Alternative) {
    items.append(WorkItem(alternative: alternative, lineage: lineage.child()))
  }
}

// MARK: Adding events

extension Branch {
  /// Adds a read (or a whole update) that reads the latest write. Answers its number.
  mutating func addRead(_ event: Event) -> Int {
    let id = graph.append(event)
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    let location = event.location
    let latest = graph.lastWrite(location)
    if latest >= 0 { pushOtherSources(of: id, latest: latest) }
    settle(id, source: latest)
    if graph.events[id].isSuccessfulRMW { _ = addRMWWrite(of: id) }
    return id
  }

  private mutating func pushOtherSources(of id: Int, latest: Int32) {
    let floor = graph.coherenceLowerBound(of: id)
    var source = latest
    while graph.coPosition(ofSource: source) > floor {
      source = graph.events[Int(source)].coPrevious
      if mayRead(id, source) { push(.read(id, source: source)) }
    }
  }

  /// What symmetry and locks leave out.
  private func mayRead(_ id: Int, _ source: Int32) -> Bool {
    let event = graph.events[id]
    // What has changed since cannot be waited for: a lock that was given back, a section that has ended.
    if event.waits(after: source < 0 ? event.initial : graph.events[Int(source)].value) { return false }
    guard let twin = graph.twin(of: id) else { return true }
    return isInOrder(twin, id, source: source)
  }

  /// Of two interchangeable racers that were the same so far, the later one reads nothing older than the earlier one:
  /// the other way round is the same execution with the two exchanged. Unless what it reads was caused by the earlier
  /// one's read, which makes the exchange another order.
  private func isInOrder(_ twin: Int, _ id: Int, source: Int32) -> Bool {
    let other = graph.events[twin]
    guard other.kind == .read, other.location == graph.events[id].location,
      graph.coPosition(ofSource: source) < graph.coPosition(ofSource: other.readsFrom)
    else { return true }
    return source >= 0 && graph.isCause(twin, of: Int(source))
  }

  /// Gives a read its source, and all that follows from it.
  private mutating func settle(_ id: Int, source: Int32) {
    graph.tally(id, by: -1)
    let event = graph.events + id
    let value = source < 0 ? event.pointee.initial : graph.events[Int(source)].value
    event.pointee.readsFrom = source
    event.pointee.value = value
    event.pointee.isSuccessfulRMW = event.pointee.written(after: value) != nil
    event.pointee.isWaiting = event.pointee.waits(after: value)
    if event.pointee.readKind.isRMW {
      event.pointee.ordering =
        event.pointee.isSuccessfulRMW ? event.pointee.successOrdering : event.pointee.failureOrdering
    }
    graph.tally(id, by: 1)
    graph.computeClocks(id)
    graph.compareWithTwin(id)
  }

  /// Adds the write of an update. Answers whether it has a place.
  private mutating func addRMWWrite(of read: Int) -> Bool {
    let update = graph.events[read]
    guard let value = update.written(after: update.value) else { return true }
    var event = Event(.write, racer: Int(update.racer), ordering: update.ordering)
    event.location = update.location
    event.size = update.size
    event.isSuccessfulRMW = true
    event.value = value
    event.dependencies = update.dependencies
    let id = graph.append(event)
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    pushRevisits(by: id)
    // Two updates of one write: only as the start of revisits.
    if graph.isTaken(update.readsFrom, at: update.location) { return false }
    graph.link(id, after: update.readsFrom)
    graph.compareWithTwin(id)
    return graph.coPosition(ofSource: Int32(id)) > graph.coherenceLowerBound(of: id)
  }

  /// Adds a write in the last place. Answers its number.
  mutating func addWrite(_ event: Event) -> Int {
    let id = graph.append(event)
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    pushRevisits(by: id)
    let latest = graph.lastWrite(event.location)
    let floor = graph.coherenceLowerBound(of: id)
    var after = latest
    while graph.coPosition(ofSource: after) > floor {
      after = graph.events[Int(after)].coPrevious
      if mayFollow(id, after) { push(.place(id, after: after)) }
    }
    graph.link(id, after: latest)
    graph.compareWithTwin(id)
    return id
  }

  private func mayFollow(_ id: Int, _ after: Int32) -> Bool {
    if graph.isTaken(after, at: graph.events[id].location, except: id) { return false }
    guard let twin = graph.twin(of: id) else { return true }
    let other = graph.events[twin]
    guard other.kind == .write, other.location == graph.events[id].location else { return true }
    return graph.coPosition(ofSource: after) >= other.coPosition
  }

  mutating func addFence(_ event: Event) -> Int {
    let id = graph.append(event)
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    graph.compareWithTwin(id)
    return id
  }

  /// Adds a choice that goes the first way, and may go so many.
  mutating func addChoice(_ event: Event, outcomes: Int) -> Int {
    let id = addFence(event)
    for outcome in 1..<max(1, outcomes) { push(.choose(id, UInt64(outcome))) }
    return id
  }
}

// MARK: Adding what a guide says

extension Branch {
  /// Adds a read, or a whole update, that reads from another racer's event, or the initial value.
  mutating func addRead(_ event: Event, source: (racer: Int, index: Int32)?) -> Int {
    let id = graph.append(event)
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    let found = source.flatMap { graph.event(of: $0.racer, at: $0.index) }
    let isWrite = found.map { graph.events[$0].kind == .write && graph.events[$0].location == event.location }
    settle(id, source: isWrite == true ? Int32(found ?? -1) : -1)
    if graph.events[id].isSuccessfulRMW { _ = addRMWWrite(of: id) }
    items.removeAll()
    return id
  }

  /// Adds a write that has, at the end, this place in coherence order.
  mutating func addWrite(_ event: Event, place: Int32) -> Int {
    let id = graph.append(event)
    graph.events[id].finalPosition = place
    graph.computeClocks(id)
    graph.tally(id, by: 1)
    var after = graph.lastWrite(event.location)
    while after >= 0, graph.events[Int(after)].finalPosition > place { after = graph.events[Int(after)].coPrevious }
    graph.link(id, after: after)
    return id
  }
}

// MARK: Revisits

extension Branch {
  private mutating func pushRevisits(by write: Int) {
    let causes = graph.causes(write)
    var access = graph.events[write].previousAccess
    while access >= 0 {
      let read = graph.events[Int(access)]
      if read.kind == .read, !causes.covers(read), isMaximal(read: Int(access), write) {
        push(.revisit(read: Int(access), write: write))
      }
      access = read.previousAccess
    }
  }

  /// TruSt's condition: whether the read, and every event that the revisit deletes, was added maximally, so that each graph
  /// is reached once.
  private func isMaximal(read: Int, _ write: Int) -> Bool {
    let causes = graph.causes(write)
    guard wasAddedMaximally(read, write, causes) else { return false }
    for id in read + 1..<write where !causes.covers(graph.events[id]) {
      if !wasAddedMaximally(id, write, causes) { return false }
    }
    return true
  }

  /// Whether the event read the latest of what was there before it or caused the write, or came after it, and nobody
  /// there reads from it.
  private func wasAddedMaximally(_ id: Int, _ write: Int, _ causes: VectorClock) -> Bool {
    let event = graph.events[id]
    switch event.kind {
    case .fence: return true
    case .choice: return event.value == 0
    case .read, .write: break
    }
    var later: Int32
    if event.kind == .write {
      var access = graph.heads[Int(event.location)].lastAccess
      while access >= 0 {
        let other = graph.events[Int(access)]
        if other.kind == .read, other.readsFrom == id, Int(access) <= id || causes.covers(other) { return false }
        access = other.previousAccess
      }
      later = event.coNext
    } else {
      later =
        event.readsFrom < 0 ? graph.heads[Int(event.location)].firstWrite : graph.events[Int(event.readsFrom)].coNext
    }
    while later >= 0 {
      let other = graph.events[Int(later)]
      if Int(later) != write, Int(later) <= id || causes.covers(other) { return false }
      later = other.coNext
    }
    return true
  }
}

// MARK: Trying something else

extension Branch {
  /// Turns the graph into what the item says. Answers whether that is consistent and so worth a run; revisits that it
  /// gives rise to are pushed in any case.
  mutating func apply(_ item: WorkItem, _ check: ConsistencyCheck) -> Bool {
    lineage = item.lineage
    switch item.alternative {
    case .read(let id, let source):
      graph.truncate(to: id + 1)
      settle(id, source: source)
      // What began after a grace period's poll comes after the grace period's start, though it was there already.
      if graph.events[id].readKind == .sectionPoll, !graph.orderSections() || !graph.isCoherent { return false }
      guard graph.coPosition(ofSource: source) >= graph.coherenceLowerBound(of: id), check.isConsistent(graph, [id])
      else { return false }
      return completeRMW(of: id, check)
    case .place(let id, let after):
      graph.truncate(to: id + 1)
      if graph.events[id].coPosition > 0 { graph.unlink(id) }
      return place(id, after: after, check)
    case .choose(let id, let value):
      graph.truncate(to: id + 1)
      if let twin = graph.twin(of: id), graph.events[twin].value > value { return false }
      graph.revise(id) { $0.value = value }
      graph.compareWithTwin(id)
      return true
    case .revisit:
      return false  // makes a branch of its own
    }
  }

  private mutating func place(_ id: Int, after: Int32, _ check: ConsistencyCheck) -> Bool {
    graph.link(id, after: after)
    graph.compareWithTwin(id)
    if let origin, origin.write == id {
      // Not a word about twins here: a revisited read may be revisited again, by a write that this one causes.
      return check.isConsistent(graph, [id, origin.read]) && completeRMW(of: origin.read, check)
    }
    return check.isConsistent(graph, [id])
  }

  private mutating func completeRMW(of read: Int, _ check: ConsistencyCheck) -> Bool {
    guard graph.events[read].isSuccessfulRMW else { return true }
    let write = graph.count
    return addRMWWrite(of: read) && check.isConsistent(graph, [write])
  }

  /// Becomes a branch that has this one thing to try from another's graph.
  mutating func begin(from other: Branch, _ item: WorkItem) {
    var none: [Int] = []
    graph.become(other.graph, tracking: &none) { _ in true }
    if graph.sectionPolls > 0 { _ = graph.orderSections() }
    items = [item]
    origin = other.origin
  }

  /// Becomes the branch that begins when `read` of another branch reads from `write` instead. Answers whether its graph
  /// is worth a run.
  mutating func begin(
    from other: inout Branch, read: Int, write: Int, _ lineage: Lineage, _ check: ConsistencyCheck
  ) -> Bool {
    self.lineage = lineage
    other.graph.truncate(to: write + 1)
    let causes = other.graph.causes(write)
    let source = other.graph
    var ids = [read, write]
    graph.become(source, tracking: &ids) { $0 <= read || $0 == write || causes.covers(source.events[$0]) }
    items.removeAll(keepingCapacity: true)
    let (read, write) = (ids[0], ids[1])
    origin = (read, write)
    if graph.events[write].coPosition > 0 { graph.unlink(write) }
    settle(read, source: Int32(write))
    // What is gone may have been a poll: there are no more edges than before.
    if graph.sectionPolls > 0 { _ = graph.orderSections() }

    let location = graph.events[write].location
    if graph.events[write].isSuccessfulRMW {
      let source = graph.events[Int(graph.events[write].poPrevious)].readsFrom
      guard
        graph.coPosition(ofSource: source)
          >= max(graph.coherenceLowerBound(of: write), graph.coherenceLowerBound(of: read)),
        !graph.isTaken(source, at: location)
      else { return false }
      return place(write, after: source, check)
    }
    let floor = max(graph.coherenceLowerBound(of: write), graph.coherenceLowerBound(of: read))
    var after = graph.lastWrite(location)
    while true {
      if mayFollow(write, after) { push(.place(write, after: after)) }
      guard graph.coPosition(ofSource: after) > floor else { break }
      after = graph.events[Int(after)].coPrevious
    }
    items.reverse()
    return false
  }
}
