import AddonMemory
import RaceModel

/// Turns what a recorder noted into the steps that a person reads.
struct TraceReading {
  private let program: SiteProgram
  private let execution: Execution
  private let trace: TraceRecorder
  /// In the order in which they are shown.
  private let entries: [TraceRecorder.Entry]
  private var graph: ExecutionGraph { execution.graph.pointee }

  init(_ program: SiteProgram, _ execution: Execution, _ trace: TraceRecorder) {
    self.program = program
    self.execution = execution
    self.trace = trace
    let shown = trace.entries.filter { !program.isEndOfDeferring($0.address, $0.value) }
    let order = StepOrder(execution.graph.pointee, shown)
    entries = order.numbers.map { shown[$0] }
  }

  var steps: [Counterexample.Step] {
    let writers = StepOrder.writers(graph, entries)
    return entries.map { step($0, writers) }
  }

  private func step(_ entry: TraceRecorder.Entry, _ writers: [Int32: Int]) -> Counterexample.Step {
    let event = entry.event >= 0 ? graph.events[Int(entry.event)] : nil
    var step = Counterexample.Step(
      racer: entry.racer, verb: verb(entry, event), place: "", value: "",
      ordering: isOfHeap(entry) || isOfGracePeriods(entry, event) ? "" : entry.ordering.description)
    step.isMarked = entry.isMarked
    step.source = entry.place?.description
    switch entry.verb {
    case .store where isOfGracePeriods(entry, event): break
    case .load, .store:
      step.place = place(entry.address)
      step.value = value(entry.value, at: entry.address)
    case .update:
      step.place = place(entry.address)
      if event?.update != .look { step.value = updateValue(entry, event) }
    case .allocate, .free, .defer: step.place = value(entry.value, at: 0)
    case .fence: break
    case .refusal, .spuriousFailure: step.ordering = ""
    }
    if let event, event.kind == .read {
      if event.source >= 0 { step.readsFrom = writers[event.source] }
      step.isStale = isStale(event, entry)
    }
    if let write = event.flatMap({ $0.kind == .write ? $0 : $0.isUpdate ? graph.events[Int($0.next)] : nil }),
      write.earlier >= 0
    {
      step.overwrites = writers[write.earlier]
    }
    return step
  }

  private func isOfGracePeriods(_ entry: TraceRecorder.Entry, _ event: Event?) -> Bool {
    entry.ordering.contains(.opens) || entry.ordering.contains(.closes) || event?.update == .look
      || program.hiddenName(of: entry.address) != nil
  }

  private func isOfHeap(_ entry: TraceRecorder.Entry) -> Bool {
    switch entry.verb {
    case .allocate, .free, .defer: true
    default: false
    }
  }

  private func verb(_ entry: TraceRecorder.Entry, _ event: Event?) -> String {
    switch entry.verb {
    case .load: entry.ordering.contains(.isPlain) ? "read" : "load"
    case .store where entry.ordering.contains(.opens): "read section begins"
    case .store where entry.ordering.contains(.closes): "read section ends"
    case .store where program.hiddenName(of: entry.address) != nil: "hands over"
    case .store: entry.ordering.contains(.isPlain) ? "write" : "store"
    case .fence where entry.ordering.contains(.opens): "grace period begins"
    case .fence where entry.ordering.contains(.closes): "grace period ends"
    case .fence: "fence"
    case .allocate: "allocate"
    case .free: "free"
    case .defer: "free after grace period"
    case .refusal: "allocate: -ENOMEM"
    case .spuriousFailure: "weak compare-exchange fails for no reason"
    case .update:
      switch event?.update {
      case .compareExchange: event?.isUpdate == true ? "compare-exchange" : "compare-exchange, lost"
      case .lock: event?.isUpdate == true ? "lock" : "waits for lock"
      case .look: "waits for"
      case .add: "fetch-add"
      case .or: "fetch-or"
      case .and: "fetch-and"
      default: "exchange"
      }
    }
  }

  /// A later write was there already, among what had been run by then.
  private func isStale(_ event: Event, _ entry: TraceRecorder.Entry) -> Bool {
    guard let number = entries.firstIndex(where: { $0.event == entry.event }) else { return false }
    let place = graph.place(ofSource: event.source)
    return entries[..<number].contains { earlier in
      guard earlier.event >= 0 else { return false }
      let other = graph.events[Int(earlier.event)]
      let write = other.kind == .write ? other : other.isUpdate ? graph.events[Int(other.next)] : nil
      return write.map { $0.location == event.location && $0.place > place } ?? false
    }
  }

