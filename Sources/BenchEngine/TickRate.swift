import CThreads
import Machine

/// How long a tick of the time stamp counter is, and what it costs to ask for it.
struct TickRate {
  /// Measured once.
  static let here = TickRate()
  private let nanosecondsOfTick: Double
  /// Nanoseconds between two stamps with nothing between them.
  let stampCost: Double
  /// Nanoseconds that it takes besides to write down their difference.
  let recordCost: Double

  private init() {
    let start = (MonotonicClock.now(), cthreads_ticks_before())
    var now = (MonotonicClock.now(), cthreads_ticks_before())
    while now.0 - start.0 < 0.02 { now = (MonotonicClock.now(), cthreads_ticks_before()) }
    nanosecondsOfTick = (now.0 - start.0) * 1e9 / Double(now.1 - start.1)
    stampCost = Self.median((0..<1001).map { _ in Self.stamps() }) * nanosecondsOfTick
    let with = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.turnsOfLoop) { buffer in
      buffer.initialize(repeating: 0)
      return buffer.baseAddress.map { ticks in Self.median((0..<41).map { _ in Self.recordedTurns(ticks) }) } ?? 0
    }
    let without = Self.median((0..<41).map { _ in Self.turns() })
    recordCost = max(0, with - without) * nanosecondsOfTick
  }

  func nanoseconds(of ticks: Double) -> Double { ticks * nanosecondsOfTick }

  private static func stamps() -> Double {
    let start = cthreads_ticks_before()
    return Double(cthreads_ticks_after() &- start)
  }

  private static let turnsOfLoop = 2048

  /// Ticks of one turn of a loop that takes two stamps, and writes down their difference as a timed visit does.
  @inline(never) private static func recordedTurns(_ ticks: UnsafeMutablePointer<UInt64>) -> Double {
    let start = cthreads_ticks_before()
    for turn in 0..<turnsOfLoop {
      let begin = cthreads_ticks_before()
      ticks[turn] = cthreads_ticks_after() &- begin
    }
    return Double(cthreads_ticks_after() &- start) / Double(turnsOfLoop)
  }

  /// The same without recording it.
  @inline(never) private static func turns() -> Double {
    let start = cthreads_ticks_before()
    var sum: UInt64 = 0
    for _ in 0..<turnsOfLoop {
      let begin = cthreads_ticks_before()
      sum &+= cthreads_ticks_after() &- begin
    }
    let all = cthreads_ticks_after() &- start
    return sum == .max ? 0 : Double(all) / Double(turnsOfLoop)
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
