import CAtomics
import CThreads
import ExploreCore
import Foundation
import Machine

/// Slots for processes that explore at the same time. All explorations that run side by side share them.
public struct WorkerSlots: @unchecked Sendable {
  /// Free ones, in memory that the processes share: a signed number, below 0 while more are at work than there are slots.
  private let free: UnsafeMutablePointer<UInt64>
  /// In all.
  public let count: Int

  public init(free: UnsafeMutablePointer<UInt64>, count: Int) {
    self.free = free
    self.count = count
  }

  /// Answers whether there was one.
  func take() -> Bool {
    while true {
      let now = catomics_load_relaxed_64(free)
      guard Int64(bitPattern: now) > 0 else { return false }
      if catomics_compare_exchange_acq_rel_acquire_64(free, now, now &- 1) == now { return true }
    }
  }

  func giveBack() { _ = catomics_fetch_add_relaxed_64(free, 1) }
  /// Takes one that is needed, whether it is free or not.
  func takeBack() { _ = catomics_fetch_add_relaxed_64(free, UInt64(bitPattern: -1)) }
}

/// Parts of an exploration that copies of this process visit.
final class Loans {
  private struct Loan {
    let part: Exploration.Part
    var process: pid_t
    /// Where its record goes.
    var answer: Int32
    var record: PartRecord?
    var attempts = 1
  }

  /// How a part comes back.
  enum Returned {
    case record(PartRecord)
    /// It cannot be visited on its own, or whoever tried died.
    case unvisited
  }

  private let slots: WorkerSlots
  /// In the order in which they were given. The last comes first in the order of the search.
  private var loans: [Loan] = []
  private var hasInterrupted = false
  private var lastLoan = 0.0
  private(set) var isBroken = false
  /// What a copy does with its part.
  private let visit: (Exploration.Part) -> PartRecord?

  init(_ slots: WorkerSlots, visit: @escaping (Exploration.Part) -> PartRecord?) {
    self.slots = slots
    self.visit = visit
  }

  var isEmpty: Bool { loans.isEmpty }

  /// Seconds between two loans: a copy of the process has to be worth it.
  private static let secondsBetween = 0.01
  private static let mostAttempts = 3
  /// The status of a copy that cannot visit its part.
  static let unvisitable: Int32 = 75

  /// Gives a part away if somebody is free, and sees who is done.
  func look(_ exploration: Exploration) {
    reap()
    let now = MonotonicClock.now()
    guard !isBroken, now - lastLoan > Self.secondsBetween, slots.take() else { return }
    lastLoan = now
    guard let part = exploration.lend() else { return slots.giveBack() }
    loans.append(Loan(part: part, process: 0, answer: -1))
    start(loans.count - 1)
  }

  private func start(_ index: Int) {
    let answer = cthreads_shared_file("part", 0)
    let process = answer < 0 ? -1 : cthreads_fork()
    if process == 0 { workOn(loans[index].part, answer) }
    loans[index].process = process
    loans[index].answer = answer
    if process < 0 { lose(index) }
  }

  /// The copy's side.
  private func workOn(_ part: Exploration.Part, _ answer: Int32) -> Never {
    loans = []
    hasInterrupted = false
    guard let record = visit(part), let data = try? JSONEncoder().encode(record) else { _exit(Self.unvisitable) }
    let isWritten = data.withUnsafeBytes { write(answer, $0.baseAddress, $0.count) == $0.count }
    _exit(isWritten ? 0 : Self.unvisitable)
  }

  /// Sees who ended, without waiting.
  private func reap() {
    if cthreads_interrupted() != 0, !hasInterrupted {
      hasInterrupted = true
      for loan in loans where loan.process > 0 { kill(loan.process, SIGINT) }
    }
    for index in loans.indices where loans[index].process > 0 {
      var status: Int32 = 0
      guard waitpid(loans[index].process, &status, WNOHANG) == loans[index].process else { continue }
      loans[index].process = 0
      if status == 0, let record = read(loans[index].answer) {
        slots.giveBack()
        loans[index].record = record
        close(loans[index].answer)
        // What comes after a part in which it was enough is not asked for.
        if record.end == .stopped { abandon(upTo: index) }
      } else if status & 0x7f != 0, loans[index].attempts < Self.mostAttempts, cthreads_interrupted() == 0 {
        // It was killed: another one visits its part.
        close(loans[index].answer)
        loans[index].attempts += 1
        start(index)
      } else {
        close(loans[index].answer)
        lose(index)
      }
    }
  }

  private func lose(_ index: Int) {
    slots.giveBack()
    loans[index].process = 0
    isBroken = true
  }

  private func read(_ file: Int32) -> PartRecord? {
    var state = stat()
    guard fstat(file, &state) == 0 else { return nil }
    var data = Data(count: Int(state.st_size))
    let count = data.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
    return count == data.count ? try? JSONDecoder().decode(PartRecord.self, from: data) : nil
  }

  /// Waits for the part that comes next in the order of the search, and takes it off. Nil where there is none.
  func next(_ exploration: Exploration) -> Returned? {
    guard let index = loans.indices.last else { return nil }
    // Who waits needs no slot.
    slots.giveBack()
    defer { slots.takeBack() }
    while loans[index].process > 0, !isBroken {
      reap()
      if loans[index].process > 0 { usleep(Self.microsecondsBetween) }
    }
    guard !isBroken, let record = loans[index].record else { return .unvisited }
    exploration.release(loans.removeLast().part)
    return .record(record)
  }

  private static let microsecondsBetween: UInt32 = 300

  /// Ends all that is still under way, and forgets it.
  func abandon(_ exploration: Exploration) {
    abandon(upTo: loans.count)
    for loan in loans { exploration.release(loan.part) }
    loans = []
  }

  private func abandon(upTo end: Int) {
    for index in 0..<end where loans[index].process > 0 {
      kill(loans[index].process, SIGKILL)
      waitpid(loans[index].process, nil, 0)
      loans[index].process = 0
      close(loans[index].answer)
      slots.giveBack()
    }
  }
}
