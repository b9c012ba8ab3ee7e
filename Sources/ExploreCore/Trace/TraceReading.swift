import RaceModel

/// What a client calls its memory, for traces.
public protocol TraceNames {
  /// What an address is that lies in no block of the heap; `slots` are those that visits have named.
  func place(of address: UInt, slots: [UInt: (slot: Int, inode: Int)]) -> Counterexample.Place?
  /// What a value means that is no address, where that is not just the number.
  func value(_ value: UInt64) -> Counterexample.Value?
  /// Whether a step is worth showing.
  func isShown(_ step: RecordedStep) -> Bool
  /// Lines of source by where native code was: "mine.c:12".
  func sources(of places: Set<UInt>) -> [UInt: String]
}

/// What a client sees of a step, to say whether it is worth showing.
public struct RecordedStep: Sendable {
  public let racer: Int
  public let address: UInt
  public let value: UInt64
  public let isPlain: Bool
  public let isStore: Bool
  public let isMarked: Bool
}

extension TraceRecorder.Entry {
  var recorded: RecordedStep {
    var isStore = false
    if case .store = verb { isStore = true }
    return RecordedStep(
      racer: racer, address: address, value: value, isPlain: ordering.contains(.isPlain), isStore: isStore,
      isMarked: isMarked)
  }
}

extension TraceNames {
  public func value(_ value: UInt64) -> Counterexample.Value? { nil }
  public func isShown(_ step: RecordedStep) -> Bool { true }
  public func sources(of places: Set<UInt>) -> [UInt: String] { [:] }
}

