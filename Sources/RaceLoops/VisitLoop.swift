import AddonMemory
import Addons
import CFibers
import CThreads
import RaceModel
import Recording

/// One racer's way through one round. The loops below are the hot part of a run; each is compiled once for each pair of a
/// catalog, in the module that has the catalog.
///
/// A value of one word: a loop that carried what is in its setting would be copied onto the stack of every fiber.
@frozen public struct VisitLoop<S: Site> {
  @usableFromInline let setting: UnsafePointer<VisitSetting>
  @inlinable static var lagOfLookers: Int { 8 }

  @inlinable @inline(__always) public init(_ setting: UnsafePointer<VisitSetting>) { self.setting = setting }

  @inlinable var state: UnsafeMutablePointer<RacerState> { @inline(__always) get { setting.pointee.state } }
  @inlinable var log: UnsafeMutablePointer<UInt64> { @inline(__always) get { setting.pointee.log } }
  @inlinable var count: Int { @inline(__always) get { setting.pointee.count } }
  @inlinable var isLooking: Bool { setting.pointee.isLooking }
  /// The setting's first field.
  @inlinable var role: S.Role { @inline(__always) get { UnsafeRawPointer(setting).load(as: S.Role.self) } }

  @inlinable @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(
      address: setting.pointee.inodes &+ UInt(setting.pointee.offsets[number]), shared: setting.pointee.shared)
  }

  @inlinable @inline(__always) func visit(_ number: Int, fiber: UnsafeMutablePointer<cfiber>?) {
    let entry = log + number &* S.slotCount
    var slot = 0
    while slot < S.slotCount {
      entry[slot] = 0
      slot &+= 1
    }
    let memory = RacedMemory(state, entry: entry, inode: UInt32(truncatingIfNeeded: number), fiber: fiber)
    if setting.pointee.section != nil { setting.pointee.enterCallersSection(memory) }
    S.visit(inode(number), as: role, in: memory)
    if setting.pointee.section != nil { setting.pointee.leaveCallersSection(memory) }
    if S.keepsHistory { state.pointee.meeting.endVisit() }
    if S.deferredFreesPerVisit > 0 {
      var kind = 0
      while kind <= state.pointee.sections.domainCount {
        (state.pointee.deferredFrees + kind).pointee.limit(in: memory)
        kind &+= 1
      }
    }
  }

  /// Asks for the line of an inode's first slot: to look at it, or to write there.
  @inlinable @inline(__always) func prefetch(_ number: Int) {
    cthreads_prefetch_read(UnsafeRawPointer(bitPattern: inode(number).address).unsafelyUnwrapped)
  }
  @inlinable @inline(__always) func prefetchToWrite(_ number: Int) {
    cthreads_prefetch_write(UnsafeRawPointer(bitPattern: inode(number).address).unsafelyUnwrapped)
  }
}

/// What one racer's visits of one round need: flat, in the arena, and never written while anybody races.
public struct VisitSetting {
  /// A `Site.Role`, which has at most so many bytes. First, where `VisitLoop` looks for it.
  public var role: UInt64 = 0
  public let state: UnsafeMutablePointer<RacerState>
  public let log: UnsafeMutablePointer<UInt64>
  public let offsets: UnsafeMutablePointer<UInt32>
  public let inodes: UInt
  public let shared: UInt
  public let count: Int
  public let racer: Int
  /// The section that the racer's visits are in.
  public let section: ReadDomain?
  public let isLooking: Bool

  public init(_ round: RoundState, racer: Int, section: ReadDomain?, isLooking: Bool) {
    state = round.states[racer]
    log = round.logs[racer]
    offsets = round.offsets
    inodes = round.inodes
    shared = round.shared
    count = round.inodeCount
    self.racer = racer
    self.section = section
    self.isLooking = isLooking
  }

