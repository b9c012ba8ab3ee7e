import AddonMemory
import BenchModel
import CCounters
import CLayouts
import CThreads
import Machine

/// Inodes as layouts have them, in the order that hooks visit them.
final class LayoutField: @unchecked Sendable {
  /// As far apart as in a file system's own inode of 704 bytes, whatever the layout: 11 cache lines, so that inodes spread
  /// over all sets of a cache.
  static let spacing = 704
  let field: BenchField
  let shared: LayoutShared
  /// Addresses of all inodes, shuffled.
  let order: UnsafeMutablePointer<UInt>
  var count: Int { field.area.count }

  init(inodes: Int, racers: Int) {
    // Each inode holds its superblock's address, and is found by its own in the order.
    field = BenchField(inodes: inodes, spacing: Self.spacing, racers: racers, stayPut: true)
    shared = LayoutShared(inodes: inodes)
    let area = field.area
    order = .allocate(capacity: inodes)
    var numbers = Array(0..<inodes)
    var generator = SplitMix(seed: 2024)
    numbers.shuffle(using: &generator)
    for (turn, number) in numbers.enumerated() { order[turn] = area.base + UInt(number * Self.spacing) }
    for turn in 0..<inodes {
      HardwareMemory(racer: 0).write(Word64(order[turn] + UInt(LAYOUT_SB)), UInt64(shared.superblockAddress))
    }
  }
  deinit {
    order.deallocate()
    shared.deallocate()
  }
}

/// One layout with its type gone: its loops are specialised where `init` is called.
struct LayoutCode: Sendable {
  let facts: LayoutFacts
  let regimes: [LayoutRegime]
  private let hooks: @Sendable (LayoutField, HookPace, Int) -> Void
  private let prepare: @Sendable (LayoutField, LayoutRegime) -> Void
  private let watch: @Sendable (LayoutField, HardwareMemory) -> Void
  private let timedWatch: @Sendable (LayoutField, HardwareMemory, UnsafeMutablePointer<UInt64>) -> Void
  private let release: @Sendable (LayoutField) -> Void
  private let countOnce: @Sendable (LayoutField, UInt, LineCounter) -> Void

  @inline(__always) init<L: Layout>(_ layout: L.Type) {
    facts = L.facts
    regimes = L.regimes
    hooks = { field, pace, passes in
      for _ in 0..<passes {
        switch pace {
        case .alone: LayoutLoop<L>.hooksAlone(field.order, field.count, field.shared)
        case .overlapping: LayoutLoop<L>.hooks(field.order, field.count, field.shared)
        }
      }
    }
    prepare = { field, regime in
      let memory = HardwareMemory(racer: 0)
      field.shared.setWatched(regime != .nothingWatched)
      for turn in 0..<field.count {
        if regime == .anotherAddon { L.attachAnother(to: field.order[turn], field.shared, in: memory) }
        if regime == .inodeWatched { L.watch(field.order[turn], field.shared, in: memory) }
      }
    }
    watch = { field, memory in LayoutLoop<L>.watch(field.order, field.count, field.shared, memory) }
    timedWatch = { field, memory, ticks in
      LayoutLoop<L>.timedWatch(field.order, field.count, field.shared, memory, ticks)
    }
    release = { field in
      for turn in 0..<field.count { L.release(field.order[turn], field.shared, in: HardwareMemory(racer: 0)) }
    }
    countOnce = { field, inode, counter in _ = L.hook(inode, field.shared, counter) }
  }

  /// Its hooks, in a regime.
  func hooks(in regime: LayoutRegime, at pace: HookPace, on field: LayoutField) -> Contestant {
    Contestant(
      facts.name, measures: [.fastPath, .besideDirtyWord], create: { prepare(field, regime) },
      visit: { _, passes in hooks(field, pace, passes) }, empty: { release(field) })
  }

  /// The first watch of each inode.
  func firstWatch(on field: LayoutField) -> Contestant {
    let counts = field.field.counts
    return Contestant(
      facts.name, measures: [.firstAllocation, .contended], create: { field.shared.setWatched(true) },
      visit: { racer, _ in watch(field, counts.memory(racer)) },
      timedVisit: { racer, ticks in timedWatch(field, counts.memory(racer), ticks) }, empty: { release(field) })
  }

  /// What one hook touches in a regime: what all inodes share does not count.
  func reach(in regime: LayoutRegime, on field: LayoutField, missesPerEvent: ccounters_event?) -> LayoutFigures.Reach {
    prepare(field, regime)
    defer { release(field) }
    var lines = 0
    var loads = 0
    let sample = min(field.count, 1024)
    for turn in 0..<sample {
      let counter = LineCounter()
      countOnce(field, field.order[turn], counter)
      loads += counter.loads
      lines += counter.lines.count { !field.shared.contains(line: $0) }
    }
    return LayoutFigures.Reach(
      layout: facts.name, regime: regime, lines: Double(lines) / Double(sample), loads: Double(loads) / Double(sample),
      cacheMisses: missesPerEvent.flatMap { misses(of: $0, on: field) })
  }

  /// Events of the processor's, for one hook of the second of two passes.
  private func misses(of event: ccounters_event, on field: LayoutField) -> Double? {
    hooks(field, .overlapping, 1)
    let counter = ccounters_open(event)
    if counter < 0 { return nil }
    defer { ccounters_close(counter) }
    let before = ccounters_read(counter)
    hooks(field, .overlapping, 1)
    let after = ccounters_read(counter)
    return after >= before ? Double(after - before) / Double(field.count) : nil
  }
}

/// The loops that are measured.
private enum LayoutLoop<L: Layout> {
  @inline(never) static func hooks(_ order: UnsafeMutablePointer<UInt>, _ count: Int, _ shared: LayoutShared) {
    let reader = MachineReader()
    var turn = 0
    while turn < count {
      _ = L.hook(order[turn], shared, reader)
      turn &+= 1
    }
  }

  @inline(never) static func hooksAlone(_ order: UnsafeMutablePointer<UInt>, _ count: Int, _ shared: LayoutShared) {
    let reader = MachineReader()
    var turn = 0
    while turn < count {
      _ = L.hook(order[turn], shared, reader)
      cthreads_serialize()
      turn &+= 1
    }
  }

  @inline(never)
  static func watch(
    _ order: UnsafeMutablePointer<UInt>, _ count: Int, _ shared: LayoutShared, _ memory: HardwareMemory
  ) {
    for turn in 0..<count { L.watch(order[turn], shared, in: memory) }
  }

  @inline(never)
  static func timedWatch(
    _ order: UnsafeMutablePointer<UInt>, _ count: Int, _ shared: LayoutShared, _ memory: HardwareMemory,
    _ ticks: UnsafeMutablePointer<UInt64>
  ) {
    for turn in 0..<count {
      let start = cthreads_ticks_before()
      L.watch(order[turn], shared, in: memory)
      ticks[turn] = cthreads_ticks_after() &- start
    }
  }
}
