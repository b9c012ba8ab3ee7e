import Addons
import CFibers
import RaceModel

/// Several visits of one racer in flight: each runs on a fiber and gives way in its window to the next one's.
///
/// The fibers form a ring. In one turn of the ring every fiber ends its visit and begins another, so a visit costs one
/// switch; racers meet once a turn, outside every window. What passes in a window is the rest of the ring's turn.
///
/// Racers begin the same inodes in a turn, but each from another one on: they meet at a slot within the turn, not within
/// the nanosecond, so its line travels once instead of being fought for, and every racer wins a share. All have seen
/// NULL all the same, because a turn ends only visits that everyone has begun. (Where a visit has several windows a turn
/// begins fewer, and some racers come too late.)
///
/// Inside a read-side section no fiber gives way: there whoever waits for its end would wait for the rest of the ring. Where
/// visits open their windows inside sections the ring has one fiber, so that racers meet at every visit, and wait for each
/// other in the section for a moment.
///
/// A racer announces that it has begun a group a few visits before it has: the others see that after a line has travelled,
/// which takes as long as those visits. Announced at the end, every meeting would cost everybody the way of a line.
public final class Pipeline {
  /// Bytes between the stack tops of neighbours: at one page offset all of them would share cache sets.
  private static let colour = 448

  private let context: UnsafeMutablePointer<PipelineContext>
  private let arguments: UnsafeMutablePointer<FiberArgument>
  private let ring: UnsafeMutablePointer<cfiber>
  private let capacity: Int
  private let stackBytes: Int
  private var length: Int

  /// Fibers belong to the thread that makes them.
  public init(_ code: RacedCode, _ setting: UnsafePointer<VisitSetting>, capacity: Int) throws(EngineError) {
    self.capacity = capacity
    stackBytes = code.stackBytes
    length = capacity
    context = .allocate(capacity: 1)
    context.initialize(to: PipelineContext(setting))
    arguments = .allocate(capacity: capacity)
    var pointers: [UnsafeMutableRawPointer?] = []
    for number in 0..<capacity {
      let context = context
      (arguments + number).initialize(to: FiberArgument(body: { code.visitInTurns(context, $0) }))
      pointers.append(UnsafeMutableRawPointer(arguments + number))
    }
    guard let ring = cfiber_ring_create(capacity, stackBytes, Self.colour, runFiber, &pointers) else {
      throw EngineError("no memory for \(capacity) stacks of \(stackBytes) bytes")
    }
    self.ring = ring
    for number in 0..<capacity { arguments[number].fiber = ring + number }
  }

  deinit {
    setLength(capacity)
    context.pointee.finished = true
    turn()
    cfiber_ring_destroy(ring, capacity, stackBytes)
    arguments.deinitialize(count: capacity)
    arguments.deallocate()
    context.deallocate()
  }

  /// How many of the fibers take part. Only between rounds.
  public func setLength(_ length: Int) {
    guard length != self.length else { return }
    for number in 0..<capacity { ring[number].next = ring + number + 1 }
    ring[length - 1].next = ring + capacity
    self.length = length
  }

  @inline(__always) private func turn() { cfiber_switch(ring + capacity, ring) }

  @inline(never) public func visitAll(_ setting: UnsafePointer<VisitSetting>, epoch: UInt64) {
    let context = context
    let count = setting.pointee.count
    context.pointee.beginRound(setting, length: length, epoch: epoch)
    while context.pointee.ended < count {
      // All have just met at the round's start.
      if context.pointee.begun > 0 { context.pointee.meet() }
      context.pointee.turn &+= 1
      turn()
    }
    context.pointee.announce(count &+ 1)
  }
}