  private func updateValue(_ entry: TraceRecorder.Entry, _ event: Event?) -> String {
    let found = value(entry.value, at: entry.address)
    guard let event, let written = event.written(after: entry.value) else { return found }
    return "\(found) -> \(value(written, at: entry.address))"
  }

  // MARK: Names

  private func allocation(_ address: UInt) -> (number: Int, offset: Int)? {
    let space = execution.state.pointee.space
    let block = space.block(of: address)
    guard block >= 0, let owner = space.owner(ofBlock: block) else { return nil }
    var first = 0
    for racer in 0..<owner { first += execution.state.pointee.racers[racer].nextBlock }
    return (first + block - space.firstBlock(of: owner), Int(address - space.address(ofBlock: block)))
  }

  private func place(_ address: UInt) -> String {
    if let (slot, inode) = trace.slots[address] {
      let name = program.code.about.slots[slot]
      return "\(name)\(hasOneInode ? "" : " of inode \(inode)")"
    }
    if let (number, offset) = allocation(address) {
      return offset == 0 ? "allocation \(number)" : "allocation \(number) + \(offset)"
    }
    if let hidden = program.hiddenName(of: address) { return hidden }
    switch program.place(of: address) {
    case (let inode?, let offset)?: return "inode \(inode) + \(offset)"
    case (nil, let offset)?: return "shared area + \(offset)"
    case nil: return "0x" + String(address, radix: 16)
    }
  }

  private var hasOneInode: Bool { !trace.slots.values.contains { $0.inode > 0 } }

  private func value(_ value: UInt64, at address: UInt) -> String {
    if value == 0, trace.slots[address] != nil { return "NULL" }
    if value == UInt64(Lock.unlocked) { return "unlocked" }
    if value == UInt64(Lock.locked) { return "locked" }
    let pointer = UInt(truncatingIfNeeded: value)
    if let (number, offset) = allocation(pointer) {
      return offset == 0 ? "allocation \(number)" : "allocation \(number) + \(offset)"
    }
    if case (let inode?, let offset)? = program.place(of: pointer) {
      return offset == 0 ? "inode \(inode)" : "inode \(inode) + \(offset)"
    }
    if value == Poison.freed { return "the poison of freed memory" }
    return value < 1 << 20 ? "\(value)" : "0x" + String(value, radix: 16)
  }
}

/// The order in which steps are shown: one in which every load reads the latest store, if there is one (the execution is
/// sequentially consistent then), and with as few changes of racer as a greedy choice finds; else the order of the run.
private struct StepOrder {
  let numbers: [Int]

  /// Steps by the write events that they make: an update's write is the event after its read.
  static func writers(_ graph: ExecutionGraph, _ entries: [TraceRecorder.Entry]) -> [Int32: Int] {
    var writers: [Int32: Int] = [:]
    for (number, entry) in entries.enumerated() where entry.event >= 0 {
      let event = graph.events[Int(entry.event)]
      if event.kind == .write { writers[entry.event] = number } else if event.isUpdate { writers[event.next] = number }
    }
    return writers
  }

  init(_ graph: ExecutionGraph, _ entries: [TraceRecorder.Entry]) {
    let writers = Self.writers(graph, entries)
    var before = [Set<Int>](repeating: [], count: entries.count)
    var lastOfRacer: [Int: Int] = [:]
    for (number, entry) in entries.enumerated() {
      if let last = lastOfRacer[entry.racer] { before[number].insert(last) }
      lastOfRacer[entry.racer] = number
      guard entry.event >= 0 else { continue }
      let event = graph.events[Int(entry.event)]
      if event.kind == .read {
        if let source = writers[event.source] { before[number].insert(source) }
        // Whatever overwrites what was read comes after the read.
        let next =
          event.source < 0 ? graph.heads[Int(event.location)].firstWrite : graph.events[Int(event.source)].later
        if let overwriter = writers[next], overwriter != number { before[overwriter].insert(number) }
      }
      if event.kind == .write, let earlier = writers[event.earlier] { before[number].insert(earlier) }
    }
    var order: [Int] = []
    var done: Set<Int> = []
    var racer = -1
    while order.count < entries.count {
      let ready = entries.indices.filter { !done.contains($0) && before[$0].isSubset(of: done) }
      guard let next = ready.first(where: { entries[$0].racer == racer }) ?? ready.first else { break }
      racer = entries[next].racer
      order.append(next)
      done.insert(next)
    }
    numbers = order.count == entries.count ? order : Array(entries.indices)
  }
}
