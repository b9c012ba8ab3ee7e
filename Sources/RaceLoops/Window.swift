import AddonMemory
import CAtomics
import CThreads
import Machine

/// What happens inside the window. A value of its own: a shape acts here and leaves the strategy alone.
public enum Window: UInt8 {
  case none, pipeline, delay, yield, meet
}

/// Where racers announce how far they are: a line pair each, and the flag that ends all waiting.
///
/// All accesses are relaxed: within a round the harness must not order racers, or it would hide from ThreadSanitizer
/// what the strategy leaves unordered.
public struct Meeting {
  public let progress: UnsafeMutablePointer<UInt64>
  public let abandoned: UnsafeMutablePointer<UInt64>
  public let racer: Int
  public let racerCount: Int
  /// Turns of a spin loop before the processor is given away: none where racers outnumber processors.
  public let spins: Int

  public init(
    progress: UnsafeMutablePointer<UInt64>, abandoned: UnsafeMutablePointer<UInt64>, racer: Int, racerCount: Int,
    spins: Int
  ) {
    self.progress = progress
    self.abandoned = abandoned
    self.racer = racer
    self.racerCount = racerCount
    self.spins = spins
  }

  @inlinable @inline(__always) public func announce(_ ticket: UInt64) {
    catomics_store_relaxed_64(progress + racer &* LinePair.words, ticket)
  }

  /// The second line of a pair: how many visits its racer has ended, where the site's slots go back to NULL.
  @usableFromInline func visits(of racer: Int) -> UnsafeMutablePointer<UInt64> {
    progress + (racer &* LinePair.words &+ 8)
  }

  /// Whether a racer has announced a ticket that this one has not reached.
  private func waits(_ other: Int) -> Bool {
    catomics_load_relaxed_64(progress + other &* LinePair.words)
      > catomics_load_relaxed_64(progress + racer &* LinePair.words)
  }

  @inlinable @inline(__always) public func endVisit() {
    let visits = visits(of: racer)
    catomics_store_relaxed_64(visits, catomics_load_relaxed_64(visits) &+ 1)
  }

  private static let visitsToLinger: UInt64 = 64
  private static let turnsOfPatience = 4096

  /// Keeps the racer's section open until every other racer has ended 64 more visits, or ends none any more, because it
  /// waits for this one.
  @inline(never) public func lingerUntilOthersAdvance() {
    for other in 0..<racerCount where other != racer {
      let visits = visits(of: other)
      var last = catomics_load_relaxed_64(visits)
      let enough = last &+ Self.visitsToLinger
      var turns = 0
      while last < enough, turns < Self.turnsOfPatience, !waits(other) {
        // One that shares this racer's processor ends none unless it is let.
        if spins > 0, turns < Self.turnsOfPatience - 64 { cthreads_pause() } else { cthreads_yield() }
        let now = catomics_load_relaxed_64(visits)
        turns = now == last ? turns &+ (spins > 0 ? 1 : 64) : 0
        last = now
      }
    }
  }

  /// The visit in whose window a racer is, or was last, inside a section.
  private func windowInSection(of racer: Int) -> UnsafeMutablePointer<UInt64> {
    progress + (racer &* LinePair.words &+ 9)
  }

  private static let turnsForCompany = 128

  /// In the window of a visit, inside a section: waits until another racer is there, or was, but only for a moment, since
  /// it may have found the slot populated, or wait for the section's end.
  @inline(never) public func awaitCompany(inVisit visit: UInt64) {
    catomics_store_relaxed_64(windowInSection(of: racer), visit)
    var turns = 0
    while turns < Self.turnsForCompany {
      for other in 0..<racerCount
      where other != racer && catomics_load_relaxed_64(windowInSection(of: other)) >= visit { return }
      if spins > 0 { cthreads_pause() } else { cthreads_yield() }
      turns &+= spins > 0 ? 1 : 32
    }
  }

  /// Whether every other racer has announced `ticket` or more.
  @inlinable @inline(__always) public func everyoneReached(_ ticket: UInt64) -> Bool {
    var other = 0
    while other < racerCount {
      if other != racer, catomics_load_relaxed_64(progress + other &* LinePair.words) < ticket { return false }
      other &+= 1
    }
    return true
  }

  /// Waits until every other racer has announced `ticket` or more.
  @inlinable @inline(__always) public func wait(for ticket: UInt64) {
    var other = 0
    while other < racerCount {
      if other != racer {
        let word = progress + other &* LinePair.words
        if catomics_load_relaxed_64(word) < ticket { waitPatiently(word, ticket) }
      }
      other &+= 1
    }
  }

  /// The same for a moment: the others may wait for what this racer is to do.
  @inline(never) public func waitBriefly(for ticket: UInt64) {
    var turns = 0
    while turns < 64, !everyoneReached(ticket) {
      cthreads_yield()
      turns &+= 1
    }
  }

  @inline(never) public func waitPatiently(_ word: UnsafeMutablePointer<UInt64>, _ ticket: UInt64) {
    var turns = 0
    while catomics_load_relaxed_64(word) < ticket {
      turns &+= 1
      if turns <= spins {
        if turns > 64 { cthreads_pause() }
        continue
      }
      if catomics_load_relaxed_64(abandoned) != 0 { return }
      cthreads_yield()
    }
  }
}

/// How long a racer that has announced itself looks away before it looks whether the others have come.
///
/// Whoever looks too early takes the line from the racer that is about to announce itself there, which must first get it
/// back: two transfers of a line instead of one. So each racer learns how long the others take, apart for the visits after
/// one that it won, from which it comes early, and after one that it lost. In units of 1/16 instruction.
public struct Patience {
  @inlinable static var fraction: Int { 4 }
  @inlinable static var limit: Int { 1000 << fraction }
  @inlinable static var stepAfterEarlyLook: Int { 16 }
  @usableFromInline var afterWinning = 0
  @usableFromInline var afterLosing = 0

  /// Waits until every other racer has announced `ticket` or more.
  @inlinable @inline(__always)
  public mutating func wait(for ticket: UInt64, at meeting: Meeting, afterWinning won: Bool) {
    let delay = won ? afterWinning : afterLosing
    spin(instructions: delay >> Self.fraction)
    let isEarly = !meeting.everyoneReached(ticket)
    let next = isEarly ? min(delay &+ Self.stepAfterEarlyLook, Self.limit) : max(delay &- 1, 0)
    if won { afterWinning = next } else { afterLosing = next }
    if isEarly { meeting.wait(for: ticket) }
  }
}

/// So many instructions of delay.
@inlinable @inline(__always) public func spin(instructions: Int) {
  var left = instructions
  while left > 0 {
    cthreads_nop()
    left &-= 1
  }
}
