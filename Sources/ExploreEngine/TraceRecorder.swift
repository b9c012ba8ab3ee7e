#if canImport(Runtime)
  import Runtime
#endif

/// Notes every operation of one run, in the order in which they were run.
final class TraceRecorder {
  enum Verb { case load, store, update, fence, allocate, free, `defer`, refusal, spuriousFailure }

  struct Entry {
    var racer: Int
    var verb: Verb
    var address: UInt
    var size: Int
    var value: UInt64
    var ordering: EventOrdering
    /// The event on the graph, or -1.
    var event: Int32
    var isMarked = false
    var place: CallSite?
  }

  private(set) var entries: [Entry] = []
  /// Slots by their addresses.
  private(set) var slots: [UInt: (slot: Int, inode: Int)] = [:]

  private var marked: Set<Int> = []
  let wantsSources: Bool
  init(wantsSources: Bool) { self.wantsSources = wantsSources }

  func add(_ entry: Entry) {
    entries.append(entry)
    if marked.remove(entry.racer) != nil { entries[entries.count - 1].isMarked = true }
  }
  func name(_ address: UInt, slot: Int, inode: Int) { slots[address] = (slot, inode) }

  /// Something goes wrong at the operation that a racer is about to note.
  func markNext(_ racer: Int) { marked.insert(racer) }

  /// Something went wrong at a racer's last operation.
  func markLast(_ racer: Int) {
    if let index = entries.lastIndex(where: { $0.racer == racer }) { entries[index].isMarked = true }
  }
}

/// Where an operation stands in the source, known only to toolchains that can say it.
///
/// Finding the line takes some ten milliseconds, so it is done for traces that somebody reads.
struct CallSite {
  #if canImport(Runtime)
    private let backtrace: Backtrace?
    /// The explorer's own frames come first, then the site's and its strategy's, which are one where they are inlined.
    init() { backtrace = try? Backtrace.capture(algorithm: .fast, limit: 12, top: 0) }
  #endif

  /// "FileOwner.swift:44": the innermost line outside the explorer.
  var description: String? {
    #if canImport(Runtime)
      guard let frames = backtrace?.symbolicated(options: .default)?.frames else {
        return nil
      }
      for frame in frames {
        guard let location = frame.symbol?.sourceLocation, location.line > 0,
          !location.path.contains("/ExploreEngine/"), location.path.hasSuffix(".swift")
        else { continue }
        return "\(location.path.split(separator: "/").last ?? ""):\(location.line)"
      }
    #endif
    return nil
  }
}

extension Execution {
  @inline(__always)
  func record(
    _ racer: Int, _ verb: TraceRecorder.Verb, _ address: UInt, _ size: Int, _ value: UInt64, _ ordering: EventOrdering,
    _ event: Int32 = -1
  ) {
    guard state.pointee.trace != nil else { return }
    recordSlowly(racer, verb, address, size, value, ordering, event)
  }

  @inline(__always) func recordRead(_ racer: Int, _ address: UInt, _ size: Int, _ read: Event, _ id: Int32) {
    guard state.pointee.trace != nil else { return }
    recordSlowly(racer, read.update == .none ? .load : .update, address, size, read.value, read.ordering, id)
  }

  @inline(never)
  private func recordSlowly(
    _ racer: Int, _ verb: TraceRecorder.Verb, _ address: UInt, _ size: Int, _ value: UInt64,
    _ ordering: EventOrdering, _ event: Int32
  ) {
    state.pointee.trace?.add(
      TraceRecorder.Entry(
        racer: racer, verb: verb, address: address, size: size, value: value, ordering: ordering, event: event,
        place: state.pointee.trace?.wantsSources == true ? CallSite() : nil))
  }
}
