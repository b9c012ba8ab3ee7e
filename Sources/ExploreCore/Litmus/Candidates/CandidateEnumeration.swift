import AddonMemory
import RaceModel

extension LitmusTest {
  /// Every execution that the kernel's model allows, by the book: candidates are all combinations of ways through the threads,
  /// of sources for the reads, and of coherence orders, and the model's axioms choose among them. Load buffering is among
  /// them. For tests of litmus size; it shares nothing with the explorer's graphs.
  ///
  /// - Parameter withLoadBuffering: without it, executions with a cycle of program order and reads-from are left out, as on
  ///   graphs.
  /// - Throws: what is wrong with the test, or that it is too large.
  public func enumerateKernelExecutions(withLoadBuffering: Bool = true) throws(Invalid) -> LitmusResult {
    // A name that is not there is found as it is for the explorer.
    let compiled = try LitmusCompiler.compile(self)
    do throws(ThreadRuns.TooLarge) {
      var enumeration = try CandidateEnumeration(self, compiled, withLoadBuffering: withLoadBuffering)
      return try enumeration.result()
    } catch {
      throw Invalid(description: "\(name): it cannot be enumerated: \(error.reason)")
    }
  }
}

/// The candidates of one test.
private struct CandidateEnumeration {
  typealias Relation = ExploreCore.Relation<EventSet>

  private let test: LitmusTest
  private let withLoadBuffering: Bool
  private let places: PlaceNumbers
  /// Domains of sections come behind them.
  private let namedPlaces: Int
  private let initial: [UInt64]
  private let runs: [[ThreadRun]]
  private let room = RelationRoom<EventSet>()
  private var outcomes = LitmusResult()
  private var candidates = 0

  private static let mostEvents = 64
  private static let mostValues = 64
  private static let mostCandidates = 20_000_000

  init(
    _ test: LitmusTest, _ compiled: CompiledLitmus, withLoadBuffering: Bool
  ) throws(ThreadRuns.TooLarge) {
    self.test = test
    self.withLoadBuffering = withLoadBuffering
    namedPlaces = compiled.places.count
    places = PlaceNumbers(compiled.places + compiled.domains.filter { !compiled.places.contains($0) })
    let places = places
    let held = compiled.initial.map { value in
      value.kind == .address ? places.address(compiled.places[Int(value.value)]) : value.value
    }
    initial = places.names.indices.map { held.indices.contains($0) ? held[$0] : 0 }
    // What a place may hold follows from what is written, which follows from what is read: until nothing comes new.
    // Each write happens once, so that a value has no more writes behind it than there are.
    var values = initial.map { [$0] }
    let writes = test.threads.reduce(0) { $0 + $1.mostWrites }
    var runs: [[ThreadRun]] = []
    var rounds = 0
    while true {
      runs = []
      var isNew = false
      let before = values
      for (number, thread) in test.threads.enumerated() {
        let ways = try ThreadRuns(thread, thread: number, places, before)
        runs.append(ways.runs)
        for written in ways.written.sorted(by: { ($0.place, $0.value) < ($1.place, $1.value) })
        where !values[written.place].contains(written.value) {
          values[written.place].append(written.value)
          isNew = true
        }
      }
      rounds += 1
      if !isNew || rounds > writes { break }
      if values.contains(where: { $0.count > Self.mostValues }) {
        throw ThreadRuns.TooLarge(reason: "a place may hold more than \(Self.mostValues) values")
      }
    }
    self.runs = runs
  }

  mutating func result() throws(ThreadRuns.TooLarge) -> LitmusResult {
    outcomes.isExhaustive = true
    try choose([])
    return outcomes
  }

  /// Chooses a way through each thread.
  private mutating func choose(_ chosen: [ThreadRun]) throws(ThreadRuns.TooLarge) {
    guard chosen.count < runs.count else { return try combine(chosen) }
    for run in runs[chosen.count] { try choose(chosen + [run]) }
  }

  /// Whether each read finds its value somewhere.
  private func isPossible(_ chosen: [ThreadRun]) -> Bool {
    chosen.allSatisfy { run in
      run.events.allSatisfy { event in
        event.kind != .read || event.value == initial[event.location]
          || chosen.contains { other in
            other.events.contains {
              $0.kind == .write && $0.location == event.location && $0.value == event.value
            }
          }
      }
    }
  }

  private mutating func combine(_ chosen: [ThreadRun]) throws(ThreadRuns.TooLarge) {
    guard isPossible(chosen) else { return }
    let room = room
    try room.lend { () throws(ThreadRuns.TooLarge) in try combine(chosen, in: room) }
  }

