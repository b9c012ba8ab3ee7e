import AddonMemory
import RaceModel

/// A candidate execution as a trace: by program order and reads-from where those have no cycle, and else thread by thread.
struct CandidateTrace {
  let counterexample: Counterexample

  init<Bits>(_ events: [KernelEvent], rf: Relation<Bits>, co: Relation<Bits>, _ places: PlaceNumbers) {
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
