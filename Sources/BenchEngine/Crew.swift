import CAtomics
import CThreads
import Dispatch
import Foundation
import Machine
import RaceModel

/// Racers that do one job after the other, each at the same time, on threads of their own that are pinned round robin.
///
/// Whoever gives the jobs sleeps meanwhile: with as many racers as processors it would take one from them.
final class Crew {
  let racerCount: Int
  private let shared: Shared

  /// What racers and conductor share. The job and the stamps are written by one side while the other waits: the words say
  /// which.
  private final class Shared: @unchecked Sendable {
    let racerCount: Int
    let spins: Int
    /// Words on line pairs of their own.
    let words: UnsafeMutablePointer<UInt64>
    var job: (Int) -> Void = { _ in }
    let starts: UnsafeMutablePointer<UInt64>
    let ends: UnsafeMutablePointer<UInt64>

    init(racerCount: Int) {
      self.racerCount = racerCount
      spins = racerCount <= Int(cthreads_processor_count()) ? 100_000 : 0
      words = .allocate(capacity: 16 * 4)
      words.initialize(repeating: 0, count: 16 * 4)
      starts = .allocate(capacity: racerCount * 16)
      ends = .allocate(capacity: racerCount * 16)
    }
    deinit {
      words.deallocate()
      starts.deallocate()
      ends.deallocate()
    }

    var jobNumber: UnsafeMutablePointer<UInt64> { words }
    var arrived: UnsafeMutablePointer<UInt64> { words + 16 }
    var finished: UnsafeMutablePointer<UInt64> { words + 32 }
    var isOver: UnsafeMutablePointer<UInt64> { words + 48 }

    func sleep(on word: UnsafeMutablePointer<UInt64>, while value: UInt64) {
      cthreads_futex_wait(
        UnsafePointer(UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)),
        UInt32(truncatingIfNeeded: value), 100)
    }
    func wake(_ word: UnsafeMutablePointer<UInt64>) {
      cthreads_futex_wake_all(UnsafePointer(UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)))
    }

    func work(as racer: Int) {
      var done: UInt64 = 0
      while true {
        while catomics_load_acquire_64(jobNumber) == done {
          if catomics_load_relaxed_64(isOver) != 0 { return }
          sleep(on: jobNumber, while: done)
        }
        done += 1
        catomics_fetch_add_acq_rel_64(arrived, 1)
        var turns = 0
        while catomics_load_acquire_64(arrived) < done * UInt64(racerCount) {
          turns += 1
          if turns <= spins { cthreads_pause() } else { cthreads_yield() }
        }
        starts[racer * 16] = cthreads_ticks_before()
        job(racer)
        ends[racer * 16] = cthreads_ticks_after()
        if catomics_fetch_add_acq_rel_64(finished, 1) + 1 == done * UInt64(racerCount) { wake(finished) }
      }
    }
  }

  init(racerCount: Int) {
    self.racerCount = racerCount
    let shared = Shared(racerCount: racerCount)
    self.shared = shared
    let processors = Int(cthreads_processor_count())
    for racer in 0..<racerCount {
      DispatchQueue(label: "addonrace.bench.\(racer)").async {
        cthreads_name("bench \(racer)")
        cthreads_pin(Int32(racer % processors))
        shared.work(as: racer)
        cthreads_unpin()
      }
    }
  }

  deinit {
    catomics_store_release_64(shared.isOver, 1)
    shared.wake(shared.jobNumber)
  }

  /// Ticks from the first start to the last end, or those of one racer. Throws if a racer does not come to an end.
  @discardableResult
  func run(timing timed: Int? = nil, _ job: @escaping (Int) -> Void) throws(EngineError) -> UInt64 {
    shared.job = job
    let number = catomics_load_relaxed_64(shared.jobNumber) + 1
    let all = number * UInt64(racerCount)
    catomics_store_release_64(shared.jobNumber, number)
    shared.wake(shared.jobNumber)
    let deadline = MonotonicClock.now() + Self.patience
    while true {
      let finished = catomics_load_acquire_64(shared.finished)
      if finished == all { break }
      if MonotonicClock.now() > deadline {
        throw EngineError("\(all - finished) of \(racerCount) racers did not come to an end in \(Int(Self.patience)) s")
      }
      shared.sleep(on: shared.finished, while: finished)
    }
    if let timed { return shared.ends[timed * 16] &- shared.starts[timed * 16] }
    var first = UInt64.max
    var last: UInt64 = 0
    for racer in 0..<racerCount {
      first = min(first, shared.starts[racer * 16])
      last = max(last, shared.ends[racer * 16])
    }
    return last > first ? last - first : 0
  }

  /// Seconds that one job may take.
  private static let patience = 20.0
}

extension Crew {
  /// Nanoseconds of one compare-exchange round trip between the first two racers; nil where one processor has to do for
  /// both.
  func roundTrip() throws(EngineError) -> Double? {
    if racerCount < 2 || cthreads_processor_count() < 2 { return nil }
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    words.initialize(repeating: 0, count: 64)
    defer { words.deallocate() }
    let trip = RoundTrip(word: words, abandoned: words + 32)
    let answer = words + 48
    try run { racer in
      guard racer < 2 else { return }
      var base: UInt64 = 0
      let time = trip.measure(as: racer, from: &base)
      if racer == 0 { answer.pointee = time.bitPattern }
    }
    return Double(bitPattern: answer.pointee)
  }
}
