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
/// A racer announces that it has begun a group a few visits before it has: the others see that after a line has travelled,
/// which takes as long as those visits. Announced at the end, every meeting would cost everybody the way of a line.
final class Pipeline<S: Site> {
  static var stackSize: Int { 64 << 10 }
  /// Bytes between the stack tops of neighbours: at one page offset all of them would share cache sets.
  static var colour: Int { 448 }

  private let context: UnsafeMutablePointer<PipelineContext<S>>
  private let arguments: UnsafeMutablePointer<FiberArgument>
  private let ring: UnsafeMutablePointer<cfiber>
  private let capacity: Int
  private var length: Int

  /// Fibers belong to the thread that makes them.
  init(_ loop: VisitLoop<S>, capacity: Int, isLooking: Bool) throws(EngineError) {
    self.capacity = capacity
    length = capacity
    context = .allocate(capacity: 1)
    context.initialize(to: PipelineContext(loop: loop, isLooking: isLooking))
    arguments = .allocate(capacity: capacity)
    var pointers: [UnsafeMutableRawPointer?] = []
    for number in 0..<capacity {
      let context = context
      (arguments + number).initialize(to: FiberArgument(body: { context.visitInTurns(on: $0) }))
      pointers.append(UnsafeMutableRawPointer(arguments + number))
    }
    guard let ring = cfiber_ring_create(capacity, Self.stackSize, Self.colour, runFiber, &pointers) else {
      throw EngineError("no memory for \(capacity) stacks of \(Self.stackSize) bytes")
    }
    self.ring = ring
    for number in 0..<capacity { arguments[number].fiber = ring + number }
  }

  deinit {
    setLength(capacity)
    context.pointee.finished = true
    turn()
    cfiber_ring_destroy(ring, capacity, Self.stackSize)
    arguments.deinitialize(count: capacity)
    arguments.deallocate()
    context.deallocate()
  }

  /// How many of the fibers take part. Only between rounds.
  func setLength(_ length: Int) {
    guard length != self.length else { return }
    for number in 0..<capacity { ring[number].next = ring + number + 1 }
    ring[length - 1].next = ring + capacity
    self.length = length
  }

  @inline(__always) private func turn() { cfiber_switch(ring + capacity, ring) }

  @inline(never) func visitAll(_ loop: VisitLoop<S>, epoch: UInt64) {
    let context = context
    context.pointee.beginRound(loop, length: length, epoch: epoch)
    while context.pointee.ended < loop.count {
      // All have just met at the round's start.
      if context.pointee.begun > 0 { context.pointee.meet() }
      context.pointee.turn &+= 1
      turn()
    }
    context.pointee.announce(loop.count &+ 1)
  }
}

/// What the fibers of one racer share.
struct PipelineContext<S: Site> {
  var loop: VisitLoop<S>
  let isLooking: Bool
  var turn: UInt = 0
  /// Visits of this round that have begun, and that have ended.
  var begun = 0
  var ended = 0
  /// The inode that the next visit is about. Inodes come in groups as long as the ring.
  private var next = 0
  private var length = 0
  /// Where the present group ends.
  private var groupEnd = 0
  /// So many visits have begun when the group's end is to be announced, and then when it has come.
  private var milestone = 0
  /// From which of a group's inodes on this racer visits them.
  private var rotation = 0
  /// How many inodes a racer that only looks keeps behind the others, so that it sees what they publish.
  private var lag = 0
  private let meeting: Meeting
  private var epoch: UInt64 = 0
  /// So many visits of this round have begun as far as the others know.
  private var announced = 0
  var finished = false

  init(loop: VisitLoop<S>, isLooking: Bool) {
    self.loop = loop
    self.isLooking = isLooking
    meeting = loop.state.pointee.meeting
  }

  mutating func beginRound(_ loop: VisitLoop<S>, length: Int, epoch: UInt64) {
    self.loop = loop
    self.length = length
    self.epoch = epoch
    rotation = length &* loop.racer / meeting.racerCount
    lag = isLooking ? min(length, loop.count / 2) : 0
    begun = 0
    ended = 0
    announced = 0
    beginGroup()
  }

  /// The last group, where it is shorter than the ring, is visited in order.
  private mutating func beginGroup() {
    groupEnd = min(begun + length, loop.count)
    next = begun + length <= loop.count ? begun + rotation : begun
    // What a line's way takes; short rings have no such visits to spare.
    let early = length / 16 &* 2
    milestone = max(groupEnd - early, begun + 1)
  }

  /// Out of the way of the visits in between.
  @inline(never) private mutating func reachMilestone() {
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
  @inline(__always) mutating func begin() -> Int {
    let number = next
    begun &+= 1
    next = number &+ 1
    if next == groupEnd { next &-= length }
    if begun == milestone { reachMilestone() }
    if lag == 0 { return number }
    return number < lag ? number &- lag &+ loop.count : number &- lag
  }
}

extension UnsafeMutablePointer {
  /// The life of a fiber: one visit begun in every turn.
  @inline(never) fileprivate func visitInTurns<S: Site>(on me: UnsafeMutablePointer<cfiber>)
  where Pointee == PipelineContext<S> {
    var lastTurn: UInt = 0
    while true {
      if pointee.turn != lastTurn, pointee.begun < pointee.loop.count {
        lastTurn = pointee.turn
        pointee.loop.visit(pointee.begin(), fiber: me)
        pointee.ended &+= 1
      } else if pointee.finished {
        return
      } else {
        cfiber_switch(me, me.pointee.next)
      }
    }
  }
}

/// What a fiber is started with. A C function cannot be formed from generic code: the closure carries the specialised
/// body, and is called once in a fiber's life.
struct FiberArgument {
  let body: (UnsafeMutablePointer<cfiber>) -> Void
  var fiber: UnsafeMutablePointer<cfiber>?
}

private func runFiber(_ argument: UnsafeMutableRawPointer?) {
  let argument = argument.unsafelyUnwrapped.assumingMemoryBound(to: FiberArgument.self)
  argument.pointee.body(argument.pointee.fiber.unsafelyUnwrapped)
}
