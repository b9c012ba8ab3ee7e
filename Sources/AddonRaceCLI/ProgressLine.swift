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
      text += " of about \(Coverage.scientific(estimate))"
      let share = Double(progress.executions) / estimate
      if share <= 1 { text += " (\(Int(share * 100)) %)" }
    }
    show(name, text)
  }

  /// - Parameter share: of this piece of work that is done, 0 to 1, where that is known.
  func show(_ name: String, _ text: String, share: Double? = nil) {
    guard isShown else { return }
    lock.withLock {
      let now = MonotonicClock.now()
      guard now - shown > Self.secondsBetween else { return }
      shown = now
      let line = "\(state(now, share))\(name.safe), \(text)".cut(to: Terminal.width(STDERR_FILENO) - 1)
      write("\r\u{1b}[2K\(line)")
    }
  }

  private static let secondsBetween = 0.1

  private func state(_ now: Double, _ share: Double?) -> String {
    guard total > 1 || share != nil else { return "" }
    let done = Double(done) + (share ?? 0)
    let percent = "\(Int(done / Double(total) * 100)) %"
    var text = total > 1 ? "\(self.done) of \(total) (\(percent))" : percent
    // The first few say little of the rest.
    if done * 10 >= Double(total) || done >= 20 {
      text += ", about \(Int((now - started) / done * (Double(total) - done)) + 1) s left"
    }
    return text + " · "
  }

  /// One piece of work is done.
  func finish() {
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