/// Turns what a recorder noted into the steps of a counterexample.
package struct TraceReading {
  private let names: any TraceNames
  private let execution: Execution
  private let trace: TraceRecorder
  /// In the order in which they are shown.
  private let entries: [TraceRecorder.Entry]
  private let sources: [UInt: String]
  private let lines = CallSiteLines()
  private var graph: ExecutionGraph { execution.graph.pointee }

  package init(_ names: any TraceNames, _ execution: Execution, _ trace: TraceRecorder) {
    self.names = names
    self.execution = execution
    self.trace = trace
    let shown = trace.entries.filter { names.isShown($0.recorded) }
    entries = StepOrder(execution.graph.pointee, shown).numbers.map { shown[$0] }
    sources = trace.wantsSources ? names.sources(of: Set(entries.map(\.pc))) : [:]
  }

  package var steps: [Counterexample.Step] {
    let writers = StepOrder.writers(graph, entries)
    return entries.map { step($0, writers) }
  }

  /// The step of an event of the graph; of an update's write it is the update. Nil where it is not shown.
  package func step(of event: Int32) -> Counterexample.Step? {
    let graph = graph
    return entries.first { entry in
      entry.event == event
        || entry.event >= 0 && graph.events[Int(entry.event)].isSuccessfulRMW
          && graph.events[Int(entry.event)].poNext == event
    }.map { step($0, [:]) }
  }

  private func step(_ entry: TraceRecorder.Entry, _ writers: [Int32: Int]) -> Counterexample.Step {
    let event = entry.event >= 0 ? graph.events[Int(entry.event)] : nil
    var step = Counterexample.Step(racer: entry.racer, verb: verb(entry, event))
    step.isMarked = entry.isMarked
    step.source = entry.place.flatMap(lines.line) ?? sources[entry.pc]
    describe(&step, entry, event)
    if let event, event.kind == .read {
      if event.readsFrom >= 0 { step.readsFrom = writers[event.readsFrom] }
      step.isStale = isStale(event, entry)
    }
    if let write = event.flatMap({ $0.kind == .write ? $0 : $0.isSuccessfulRMW ? graph.events[Int($0.poNext)] : nil }),
      write.coPrevious >= 0
    {
      step.overwrites = writers[write.coPrevious]
    }
    return step
  }

  /// Place, value and ordering.
  private func describe(_ step: inout Counterexample.Step, _ entry: TraceRecorder.Entry, _ event: Event?) {
    switch step.verb {
    case .load, .read, .store, .write:
      step.place = place(entry.address)
      step.value = value(entry.value, at: entry.address)
      step.ordering = entry.ordering.asShown
    case .exchange, .fetchAdd, .fetchOr, .fetchAnd, .fetchXor, .fetchNand, .compareExchange, .lostCompareExchange,
      .lock, .waitForLock:
      step.place = place(entry.address)
      step.value = value(entry.value, at: entry.address)
      step.written = event?.written(after: entry.value).map { value($0, at: entry.address) }
      step.ordering = entry.ordering.asShown
    case .waitForSections: step.place = place(entry.address)
    case .allocate, .free, .freeAfterGracePeriod: step.value = value(entry.value, at: 0)
    case .fence: step.ordering = entry.ordering.asShown
    case .create, .join: step.value = .number(entry.value)
    case .note: if case .note(let text) = entry.verb { step.value = .text(text) }
    case .spuriousFailure, .refusedAllocation, .beginSection, .endSection, .beginGracePeriod, .endGracePeriod,
      .handOver:
      break
    }
  }

  private func verb(_ entry: TraceRecorder.Entry, _ event: Event?) -> Counterexample.Verb {
    switch entry.verb {
    case .load: return entry.ordering.contains(.isPlain) ? .read : .load
    case .store(.sectionBegin): return .beginSection
    case .store(.sectionEnd): return .endSection
    case .store:
      if case .deferredFrees = names.place(of: entry.address, slots: [:]) { return .handOver }
      return entry.ordering.contains(.isPlain) ? .write : .store
    case .fence(.gracePeriodBegin): return .beginGracePeriod
    case .fence(.gracePeriodEnd): return .endGracePeriod
    case .fence(.create): return .create
    case .fence(.join): return .join
    case .fence: return .fence
    case .allocate: return .allocate
    case .free: return .free
    case .defer: return .freeAfterGracePeriod
    case .refusal: return .refusedAllocation
    case .spuriousFailure: return .spuriousFailure
    case .note: return .note
    case .update:
      let isSuccessful = event?.isSuccessfulRMW == true
      return switch event?.readKind {
      case .compareExchange: isSuccessful ? .compareExchange : .lostCompareExchange
      case .lockAttempt, .aloneAttempt, .shareAttempt: isSuccessful ? .lock : .waitForLock
      case .sectionPoll: .waitForSections
      case .add: .fetchAdd
      case .or: .fetchOr
      case .and: .fetchAnd
      case .xor: .fetchXor
      case .nand: .fetchNand
      case .await: .load
      case .exchange, .load, nil: .exchange
      }
    }
  }

  /// A later write was there already, among what had been run by then.
  private func isStale(_ event: Event, _ entry: TraceRecorder.Entry) -> Bool {
    guard let number = entries.firstIndex(where: { $0.event == entry.event }) else { return false }
    let position = graph.coPosition(ofSource: event.readsFrom)
    return entries[..<number].contains { earlier in
      guard earlier.event >= 0 else { return false }
      let other = graph.events[Int(earlier.event)]
      let write = other.kind == .write ? other : other.isSuccessfulRMW ? graph.events[Int(other.poNext)] : nil
      return write.map { $0.location == event.location && $0.coPosition > position } ?? false
    }
  }

  // MARK: Names

  private func allocation(_ address: UInt) -> Counterexample.Place? {
    let block = execution.space.block(of: address)
    return execution.allocationNumber(ofBlock: block).map {
      .allocation($0, offset: Int(address - execution.space.blocks[block].address))
    }
  }

  private func place(_ address: UInt) -> Counterexample.Place {
    names.place(of: address, slots: trace.slots) ?? allocation(address) ?? .address(UInt64(address))
  }

  private func value(_ value: UInt64, at address: UInt) -> Counterexample.Value {
    if value == 0, trace.slots[address] != nil { return .null }
    if let own = names.value(value) { return own }
    if let place = pointee(UInt(truncatingIfNeeded: value)) { return .pointer(place) }
    let tag = UInt16(value >> 48)
    if tag != 0, let place = pointee(UInt(value & (1 << 48 - 1))) { return .tagged(place, tag: tag) }
    return .number(value)
  }

  private func pointee(_ pointer: UInt) -> Counterexample.Place? {
    allocation(pointer) ?? names.place(of: pointer, slots: [:])
  }
}

extension EventOrdering {
  package var asShown: Counterexample.Ordering {
    if contains(.isPlain) { return .plain }
    if contains(.isFull) { return .full }
    if contains(.isSequentiallyConsistent) { return .sequentiallyConsistent }
    if contains(.isDependent) { return .dependent }
    return switch (contains(.acquires), contains(.releases)) {
    case (true, true): .acquireRelease
    case (true, false): .acquire
    case (false, true): .release
    case (false, false): .relaxed
    }
  }
}
