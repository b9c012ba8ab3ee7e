import CThreads
import Foundation

/// Pieces of work that are done on several threads, begun in order. Whoever asks for a result waits for it.
///
/// After an interrupt what was begun comes to its end, and nothing else is begun.
public final class SideBySide<Result: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var results: [Result?]
  private var next = 0
  private var atWork = 0
  /// Called where there is nothing left to begin, on a thread that ends.
  private let willIdle: @Sendable () -> Void

  /// `worker` makes what does the work of one thread; it is called on that.
  public init(
    _ count: Int, jobs: Int, willIdle: @escaping @Sendable () -> Void = {},
    worker: @escaping @Sendable () -> (Int) -> Result
  ) {
    results = Array(repeating: nil, count: count)
    self.willIdle = willIdle
    let threads = max(1, min(jobs, count))
    atWork = threads
    for _ in 0..<threads {
      let thread = Thread { self.work(worker()) }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  private func work(_ perform: (Int) -> Result) {
    while let index = begin() {
      let result = perform(index)
      condition.withLock {
        results[index] = result
        condition.broadcast()
      }
    }
    willIdle()
    condition.withLock {
      atWork -= 1
      condition.broadcast()
    }
  }

  private func begin() -> Int? {
    condition.withLock {
      guard next < results.count, cthreads_interrupted() == 0 else { return nil }
      next += 1
      return next - 1
    }
  }

  /// Waits for a result, and hands it out once. Nil where it was not begun before an interrupt.
  public func take(_ index: Int) -> Result? {
    condition.withLock {
      while results[index] == nil, atWork > 0 { condition.wait() }
      return results[index].take()
    }
  }
}
