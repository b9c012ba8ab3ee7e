import AddonMemory
import Addons
import CFibers
import CThreads
import RaceModel

/// One racer's way through one round. The loops below are the hot part of a run; each is compiled once for each entry of
/// the catalog.
///
/// A value of one word: a loop that carried what is in its setting would be copied onto the stack of every fiber.
struct VisitLoop<S: Site> {
  private let setting: UnsafePointer<VisitSetting<S>>
  static var lagOfLookers: Int { 8 }

  init(_ arena: Arena, racer: Int, buffer: Int) {
    setting = UnsafePointer(arena.visitSetting(of: racer, buffer: buffer).assumingMemoryBound(to: VisitSetting<S>.self))
  }

  @inline(__always) var state: UnsafeMutablePointer<RacerState> { setting.pointee.state }
  @inline(__always) var log: UnsafeMutablePointer<UInt64> { setting.pointee.log }
  @inline(__always) var count: Int { setting.pointee.count }
  @inline(__always) var racer: Int { setting.pointee.racer }
  private var isLooking: Bool { setting.pointee.isLooking }

  @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(
      address: setting.pointee.inodes &+ UInt(setting.pointee.offsets[number]), shared: setting.pointee.shared)
  }

  @inline(__always) func visit(_ number: Int, fiber: UnsafeMutablePointer<cfiber>?) {
    let entry = log + number &* S.slotCount
    var slot = 0
    while slot < S.slotCount {
      entry[slot] = 0
      slot &+= 1
    }
    let memory = RacedMemory(state, entry: entry, inode: UInt32(truncatingIfNeeded: number), fiber: fiber)
    if setting.pointee.section != nil { enterCallersSection(memory) }
    S.visit(inode(number), as: setting.pointee.role, in: memory)
    if setting.pointee.section != nil { leaveCallersSection(memory) }
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
    if let section = setting.pointee.section { memory.enterReadSection(section) }
  }
  @inline(never) private func leaveCallersSection(_ memory: RacedMemory) {
    if let section = setting.pointee.section { memory.leaveReadSection(section) }
  }

  /// What visits left to grace periods goes before the round ends.
  func freeWhatIsDeferred() {
    guard S.deferredFreesPerVisit > 0 else { return }
    for index in 0..<GracePeriod.count {
      (state.pointee.deferredFrees + index).pointee.finish(
        in: RacedMemory(state, entry: log, inode: 0, fiber: nil))
    }
  }

  /// Asks for the line of an inode's first slot: to look at it, or to write there.
  @inline(__always) func prefetch(_ number: Int) {
    cthreads_prefetch_read(UnsafeRawPointer(bitPattern: inode(number).address).unsafelyUnwrapped)
  }
  @inline(__always) func prefetchToWrite(_ number: Int) {
    cthreads_prefetch_write(UnsafeRawPointer(bitPattern: inode(number).address).unsafelyUnwrapped)
  }
}

/// What one racer's visits of one round need: flat, in the arena, and never written while anybody races.
struct VisitSetting<S: Site> {
  let state: UnsafeMutablePointer<RacerState>
  let log: UnsafeMutablePointer<UInt64>
  let offsets: UnsafeMutablePointer<UInt32>
  let inodes: UInt
  let shared: UInt
  let count: Int
  let role: S.Role
  let racer: Int
  /// The section that the racer's visits are in.
  let section: ReadDomain?
  let isLooking: Bool

  init(_ plan: Plan, _ round: RoundState, racer: Int) {
    state = round.states[racer]
    log = round.logs[racer]
    offsets = round.offsets
    inodes = round.inodes
    shared = round.shared
    count = round.inodeCount
    role = S.Role(rawValue: plan.roles[racer]).unsafelyUnwrapped
    self.racer = racer
    section = plan.readSections[racer]
    isLooking = plan.looksOnly[racer]
  }
}

// MARK: Natural, and widened by a delay or a yield

extension VisitLoop {
  /// One inode after the other, as fast as it goes. A racer that only looks begins a few inodes before the first, from
  /// the end, so that it follows the others and sees what they publish.
  @inline(never) func visitFreely() {
    var number = isLooking ? count - Self.lagOfLookers : 0
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
        spin(instructions: start.pointee.delay >> AdaptiveStart.fraction)
      }
      visit(number, fiber: nil)
      if isLooking {
        adapt(start, afterLookAt: number)
      } else if log[number &* S.slotCount] & LogWord.sawNull == 0 {
        start.pointee.cameTooLate(after: isLast)
      }
      number &+= 1
    }
    meeting.announce(epoch &+ UInt64(count) &+ 1)
  }

  /// Out of the way of visits that populate: some instructions more between them, and they miss each other.
  @inline(never) private func adapt(_ start: UnsafeMutablePointer<AdaptiveStart>, afterLookAt number: Int) {
    start.pointee.looked(tooEarly: foundNothing(number))
  }

  /// Whether this racer's visit said so of any of the inode's slots.
  private func foundNothing(_ number: Int) -> Bool {
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
  /// A looker waits as long as a visit takes to its publication, in the slowest of builds.
  static let limitOfLookers = 65_536 << fraction
  var delay = 40 << fraction

  /// This racer found the slot populated: it came too late.
  @inline(__always) mutating func cameTooLate(after wasLast: Bool) {
    if wasLast {
      if delay > 0 { delay &-= 1 }
    } else if delay < Self.limit {
      delay &+= 1
    }
  }

  /// This racer only looks: so it hovers about the moment of publication, in steps of a sixty-fourth, because that may be
  /// far into a visit. What is detached again may also have gone already: waiting longer for it ends, and begins anew.
  mutating func looked(tooEarly: Bool) {
    let step = 1 << Self.fraction &+ delay >> 6
    if tooEarly {
      delay &+= step
      if delay > Self.limitOfLookers { delay = 0 }
    } else {
      delay = max(delay &- step, 0)
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