/// What the fibers of one racer share.
public struct PipelineContext {
  public var setting: UnsafePointer<VisitSetting>
  public var count: Int
  public var turn: UInt = 0
  /// Visits of this round that have begun, and that have ended.
  public var begun = 0
  public var ended = 0
  /// The inode that the next visit is about. Inodes come in groups as long as the ring.
  @usableFromInline var next = 0
  @usableFromInline var length = 0
  /// Where the present group ends.
  @usableFromInline var groupEnd = 0
  /// So many visits have begun when the group's end is to be announced, and then when it has come.
  @usableFromInline var milestone = 0
  /// From which of a group's inodes on this racer visits them.
  private var rotation = 0
  /// How many inodes a racer that only looks keeps behind the others, so that it sees what they publish.
  @usableFromInline var lag = 0
  private let meeting: Meeting
  private var epoch: UInt64 = 0
  /// So many visits of this round have begun as far as the others know.
  private var announced = 0
  public var finished = false

  init(_ setting: UnsafePointer<VisitSetting>) {
    self.setting = setting
    count = setting.pointee.count
    meeting = setting.pointee.state.pointee.meeting
  }

  mutating func beginRound(_ setting: UnsafePointer<VisitSetting>, length: Int, epoch: UInt64) {
    self.setting = setting
    self.length = length
    self.epoch = epoch
    rotation = length &* setting.pointee.racer / meeting.racerCount
    lag = setting.pointee.isLooking ? min(length, count / 2) : 0
    // Where racers meet at every visit, every other round is one in which nobody keeps behind.
    if length == 1, setting.pointee.state.pointee.roundNumber & 1 != 0 { lag = 0 }
    begun = 0
    ended = 0
    announced = 0
    beginGroup()
  }

  /// The last group, where it is shorter than the ring, is visited in order.
  private mutating func beginGroup() {
    groupEnd = min(begun + length, count)
    next = begun + length <= count ? begun + rotation : begun
    // What a line's way takes; short rings have no such visits to spare.
    let early = length / 16 &* 2
    milestone = max(groupEnd - early, begun + 1)
  }

  /// Out of the way of the visits in between.
  @inline(never) @usableFromInline mutating func reachMilestone() {
    if begun == groupEnd {
      beginGroup()
    } else {
      announce(groupEnd)
      milestone = groupEnd
    }
  }

  /// Tells the others that so many visits of this round have begun.
  mutating func announce(_ visits: Int) {
    guard visits > announced else { return }
    announced = visits
    meeting.announce(epoch &+ UInt64(visits))
  }

  /// Waits until all others have begun as many visits as this racer.
  mutating func meet() {
    announce(begun)
    meeting.wait(for: epoch &+ UInt64(begun))
  }

  /// The inode of a visit that begins now.
  @inlinable @inline(__always) mutating func begin() -> Int {
    let number = next
    begun &+= 1
    next = number &+ 1
    if next == groupEnd { next &-= length }
    if begun == milestone { reachMilestone() }
    if lag == 0 { return number }
    return number < lag ? number &- lag &+ count : number &- lag
  }
}

extension VisitLoop {
  /// The life of a fiber: one visit begun in every turn.
  @inlinable @inline(never)
  public static func visitInTurns(_ context: UnsafeMutablePointer<PipelineContext>, on me: UnsafeMutablePointer<cfiber>)
  {
    var lastTurn: UInt = 0
    while true {
      if context.pointee.turn != lastTurn, context.pointee.begun < context.pointee.count {
        lastTurn = context.pointee.turn
        let number = context.pointee.begin()
        VisitLoop<S>(context.pointee.setting).visit(number, fiber: me)
        context.pointee.ended &+= 1
      } else if context.pointee.finished {
        return
      } else {
        cfiber_switch(me, me.pointee.next)
      }
    }
  }
}

/// What a fiber is started with. A C function cannot be formed from generic code: the closure carries the specialised
/// body, and is called once in a fiber's life.
private struct FiberArgument {
  let body: (UnsafeMutablePointer<cfiber>) -> Void
  var fiber: UnsafeMutablePointer<cfiber>?
}

private func runFiber(_ argument: UnsafeMutableRawPointer?) {
  let argument = argument.unsafelyUnwrapped.assumingMemoryBound(to: FiberArgument.self)
  argument.pointee.body(argument.pointee.fiber.unsafelyUnwrapped)
}
