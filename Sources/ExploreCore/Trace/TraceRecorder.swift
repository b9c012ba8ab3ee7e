/// Notes every operation of one run, in the order in which they were run.
package final class TraceRecorder {
  package enum Verb: Equatable {
    case load, update, allocate, free, `defer`, refusal, spuriousFailure
    case store(Event.Role)
    case fence(Event.Role)
    /// What a racer says of itself.
    case note(String)
  }

  package struct Entry {
    package var racer: Int
    package var verb: Verb
    package var address: UInt
    package var size: Int
    package var value: UInt64
    package var ordering: EventOrdering
    /// The event on the graph, or -1.
    package var event: Int32
    package var isMarked = false
    var place: CallSite?
    /// Of native code: where it was.
    package var pc: UInt = 0
  }

  package private(set) var entries: [Entry] = []
  /// Slots by their addresses.
  package private(set) var slots: [UInt: (slot: Int, inode: Int)] = [:]

  private var marked: Set<Int> = []
  let wantsSources: Bool
  package init(wantsSources: Bool) { self.wantsSources = wantsSources }

  func add(_ entry: Entry) {
    entries.append(entry)
    if marked.remove(entry.racer) != nil { entries[entries.count - 1].isMarked = true }
  }
  package func name(_ address: UInt, slot: Int, inode: Int) { slots[address] = (slot, inode) }

  /// What a racer's last step wrote.
  func setLastValue(_ racer: Int, _ value: UInt64) {
    if let index = entries.lastIndex(where: { $0.racer == racer }) { entries[index].value = value }
  }

  /// Something goes wrong at the operation that a racer is about to note.
  package func markNext(_ racer: Int) { marked.insert(racer) }

  /// Something went wrong at a racer's last operation.
  package func markLast(_ racer: Int) {
    if let index = entries.lastIndex(where: { $0.racer == racer }) { entries[index].isMarked = true }
  }
}

extension Execution {
  @inline(__always)
  package func record(
    _ racer: Int, _ verb: TraceRecorder.Verb, _ address: UInt, _ size: Int, _ value: UInt64, _ ordering: EventOrdering,
    _ event: Int32 = -1
  ) {
    guard state.pointee.trace != nil else { return }
    recordSlowly(racer, verb, address, size, value, ordering, event)
  }

  /// What a racer says of itself at this point.
  package func recordNote(_ racer: Int, _ text: @autoclosure () -> String) {
    guard state.pointee.trace != nil else { return }
    recordSlowly(racer, .note(text()), 0, 0, 0, [], -1)
  }

  @inline(__always) func recordRead(_ racer: Int, _ address: UInt, _ size: Int, _ read: Event, _ id: Int32) {
    guard state.pointee.trace != nil else { return }
    recordSlowly(racer, read.readKind == .load ? .load : .update, address, size, read.value, read.ordering, id)
  }

  @inline(never)
  private func recordSlowly(
    _ racer: Int, _ verb: TraceRecorder.Verb, _ address: UInt, _ size: Int, _ value: UInt64,
    _ ordering: EventOrdering, _ event: Int32
  ) {
    state.pointee.trace?.add(
      TraceRecorder.Entry(
        racer: racer, verb: verb, address: address, size: size, value: value, ordering: ordering, event: event,
        place: state.pointee.trace?.wantsSources == true && state.pointee.pc == 0 ? CallSite() : nil,
        pc: state.pointee.pc))
  }
}
