import AddonMemory
import Addons
import CFibers
import CThreads
import RaceModel

/// One racer's way through one round: flat pointers, no reference counting. The loops below are the hot part of a run;
/// each is compiled once for each entry of the catalog.
struct VisitLoop<S: Site> {
  let state: UnsafeMutablePointer<RacerState>
  let log: UnsafeMutablePointer<UInt64>
  let placement: UnsafeMutablePointer<UInt32>
  let inodes: UInt
  let spacing: UInt
  let shared: UInt
  let count: Int
  let role: S.Role
  let racer: Int
  let section: ReadDomain?
  /// Where a racer that only looks begins: a few inodes before the first, from the end, so that it follows the others
  /// and sees what they publish.
  let first: Int
  let isLooking: Bool
  static var lagOfLookers: Int { 8 }

  init(_ arena: Arena, racer: Int, buffer: Int) {
    let round = arena.rounds[buffer].pointee
    state = round.states[racer]
    log = round.logs[racer]
    placement = arena.placement
    inodes = round.inodes
    spacing = round.spacing
    shared = round.shared
    count = round.inodeCount
    role = S.Role(rawValue: arena.plan.roles[racer]).unsafelyUnwrapped
    self.racer = racer
    section = arena.plan.readSections[racer]
    isLooking = arena.plan.looksOnly[racer]
    first = isLooking ? count - Self.lagOfLookers : 0
  }

  @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(address: inodes &+ UInt(placement[number]) &* spacing, shared: shared)
  }

  @inline(__always) func visit(_ number: Int, fiber: UnsafeMutablePointer<cfiber>?) {
    let entry = log + number &* S.slotCount
    var slot = 0
    while slot < S.slotCount {
      entry[slot] = 0
      slot &+= 1
    }
    let memory = RacedMemory(state, entry: entry, inode: UInt32(truncatingIfNeeded: number), fiber: fiber)
    if section != nil { enterCallersSection(memory) }
    S.visit(inode(number), as: role, in: memory)
    if section != nil { leaveCallersSection(memory) }
    if S.keepsHistory { state.pointee.meeting.endVisit() }
    if S.deferredFreesPerVisit > 0 {
      var kind = 0
      while kind < GracePeriod.count {
        (state.pointee.deferredFrees + kind).pointee.limit(in: memory)
        kind &+= 1
      }
    }
  }

  // Out of the way of visits without one.
  @inline(never) private func enterCallersSection(_ memory: RacedMemory) {
    if let section { memory.enterReadSection(section) }
  }
  @inline(never) private func leaveCallersSection(_ memory: RacedMemory) {
    if let section { memory.leaveReadSection(section) }
  }

  /// What visits left to grace periods goes before the round ends.
  func freeWhatIsDeferred() {
    guard S.deferredFreesPerVisit > 0 else { return }
    for index in 0..<GracePeriod.count {
      (state.pointee.deferredFrees + index).pointee.finish(
        in: RacedMemory(state, entry: log, inode: 0, fiber: nil))
    }
  }

  @inline(__always) func prefetch(_ number: Int) {
    cthreads_prefetch_read(UnsafeRawPointer(bitPattern: inode(number).address).unsafelyUnwrapped)
  }
}

// MARK: Natural, and widened by a delay or a yield

extension VisitLoop {
  /// One inode after the other, as fast as it goes.
  @inline(never) func visitFreely() {
    var number = first
    var left = count
    while left > 0 {
      visit(number, fiber: nil)
      number &+= 1
      if number == count { number = 0 }
      left &-= 1
    }
  }

  /// Racers start each visit together. One that comes late has just missed the others' announcement by a line's
  /// latency, so the others wait a little: each racer adapts how long, by what it finds. One that only looks waits until
  /// the others are about to publish.
  @inline(never) func visitTogether(epoch: UInt64, start: UnsafeMutablePointer<AdaptiveStart>) {
    let meeting = state.pointee.meeting
    var number = 0
    while number < count {
      let ticket = epoch &+ UInt64(number) &+ 1
      prefetch(number &+ 1)
      meeting.announce(ticket)
      let isLast = meeting.everyoneReached(ticket)
      if !isLast { meeting.wait(for: ticket) }
      if isLast || isLooking {
        var left = start.pointee.delay >> AdaptiveStart.fraction
        while left > 0 {
          cthreads_nop()
          left &-= 1
        }
      }
      visit(number, fiber: nil)
      if isLooking {
        start.pointee.looked(tooEarly: foundNothing(number))
      } else if log[number &* S.slotCount] & LogWord.sawNull == 0 {
        start.pointee.cameTooLate(after: isLast)
      }
      number &+= 1
    }
    meeting.announce(epoch &+ UInt64(count) &+ 1)
  }

  /// Whether this racer's visit said so of any of the inode's slots.
  @inline(__always) private func foundNothing(_ number: Int) -> Bool {
    var words: UInt64 = 0
    var slot = 0
    while slot < S.slotCount {
      words |= log[number &* S.slotCount &+ slot]
      slot &+= 1
    }
    return words & LogWord.absent != 0
  }
}

/// How long the racer that was last to announce itself waits, because it sees that the others are there before they
/// see that it is: in units of 1/16 instruction.
struct AdaptiveStart {
  static let fraction = 4
  static let limit = 2000 << fraction
  var delay = 40 << fraction

  /// This racer found the slot populated: it came too late.
  @inline(__always) mutating func cameTooLate(after wasLast: Bool) {
    if wasLast {
      if delay > 0 { delay &-= 1 }
    } else if delay < Self.limit {
      delay &+= 1
    }
  }

  /// This racer only looks: so it hovers about the moment of publication.
  @inline(__always) mutating func looked(tooEarly: Bool) {
    if tooEarly {
      if delay < Self.limit { delay &+= 1 << Self.fraction }
    } else if delay > 0 {
      delay &-= 1 << Self.fraction
    }
  }
}

// MARK: Forced

extension VisitLoop {
  /// Racers meet in the first window of each visit, and whoever comes to another waits there until the others have
  /// left theirs. One that leaves without having come to a window counts as arrived.
  @inline(never) func visitForced(epoch: UInt64) {
    let meeting = state.pointee.meeting
    var number = 0
    while number < count {
      let ticket = epoch &+ 2 &* UInt64(number) &+ 1
      prefetch(number &+ 2)
      state.pointee.ticket = ticket
      state.pointee.lastTicket = ticket &+ 1
      visit(number, fiber: nil)
      // One that came to a window need not say that it left: the others see it at the next inode.
      if state.pointee.ticket == ticket { meeting.announce(ticket &+ 1) }
      number &+= 1
    }
    meeting.announce(epoch &+ 2 &* UInt64(count) &+ 1)
  }
}
