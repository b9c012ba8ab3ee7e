import CCandidate
import ExploreCore
import Glibc

/// Recognises a racer that spins: at a hook, all that is private to a racer is its stack and the registers that a call
/// leaves alone. If both are what they were when it came to the same place before, and it has changed nothing since, the
/// turn of its loop did nothing, and it waits for a change of what it has read.
///
/// Looking at stacks takes time, so it is done where a racer has come twice with no change in between. Such a place is
/// noted, once for the whole exploration, which begins again then.
struct IdleTurns {
  /// What a racer was like at a place.
  private struct Snapshot {
    var pc: UInt = 0
    var sp: UInt = 0
    var registers: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    )
    var changes: Int32 = -1
    var done: Int32 = 0
    var length = 0
    var stack: UnsafeMutableRawPointer?
  }

  private static let places = 64
  private static let mostStack = 32 << 10
  /// By racer, then by place.
  private let snapshots: UnsafeMutablePointer<Snapshot>
  private let room: Int
  /// Places that a loop comes back to: at their hash, or 0.
  private let loops: UnsafeMutablePointer<UInt>
  private static let loopPlaces = 256
  private(set) var hasLoops = false

  init(room: Int) {
    self.room = room
    snapshots = .allocate(capacity: room * Self.places)
    snapshots.initialize(repeating: Snapshot(), count: room * Self.places)
    loops = .allocate(capacity: Self.loopPlaces)
    loops.initialize(repeating: 0, count: Self.loopPlaces)
  }

  func destroy() {
    for number in 0..<room * Self.places { snapshots[number].stack?.deallocate() }
    snapshots.deallocate()
    loops.deallocate()
  }

  /// Before an execution.
  func clear() {
    for number in 0..<room * Self.places { snapshots[number].changes = -1 }
  }

  enum Arrival {
    case goesOn
    /// It has been here before, and changed nothing since: this is a loop, of which nobody knew.
    case newLoop
    /// And it was the same then.
    case idle(since: Int32)
  }

  /// A racer comes to a hook that reads.
  @inline(__always)
  mutating func arrive(
    _ racer: Int, _ frame: UnsafePointer<addonrace_frame>, stackTop: UInt, changes: Int32, done: Int32
  ) -> Arrival {
    let pc = frame.pointee.pc
    let snapshot = snapshots + (racer &* Self.places &+ place(of: pc, racer))
    let isBack = snapshot.pointee.pc == pc && snapshot.pointee.changes == changes
    guard hasLoops, isLoop(pc) else {
      if isBack {
        noteLoop(pc)
        return .newLoop
      }
      snapshot.pointee.pc = pc
      snapshot.pointee.changes = changes
      return .goesOn
    }
    if isBack, isSame(snapshot, frame, stackTop) { return .idle(since: snapshot.pointee.done) }
    take(snapshot, frame, stackTop, changes, done)
    return .goesOn
  }

  /// A place of its own for each pc, as long as there is room: two of one loop that shared one would push each other out at
  /// every turn, and it would never be seen to be idle.
  @inline(__always) private func place(of pc: UInt, _ racer: Int) -> Int {
    let home = Int(truncatingIfNeeded: (pc ^ pc >> 7) % UInt(Self.places))
    var place = home
    repeat {
      let known = snapshots[racer &* Self.places &+ place].pc
      if known == pc || known == 0 { return place }
      place = (place &+ 1) % Self.places
    } while place != home
    return home
  }

  private func isLoop(_ pc: UInt) -> Bool {
    var slot = Int(truncatingIfNeeded: (pc ^ pc >> 9) % UInt(Self.loopPlaces))
    while loops[slot] != 0 {
      if loops[slot] == pc { return true }
      slot = (slot + 1) % Self.loopPlaces
    }
    return false
  }

  private mutating func noteLoop(_ pc: UInt) {
    hasLoops = true
    var slot = Int(truncatingIfNeeded: (pc ^ pc >> 9) % UInt(Self.loopPlaces))
    var tries = 0
    while loops[slot] != 0, tries < Self.loopPlaces - 1 {
      slot = (slot + 1) % Self.loopPlaces
      tries += 1
    }
    if tries < Self.loopPlaces - 1 { loops[slot] = pc }
  }

  private func isSame(
    _ snapshot: UnsafeMutablePointer<Snapshot>, _ frame: UnsafePointer<addonrace_frame>, _ stackTop: UInt
  ) -> Bool {
    let length = Int(stackTop &- frame.pointee.sp)
    guard snapshot.pointee.sp == frame.pointee.sp, snapshot.pointee.length == length, let copy = snapshot.pointee.stack,
      let stack = UnsafeRawPointer(bitPattern: frame.pointee.sp)
    else { return false }
    var registers = frame.pointee.registers
    let same = withUnsafeBytes(of: &snapshot.pointee.registers) { before in
      withUnsafeBytes(of: &registers) { now in memcmp(before.baseAddress!, now.baseAddress!, before.count) == 0 }
    }
    return same && ccandidate_is_same_stack(copy, stack, length & ~7) != 0
  }

  private func take(
    _ snapshot: UnsafeMutablePointer<Snapshot>, _ frame: UnsafePointer<addonrace_frame>, _ stackTop: UInt,
    _ changes: Int32, _ done: Int32
  ) {
    let length = Int(stackTop &- frame.pointee.sp)
    guard length <= Self.mostStack, let stack = UnsafeRawPointer(bitPattern: frame.pointee.sp) else {
      snapshot.pointee.changes = -1
      return
    }
    if snapshot.pointee.length < length || snapshot.pointee.stack == nil {
      snapshot.pointee.stack?.deallocate()
      snapshot.pointee.stack = .allocate(byteCount: max(length, 4096), alignment: 16)
    }
    if let copy = snapshot.pointee.stack { ccandidate_copy_stack(copy, stack, length & ~7) }
    snapshot.pointee.pc = frame.pointee.pc
    snapshot.pointee.sp = frame.pointee.sp
    snapshot.pointee.registers = frame.pointee.registers
    snapshot.pointee.changes = changes
    snapshot.pointee.done = done
    snapshot.pointee.length = length
  }
}