  private mutating func combine(
    _ chosen: [ThreadRun], in room: RelationRoom<EventSet>
  ) throws(ThreadRuns.TooLarge) {
    var events = places.names.indices.map { place in
      KernelEvent(kind: .write, tags: .initial, thread: -1, location: place, value: initial[place])
    }
    let starts = chosen.reduce(into: [events.count]) { $0.append(($0.last ?? 0) + $1.events.count) }
    guard let total = starts.last, total <= Self.mostEvents else {
      throw ThreadRuns.TooLarge(reason: "it has more than \(Self.mostEvents) events")
    }
    for run in chosen { events += run.events }
    func none() -> Relation { Relation(count: total, in: room) }
    let (po, addr, data, ctrl, rmw) = (none(), none(), none(), none(), none())
    for (thread, run) in chosen.enumerated() {
      let start = starts[thread]
      for (number, event) in run.events.enumerated() {
        for later in (number + 1)..<max(number + 1, run.events.count) { po.insert(start + number, start + later) }
        event.address.forEachEvent { addr.insert(start + $0, start + number) }
        event.data.forEachEvent { data.insert(start + $0, start + number) }
        event.control.forEachEvent { ctrl.insert(start + $0, start + number) }
        if let partner = event.partner { rmw.insert(start + partner, start + number) }
      }
    }
    var sources: [(read: Int, writes: [Int])] = []
    for (number, event) in events.enumerated() where event.kind == .read {
      let writes = events.indices.filter { other in
        events[other].kind == .write && events[other].location == event.location && events[other].value == event.value
          && !po.has(number, other)
      }
      if writes.isEmpty { return }
      sources.append((number, writes))
    }
    let model = LinuxKernelModel(events, po: po, (addr, data, ctrl), rmw: rmw, in: room)
    let writes = places.names.indices.map { place in
      events.indices.filter { $0 >= places.names.count && events[$0].kind == .write && events[$0].location == place }
    }
    try chooseSources(0, none(), sources) { (enumeration, rf) throws(ThreadRuns.TooLarge) in
      if !enumeration.withLoadBuffering, !(po | rf).isAcyclic { return }
      var readBy: [Int: Int] = [:]
      for read in events.indices {
        rmw.rows[read].forEachEvent { write in readBy[write] = events.indices.first { rf.has($0, read) } }
      }
      try enumeration.chooseOrders(0, [], writes, po, readBy) { (enumeration, orders) throws(ThreadRuns.TooLarge) in
        let room = enumeration.room
        try room.lend { () throws(ThreadRuns.TooLarge) in try enumeration.judge(events, model, rf, orders, chosen) }
      }
    }
  }

  private mutating func chooseSources(
    _ number: Int, _ rf: Relation, _ sources: [(read: Int, writes: [Int])],
    _ done: (inout Self, Relation) throws(ThreadRuns.TooLarge) -> Void
  ) throws(ThreadRuns.TooLarge) {
    guard number < sources.count else { return try done(&self, rf) }
    let room = room
    for write in sources[number].writes {
      try room.lend { () throws(ThreadRuns.TooLarge) in
        let rf = rf.copy()
        rf.insert(write, sources[number].read)
        try chooseSources(number + 1, rf, sources, done)
      }
    }
  }

  /// Chooses an order of the writes to each place, which keeps to program order, and in which an update's write comes right
  /// after what the update read.
  private mutating func chooseOrders(
    _ place: Int, _ orders: [[Int]], _ writes: [[Int]], _ po: Relation, _ readBy: [Int: Int],
    _ done: (inout Self, [[Int]]) throws(ThreadRuns.TooLarge) -> Void
  ) throws(ThreadRuns.TooLarge) {
    guard place < writes.count else { return try done(&self, orders) }
    for order in Self.orders(of: writes[place], after: place, po, readBy) {
      try chooseOrders(place + 1, orders + [order], writes, po, readBy, done)
    }
  }

  /// `readBy`: what an update has read, by its write. The initial write of a place has the place's number.
  private static func orders(
    of writes: [Int], after previous: Int, _ po: Relation, _ readBy: [Int: Int]
  ) -> [[Int]] {
    if writes.isEmpty { return [[]] }
    // Whoever has read the write before comes next: there can be one such update.
    let updates = writes.filter { readBy[$0] == previous }
    if updates.count > 1 { return [] }
    let next =
      updates.isEmpty
      ? writes.filter { first in readBy[first] == nil && !writes.contains { po.has($0, first) } }
      : updates.filter { first in !writes.contains { po.has($0, first) } }
    return next.flatMap { first in
      orders(of: writes.filter { $0 != first }, after: first, po, readBy).map { [first] + $0 }
    }
  }