  // Out of the way of visits without one.
  @inline(never) @usableFromInline func enterCallersSection(_ memory: RacedMemory) {
    if let section { memory.enterReadSection(section) }
  }
  @inline(never) @usableFromInline func leaveCallersSection(_ memory: RacedMemory) {
    if let section { memory.leaveReadSection(section) }
  }

  /// What visits left to grace periods goes before the round ends.
  public func freeWhatIsDeferred() {
    guard state.pointee.mostDeferred > 0 else { return }
    for kind in 0...state.pointee.sections.domainCount {
      (state.pointee.deferredFrees + kind).pointee.finish(in: RacedMemory(state, entry: log, inode: 0, fiber: nil))
    }
  }
}

// MARK: Natural, and widened by a delay or a yield

extension VisitLoop {
  /// One inode after the other, as fast as it goes. A racer that only looks begins a few inodes before the first, from
  /// the end, so that it follows the others and sees what they publish.
  @inlinable @inline(never) public func visitFreely() {
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
  @inlinable @inline(never) public func visitTogether(epoch: UInt64, start: UnsafeMutablePointer<AdaptiveStart>) {
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
        start.pointee.adapt(afterLook: log + number &* S.slotCount, slots: S.slotCount)
      } else if log[number &* S.slotCount] & LogWord.sawNull == 0 {
        start.pointee.cameTooLate(after: isLast)
      }
      number &+= 1
    }
    meeting.announce(epoch &+ UInt64(count) &+ 1)
  }
}

/// How long the racer that was last to announce itself waits, because it sees that the others are there before they
/// see that it is: in units of 1/16 instruction.
public struct AdaptiveStart {
  @inlinable public static var fraction: Int { 4 }
  @inlinable static var limit: Int { 2000 << fraction }
  /// A looker waits as long as a visit takes to its publication, in the slowest of builds.
  @inlinable public static var limitOfLookers: Int { 65_536 << fraction }
  public var delay = 40 << fraction

  public init() {}

  /// This racer found the slot populated: it came too late.
  @inlinable @inline(__always) mutating func cameTooLate(after wasLast: Bool) {
    if wasLast {
      if delay > 0 { delay &-= 1 }
    } else if delay < Self.limit {
      delay &+= 1
    }
  }

  /// Out of the way of visits that populate: some instructions more between them, and they miss each other.
  @inline(never) @usableFromInline mutating func adapt(afterLook words: UnsafeMutablePointer<UInt64>, slots: Int) {
    looked(tooEarly: (0..<slots).contains { words[$0] & LogWord.absent != 0 })
  }

  /// This racer only looks: so it hovers about the moment of publication, in steps of a sixty-fourth, because that may be
  /// far into a visit. What is detached again may also have gone already: waiting longer for it ends, and begins anew.
  public mutating func looked(tooEarly: Bool) {
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
  /// left theirs. One that leaves without having come to a window counts as arrived. In a window inside a section nobody
  /// waits for long: where there are such, racers begin their visits together. In one round of four a racer that only looks
  /// keeps an inode behind, so that it sees what the others have published.
  @inlinable @inline(never) public func visitForced(epoch: UInt64) {
    let meeting = state.pointee.meeting
    let keepsBehind = isLooking && state.pointee.roundNumber & 3 == 3
    var number = 0
    while number < count {
      let ticket = epoch &+ 2 &* UInt64(number) &+ 1
      prefetch(number &+ 2)
      state.pointee.ticket = ticket
      state.pointee.lastTicket = ticket &+ 1
      if state.pointee.windowsInSections > 0 { meeting.wait(for: ticket &- 1) }
      if keepsBehind { meeting.waitBriefly(for: ticket &- 1) }
      visit(keepsBehind ? (number == 0 ? count : number) &- 1 : number, fiber: nil)
      // One that came to a window need not say that it left: the others see it at the next inode.
      if state.pointee.ticket == ticket { meeting.announce(ticket &+ 1) }
      number &+= 1
    }
    meeting.announce(epoch &+ 2 &* UInt64(count) &+ 1)
  }
}
