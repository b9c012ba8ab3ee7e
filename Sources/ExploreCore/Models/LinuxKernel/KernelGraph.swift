/// An execution graph as the kernel's model sees it: marked and plain accesses, barriers, and the relations between them.
///
/// Grace periods are resolved on the graph: for each read-side section a poll has said which of the two comes first
/// (`SectionOrder`), and that orders what a strong fence would. There is such a choice without a cycle just where the
/// `rcu` axiom holds (ASPLOS 2018, theorem 1).
///
/// Dependencies are those that accesses say (`Dependencies`). Where they say none, address dependencies are those that
/// `ExecutionGraph.leads` finds, and of data and control dependencies there are none but an update's own.
struct KernelGraph {
  private let graph: ExecutionGraph
  private var events: [KernelEvent] = []
  /// By the graph's number: the place in `events`, or -1, and how many come before it there.
  private var places: [Int]
  private var placesBefore: [Int]
  /// By racer.
  private var threads: [Range<Int>] = []
  /// By location: of the initial value, where somebody reads that.
  private var initialPlaces: [Int: Int] = [:]
  private var extraPlaces: [Int]
  /// Of which writes the dependencies on values and branches count.
  private let keeps: (Int) -> Bool
  private var extraAddresses: [(place: Int, address: UInt, dependencies: Dependencies)] = []

  /// An access that is not on the graph, or not yet: it comes after so many of its racer's events.
  struct Access {
    var racer: Int
    var eventsBefore: Int32
    var isWrite: Bool
    var address: UInt
    var ordering = EventOrdering.isPlain
    var dependencies = Dependencies()
  }

  /// - Parameter keeping: of which writes, by number, dependencies on values and branches count; of all, where the rules do
  ///   not say otherwise.
  init(_ graph: ExecutionGraph, extra: [Access] = [], keeping keeps: ((Int) -> Bool)? = nil) {
    self.graph = graph
    let keepsAll = !graph.rules.breaksDependencies
    self.keeps = keeps ?? { _ in keepsAll }
    places = Array(repeating: -1, count: graph.count)
    placesBefore = Array(repeating: 0, count: graph.count)
    extraPlaces = Array(repeating: -1, count: extra.count)
    for racer in 0..<graph.racers {
      let start = events.count
      var id = graph.first[racer]
      while id >= 0 {
        addExtra(extra, racer, before: graph.events[Int(id)].index)
        placesBefore[Int(id)] = events.count
        add(Int(id))
        id = graph.events[Int(id)].poNext
      }
      addExtra(extra, racer, before: .max)
      threads.append(start..<events.count)
    }
    addInitialWrites()
  }

  // MARK: Events

  private mutating func addExtra(_ extra: [Access], _ racer: Int, before index: Int32) {
    for (number, access) in extra.enumerated()
    where access.racer == racer && extraPlaces[number] < 0 && access.eventsBefore <= index {
      extraPlaces[number] = events.count
      extraAddresses.append((events.count, access.address, access.dependencies))
      events.append(
        KernelEvent(
          kind: access.isWrite ? .write : .read, tags: tags(access.ordering, isRead: !access.isWrite), thread: racer,
          location: graph.locationCount))
    }
  }

  private mutating func add(_ id: Int) {
    let event = graph.events[id]
    let racer = Int(event.racer)
    func barrier(_ tags: KernelEvent.Tags) { events.append(KernelEvent(kind: .fence, tags: tags, thread: racer)) }
    switch event.kind {
    case .choice: return
    case .fence:
      if event.ordering.contains(.isSequentiallyConsistent) { return barrier(.fullBarrier) }
      if event.role != .ordinary { return }
      if event.ordering.contains(.acquires) {
        barrier(event.ordering.contains(.isReadBarrier) ? .readBarrier : .acquireFence)
      }
      if event.ordering.contains(.releases) {
        barrier(event.ordering.contains(.isWriteBarrier) ? .writeBarrier : .releaseFence)
      }
    case .read, .write:
      if event.readKind == .sectionPoll || event.isWaiting || event.isOfSection { return }
      if event.kind == .read, event.isFullRMW || event.isSequentiallyConsistent { barrier(.fullBarrier) }
      if event.kind == .write, event.isSequentiallyConsistent, !event.isSuccessfulRMW { barrier(.fullBarrier) }
      places[id] = events.count
      events.append(
        KernelEvent(
          kind: event.kind == .read ? .read : .write, tags: tags(event), thread: racer, location: Int(event.location)))
      if event.kind == .write, event.isFullRMW || event.isSequentiallyConsistent { barrier(.fullBarrier) }
      if event.kind == .read, event.isSequentiallyConsistent, !event.isSuccessfulRMW { barrier(.fullBarrier) }
    }
  }

  private func tags(_ ordering: EventOrdering, isRead: Bool) -> KernelEvent.Tags {
    if ordering.contains(.isPlain) { return [] }
    if isRead { return ordering.contains(.acquires) ? .acquire : .once }
    return ordering.contains(.releases) ? .release : .once
  }

