import AddonRace
import Foundation

/// One line on standard error that is written over while there is work: how much of it is done, about how long the rest
/// takes, and how far what runs is. Nothing where nobody watches.
///
/// Threads that work side by side share it.
final class ProgressLine: @unchecked Sendable {
  private let lock = NSLock()
  private let isShown = isatty(STDERR_FILENO) != 0
  /// Pieces of work in all, and done.
  private let total: Int
  private var done = 0
  private let started = MonotonicClock.now()
  private var shown = 0.0

  init(_ total: Int) { self.total = total }

  func show(_ name: String, _ progress: RunProgress) {
    show(name, "\(Number.grouped(progress.populations)) populations, \(Number.grouped(progress.collisions)) collisions")
  }

  func show(_ name: String, _ progress: ExploreProgress) {
    var text = "\(progress.model.rawValue): \(Number.grouped(progress.executions)) executions"
    if let estimate = progress.estimate, estimate > 0 {
      text += " of about \(Number.grouped(Int(min(estimate, 1e15))))"
      let share = Double(progress.executions) / estimate
      if share <= 1 { text += " (\(Int(share * 100)) %)" }
    }
    show(name, text)
  }

  func show(_ name: String, _ text: String) {
    guard isShown else { return }
    lock.withLock {
      let now = MonotonicClock.now()
      guard now - shown > Self.secondsBetween else { return }
      shown = now
      let line = "\(share(now))\(name.safe), \(text)".cut(to: Terminal.width(STDERR_FILENO) - 1)
      write("\r\u{1b}[2K\(line)")
    }
  }

  private static let secondsBetween = 0.1

  private func share(_ now: Double) -> String {
    guard total > 1 else { return "" }
    var text = "\(done) of \(total) (\(done * 100 / total) %)"
    // The first few say little of the rest.
    if done * 10 >= total || done >= 20 {
      text += ", about \(Int((now - started) / Double(done) * Double(total - done)) + 1) s left"
    }
    return text + " · "
  }

  /// One piece of work is done.
  func finish(_ name: String) {
    lock.withLock {
      done += 1
      if isShown { write("\r\u{1b}[2K") }
    }
  }

  /// Prints a line in between.
  func print(_ text: String) {
    lock.withLock {
      if isShown { write("\r\u{1b}[2K") }
      StandardError.print(text)
    }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