  private mutating func judge(
    _ events: [KernelEvent], _ model: LinuxKernelModel<EventSet>, _ rf: Relation, _ orders: [[Int]],
    _ chosen: [ThreadRun]
  ) throws(ThreadRuns.TooLarge) {
    candidates += 1
    if candidates > Self.mostCandidates {
      throw ThreadRuns.TooLarge(reason: "it has more than \(Self.mostCandidates) candidate executions")
    }
    let co = Relation(count: events.count, in: room)
    for (place, order) in orders.enumerated() {
      let all = [place] + order
      for (number, write) in all.enumerated() { for later in all[(number + 1)...] { co.insert(write, later) } }
    }
    let judgement = model.judge(rf: rf, co: co)
    guard judgement != .forbidden else { return }
    outcomes.executions += 1
    if judgement == .racy { outcomes.races += 1 }
    var finals: [String: LitmusOutcome.Value] = [:]
    for (place, name) in places.names.prefix(namedPlaces).enumerated() {
      finals[name] = places.outcome(events[orders[place].last ?? place].value)
    }
    let outcome = LitmusOutcome(registers: chosen.map { $0.registers.mapValues(places.outcome) }, places: finals)
    outcomes.outcomes[outcome, default: 0] += 1
    if !outcomes.isObserved, test.asks(outcome) {
      outcomes.isObserved = true
      outcomes.witness = CandidateTrace(events, rf: rf, co: co, places).counterexample
    }
  }
}

/// A candidate execution as a trace: by program order and reads-from where those have no cycle, and else thread by thread.
private struct CandidateTrace {
  let counterexample: Counterexample

  init(_ events: [KernelEvent], rf: Relation<EventSet>, co: Relation<EventSet>, _ places: PlaceNumbers) {
    var left = events.indices.filter { events[$0].thread >= 0 }
    var order: [Int] = []
    while !left.isEmpty {
      // The first whose thread has nothing before it, and whose source was there.
      let ready = left.first { number in
        !left.contains { other in
          other != number && (events[other].thread == events[number].thread && other < number || rf.has(other, number))
        }
      }
      let next = ready ?? left[0]
      order.append(next)
      left.removeAll { $0 == next }
    }
    // The write of an update is shown with its read.
    let shown = order.filter { events[$0].partner == nil && Self.isShown(events[$0]) }
    let steps = shown.map { number -> Counterexample.Step in
      let event = events[number]
      var step = Counterexample.Step(racer: event.thread, verb: Self.verb(event))
      step.place = event.kind == .fence ? nil : .named(places.names[event.location])
      if event.kind != .fence { step.value = Self.value(event.value, places) }
      let write = events.indices.first { other in
        guard let partner = events[other].partner, events[other].thread == event.thread else { return false }
        return (events.firstIndex { $0.thread == event.thread } ?? 0) + partner == number
      }
      if let write {
        step.verb = .compareExchange
        step.written = Self.value(events[write].value, places)
        if events[write].tags.contains(.release) { step.ordering = .release }
      }
      if event.tags.contains(.acquire) { step.ordering = .acquire }
      if event.tags.contains(.release) { step.ordering = .release }
      if event.tags.contains(.fullBarrier) { step.ordering = .full }
      if event.tags.contains(.readBarrier) { step.ordering = .acquire }
      if event.tags.contains(.writeBarrier) { step.ordering = .release }
      if event.kind == .read, let source = events.indices.first(where: { rf.has($0, number) }) {
        step.readsFrom = events[source].thread < 0 ? nil : CandidateTrace.position(source, events, shown)
        step.isStale = !events.indices.filter { co.has(source, $0) }.allSatisfy { later in
          events[later].thread == event.thread || !order.prefix { $0 != number }.contains(later)
        }
      }
      return step
    }
    counterexample = Counterexample(
      roles: (0...(events.map(\.thread).max() ?? 0)).map { "P\($0)" }, steps: steps, findings: [], token: "")
  }

  private static func position(_ write: Int, _ events: [KernelEvent], _ shown: [Int]) -> Int? {
    let start = events.firstIndex { $0.thread == events[write].thread } ?? 0
    return shown.firstIndex(of: events[write].partner.map { start + $0 } ?? write)
  }

  private static func isShown(_ event: KernelEvent) -> Bool {
    event.tags.isDisjoint(with: [.compilerBarrier])
  }

  private static func verb(_ event: KernelEvent) -> Counterexample.Verb {
    switch event.kind {
    case .read: event.tags == [] ? .read : event.tags.contains(.lockRead) ? .lock : .load
    case .write: event.tags == [] ? .write : .store
    case .fence:
      if !event.tags.isDisjoint(with: [.rcuLock, .srcuLock]) {
        .beginSection
      } else if !event.tags.isDisjoint(with: [.rcuUnlock, .srcuUnlock]) {
        .endSection
      } else if !event.tags.isDisjoint(with: [.rcuGracePeriod, .srcuGracePeriod]) {
        .endGracePeriod
      } else {
        .fence
      }
    }
  }

  private static func value(_ value: UInt64, _ places: PlaceNumbers) -> Counterexample.Value {
    switch value {
    case UInt64(Lock.unlocked): .unlocked
    case UInt64(Lock.locked): .locked
    default: places.number(at: value).map { .pointer(.named(places.names[$0])) } ?? .number(value)
    }
  }
}