  private func tags(_ event: Event) -> KernelEvent.Tags {
    let isRead = event.kind == .read
    var tags = tags(event.ordering, isRead: isRead)
    if event.ordering.contains(.isPlain) { return tags }
    if event.isSuccessfulRMW {
      tags.insert(.update)
      let read = isRead ? event : graph.events[Int(event.poPrevious)]
      if read.readKind == .lockAttempt { tags.insert(isRead ? .lockRead : .lockWrite) }
    } else if !isRead, isUnlock(event) {
      tags.insert(.unlock)
    }
    return tags
  }

  /// Whether a write gives a lock back that the same racer has taken.
  private func isUnlock(_ write: Event) -> Bool {
    guard write.ordering.contains(.releases), write.coPrevious >= 0 else { return false }
    let before = graph.events[Int(write.coPrevious)]
    return before.racer == write.racer && before.isSuccessfulRMW
      && graph.events[Int(before.poPrevious)].readKind == .lockAttempt
  }

  private mutating func addInitialWrites() {
    for id in 0..<graph.count where places[id] >= 0 {
      let event = graph.events[id]
      guard event.kind == .read, event.readsFrom < 0, initialPlaces[Int(event.location)] == nil else { continue }
      initialPlaces[Int(event.location)] = events.count
      events.append(KernelEvent(kind: .write, tags: .initial, thread: -1, location: Int(event.location)))
    }
  }

  // MARK: Relations

  private func model<Bits>(_ room: RelationRoom<Bits>) -> LinuxKernelModel<Bits> {
    func none() -> Relation<Bits> { Relation(count: events.count, in: room) }
    let (po, rmw, data, ctrl) = (none(), none(), none(), none())
    for thread in threads {
      var later = Bits()
      for place in thread.reversed() {
        po.rows[place] = later
        later.insert(place)
      }
    }
    for id in 0..<graph.count where places[id] >= 0 {
      let event = graph.events[id]
      if event.kind == .write, event.isFragile, keeps(id) {
        graph.forEachEvent(of: event.dependencies.data, upTo: event.poPrevious) {
          if places[$0] >= 0 { data.insert(places[$0], places[id]) }
        }
        graph.forEachEvent(of: event.dependencies.control, upTo: event.poPrevious) {
          if places[$0] >= 0 { ctrl.insert(places[$0], places[id]) }
        }
      }
      guard event.kind == .read, event.isSuccessfulRMW, event.poNext >= 0 else { continue }
      rmw.insert(places[id], places[Int(event.poNext)])
      if event.readKind.computesFromWhatItRead { data.insert(places[id], places[Int(event.poNext)]) }
    }
    return LinuxKernelModel(
      events, po: po, (addressDependencies(room), data, ctrl), rmw: rmw, strong: strong(room), in: room)
  }

  private func addressDependencies<Bits>(_ room: RelationRoom<Bits>) -> Relation<Bits> {
    let addr = Relation(count: events.count, in: room)
    func note(_ place: Int, _ address: UInt, _ dependencies: Dependencies, after last: Int32) {
      graph.forEachAddressDependency(upTo: last, on: address, dependencies) {
        if places[$0] >= 0 { addr.insert(places[$0], place) }
      }
    }
    for id in 0..<graph.count where places[id] >= 0 {
      let event = graph.events[id]
      note(
        places[id], graph.rules.space.address(of: event.location), event.dependencies, after: event.poPrevious)
    }
    for (place, address, dependencies) in extraAddresses {
      let racer = events[place].thread
      var last = graph.last[racer]
      while last >= 0, placesBefore[Int(last)] > place { last = graph.events[Int(last)].poPrevious }
      note(place, address, dependencies, after: last)
    }
    return addr
  }

  /// What the beginnings and ends of racers order, and what grace periods do.
  private func strong<Bits>(_ room: RelationRoom<Bits>) -> Relation<Bits>? {
    var strong: Relation<Bits>?
    func insert(_ earlier: Range<Int>, _ later: Range<Int>) {
      if earlier.isEmpty || later.isEmpty { return }
      let relation = strong ?? Relation(count: events.count, in: room)
      var set = Bits()
      for place in later { set.insert(place) }
      for place in earlier { relation.rows[place] |= set }
      strong = relation
    }
    for id in 0..<graph.count {
      let event = graph.events[id]
      let own = threads[Int(event.racer)]
      if event.role == .create {
        for racer in Int(event.value)..<Int(event.value) + Int(event.operand) {
          insert(own.lowerBound..<placesBefore[id], threads[racer])
        }
      } else if event.role == .join {
        insert(threads[Int(event.value)], placesBefore[id]..<own.upperBound)
      } else if event.readKind == .sectionPoll, event.kind == .read, !event.isWaiting {
        forEachOrderOfSections(poll: id, insert)
      }
    }
    return strong
  }

