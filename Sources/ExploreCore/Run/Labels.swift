import Glibc
import Machine

/// Labels of values, in native code that passes them on: a bit for each of eight reads of a racer. Where a racer reads more
/// often, the execution is run again with labels for the next eight (`Exploration.learnDependencies`).
///
/// Labels of memory lie in a shadow, a byte for each. Registers and arguments are the compiler's business.
///
/// Unsafe: trivial; `destroy` frees what it points to.
package struct Labels {
  private static let perWindow: Int32 = 8
  private let racers: Int
  /// By racer and bit: the number of the read among the racer's events, or -1.
  private let reads: UnsafeMutablePointer<Int32>
  /// By racer: reads in this run.
  private let counts: UnsafeMutablePointer<Int32>
  /// By racer: the label of its last read.
  private let last: UnsafeMutablePointer<UInt8>
  /// By racer: the event behind which it was idle in an earlier run of the same execution, or -1, and since which.
  private let idle: UnsafeMutablePointer<(at: Int32, since: Int32)>
  /// Which reads have labels: from eight times this on.
  private(set) var window: Int32 = 0
  /// The last window that has a read which a new event may depend on.
  private var lastNeeded: Int32 = 0

  init(racers: Int) {
    self.racers = racers
    reads = .allocate(capacity: racers * Int(Self.perWindow))
    counts = .allocate(capacity: racers)
    last = .allocate(capacity: racers)
    idle = .allocate(capacity: racers)
    begin(window: 0)
  }

  func destroy() {
    reads.deallocate()
    counts.deallocate()
    last.deallocate()
    idle.deallocate()
  }

  /// Forgets all reads: another run begins.
  mutating func begin(window: Int32) {
    self.window = window
    if window == 0 {
      lastNeeded = 0
      idle.update(repeating: (-1, -1), count: racers)
    }
    reads.update(repeating: -1, count: racers * Int(Self.perWindow))
    counts.update(repeating: 0, count: racers)
    last.update(repeating: 0, count: racers)
  }

  /// An event of the racer's is added, which may depend on all that it has read.
  @inline(__always) mutating func need(_ racer: Int) {
    lastNeeded = max(lastNeeded, (counts[racer] - 1) / Self.perWindow)
  }

  /// Whoever spins is where it was, but for labels on its stack: each turn's reads have others. So what one run has found out
  /// holds in the next.
  func noteIdle(_ racer: Int, at event: Int32, since start: Int32) { idle[racer] = (event, start) }

  /// Since which event it was idle in an earlier run, in which it had come as far.
  @inline(__always) func idleSince(_ racer: Int, at event: Int32) -> Int32? {
    idle[racer].at == event ? idle[racer].since : nil
  }

  /// Whether reads that had no label yet may matter: to events that were added, or to a race.
  func wantsAnotherWindow(sawRace: Bool) -> Bool {
    window < lastNeeded || sawRace && (0..<racers).contains { counts[$0] > (window + 1) * Self.perWindow }
  }

  /// A racer has read. Answers the label of what it got.
  @inline(__always) func take(_ racer: Int, read index: Int32) -> UInt8 {
    let bit = counts[racer] - window * Self.perWindow
    counts[racer] += 1
    guard bit >= 0, bit < Self.perWindow else {
      last[racer] = 0
      return 0
    }
    reads[racer * Int(Self.perWindow) + Int(bit)] = index
    last[racer] = 1 << UInt8(bit)
    return last[racer]
  }

  @inline(__always) package func last(_ racer: Int) -> UInt8 { last[racer] }

  /// The reads that a label of the racer's stands for, as `Dependencies` has them.
  @inline(__always) package func reads(_ racer: Int, _ label: UInt8) -> UInt64 {
    var set: UInt64 = 0
    var rest = label
    while rest != 0 {
      set |= Dependencies.bit(reads[racer * Int(Self.perWindow) + rest.trailingZeroBitCount])
      rest &= rest &- 1
    }
    return set
  }

  // MARK: The shadow

  /// The labels of the byte at `a` are at `a` ^ this: DataFlowSanitizer's, on x86-64 Linux.
  private static let distance: UInt = 0x5000_0000_0000

  @inline(__always) private static func shadow(_ address: UInt) -> UnsafeMutablePointer<UInt8>? {
    UnsafeMutablePointer(bitPattern: address ^ distance)
  }

  @inline(__always) static func set(_ address: UInt, _ bytes: Int, _ label: UInt8) {
    shadow(address)?.update(repeating: label, count: bytes)
  }

  static func union(_ address: UInt, _ bytes: Int) -> UInt8 {
    guard let labels = shadow(address) else { return 0 }
    return (0..<bytes).reduce(0) { $0 | labels[$1] }
  }

  /// Whether there is a shadow for what programs have: images, stacks and heaps lie near the top of the address space.
  /// Elsewhere, and in a process that a sanitizer watches, dependencies cannot be tracked.
  package static let isAvailable: Bool = {
    #if arch(x86_64)
      // They have shadows of their own, and do not let such mappings be made.
      guard BuildKind.current == .plain else { return false }
      func map(_ first: UInt, _ end: UInt) -> Bool {
        let start = UnsafeMutableRawPointer(bitPattern: first ^ distance)
        let noReplace: Int32 = 0x100000
        return mmap(
          start, Int(end - first), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | noReplace, -1,
          0)
          == start
      }
      return map(0x7e00_0000_0000, 0x8000_0000_0000) && map(0x5400_0000_0000, 0x5800_0000_0000)
    #else
      return false
    #endif
  }()
}

// MARK: In an execution

extension Execution {
  /// What the access that comes next depends on, by labels and, of branches, by reads.
  package func tellDependencies(_ racer: Int, address: UInt8, data: UInt8, control: UInt64) {
    guard !state.pointee.isQuiescent, let labels = state.pointee.labels else { return }
    racers[racer].dependencies = Dependencies(
      address: labels.reads(racer, address), data: labels.reads(racer, data), control: control)
  }

  /// There is no such access after all.
  package func forgetDependencies(_ racer: Int) { racers[racer].dependencies = Dependencies() }

  /// The racer has read, on the graph.
  @inline(__always) func label(_ racer: Int, read index: Int32) -> UInt8 {
    state.pointee.labels?.take(racer, read: index) ?? 0
  }

  /// Before a plain read that is not on the graph: what another wrote has none of this racer's labels. (Not everything that
  /// a racer writes to its own stack is told.)
  @inline(__always) func clearForeignLabels(_ racer: Int, _ address: UInt, _ size: Int) {
    guard state.pointee.labels != nil else { return }
    let isOwn = state.pointee.shadow.isWritten(
      space.offset(address), size, by: racer, orNobody: isOnOwnStack(racer, address))
    if !isOwn { Labels.set(address, size, 0) }
  }

  /// What a plain write on the graph has left in memory depends on.
  func dataOfPlainWrite(_ racer: Int, _ address: UInt, _ size: Int) -> UInt64 {
    guard let labels = state.pointee.labels else { return 0 }
    return labels.reads(racer, Labels.union(address, size))
  }
}