  private func forEachOrderOfSections(poll id: Int, _ insert: (Range<Int>, Range<Int>) -> Void) {
    let poll = graph.events[id]
    let own = threads[Int(poll.racer)]
    var write = graph.heads[Int(poll.location)].firstWrite
    var index: Int32 = -1
    if poll.readsFrom >= 0 {
      let end = graph.events[Int(poll.readsFrom)]
      index = end.index
      var last = poll.poNext
      while last >= 0, graph.events[Int(last)].role != .gracePeriodEnd { last = graph.events[Int(last)].poNext }
      if last >= 0 {
        insert(
          threads[Int(end.racer)].lowerBound..<placesBefore[Int(poll.readsFrom)],
          placesBefore[Int(last)]..<own.upperBound)
      }
    }
    while write >= 0 {
      let begin = graph.events[Int(write)]
      if begin.beginsSection, begin.index > index {
        let start = graph.startOfGracePeriod(id)
        insert(own.lowerBound..<placesBefore[start], placesBefore[Int(write)]..<threads[Int(begin.racer)].upperBound)
        return
      }
      write = begin.coNext
    }
  }

  private func communication<Bits>(_ room: RelationRoom<Bits>) -> (rf: Relation<Bits>, co: Relation<Bits>) {
    let (rf, co) = (Relation(count: events.count, in: room), Relation(count: events.count, in: room))
    for id in 0..<graph.count where places[id] >= 0 {
      let event = graph.events[id]
      if event.kind == .read {
        let source = event.readsFrom >= 0 ? places[Int(event.readsFrom)] : initialPlaces[Int(event.location)] ?? -1
        if source >= 0 { rf.insert(source, places[id]) }
      } else if event.coPosition > 0 {
        graph.forEachCO(after: event) { if places[$0] >= 0 { co.insert(places[id], places[$0]) } }
        if let initial = initialPlaces[Int(event.location)] { co.insert(initial, places[id]) }
      }
    }
    return (rf, co)
  }

  // MARK: Answers

  /// The most events whose order is computed.
  static let mostEvents = WideBits<SIMD16<UInt64>>.capacity

  private var isTooLong: Bool {
    if events.count <= Self.mostEvents { return false }
    graph.rules.fragility.pointee.sawTooLong = true
    return true
  }

  /// Whether every axiom holds. Executions of more than 1,024 events are taken for consistent, and what they access plainly
  /// for unordered: nothing is missed, and it is said.
  ///
  /// - Parameter isCoherent: coherence holds, as it does of every graph that the search builds.
  func isConsistent(isCoherent: Bool = true) -> Bool {
    if events.count <= UInt64.capacity { return isConsistent(isCoherent, UInt64.self) }
    if events.count <= WideBits<SIMD4<UInt64>>.capacity {
      return isConsistent(isCoherent, WideBits<SIMD4<UInt64>>.self)
    }
    return isTooLong || isConsistent(isCoherent, WideBits<SIMD16<UInt64>>.self)
  }

  private func isConsistent<Bits: EventBits>(_ isCoherent: Bool, _: Bits.Type) -> Bool {
    let room = RelationRoom<Bits>()
    let (rf, co) = communication(room)
    return model(room).judge(rf: rf, co: co, isCoherent: isCoherent) != .forbidden
  }

  /// Whether one access comes before another, so that the two are no race: events of the graph, or else the first extra
  /// access and the last. One of the two is a write.
  func isOrdered(_ first: Int? = nil, before last: Int? = nil) -> Bool {
    let a = first.map { places[$0] } ?? extraPlaces[0]
    let b = last.map { places[$0] } ?? extraPlaces[extraPlaces.count - 1]
    if a < 0 || b < 0 { return false }
    if events.count <= UInt64.capacity { return isOrdered(a, b, UInt64.self) }
    if events.count <= WideBits<SIMD4<UInt64>>.capacity { return isOrdered(a, b, WideBits<SIMD4<UInt64>>.self) }
    return !isTooLong && isOrdered(a, b, WideBits<SIMD16<UInt64>>.self)
  }

  private func isOrdered<Bits: EventBits>(_ a: Int, _ b: Int, _: Bits.Type) -> Bool {
    let room = RelationRoom<Bits>()
    let (rf, co) = communication(room)
    guard let order = model(room).order(rf: rf, co: co, isCoherent: true) else { return true }
    if events[a].kind == .read { return order.rwXb.has(a, b) }
    return events[b].kind == .read ? order.wrVis.has(a, b) : order.wwNonRace.has(a, b)
  }
}

extension Event {
  fileprivate var isOfSection: Bool { kind == .write && (role == .sectionBegin || role == .sectionEnd) }
  fileprivate var isSequentiallyConsistent: Bool { ordering.contains(.isSequentiallyConsistent) }
}

extension Event.ReadKind {
  fileprivate var computesFromWhatItRead: Bool {
    switch self {
    case .add, .or, .and, .xor, .nand: true
    case .shareAttempt: true
    case .load, .exchange, .compareExchange, .lockAttempt, .aloneAttempt, .sectionPoll, .await: false
    }
  }
}
