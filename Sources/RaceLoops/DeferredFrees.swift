import AddonMemory
import CAtomics
import CThreads

/// What one racer leaves to grace periods of one kind: a ring of so many addons at most, the first of which wait for
/// the grace period under way, while the rest come after it.
///
/// Nobody works for a racer in the background: it looks at each of its own frees whether the grace period has passed, and
/// waits for it when there are too many, so that memory is bounded. A reader that stays in its section then stops whoever
/// frees, and the watchdog says so.
public struct DeferredFrees {
  /// So many wait before their racer does.
  public static let most = 64
  private let gracePeriod: GracePeriod
  /// Whoever is inside a section cannot wait: what its visit adds meanwhile has room.
  private let room: Int
  private let addons: UnsafeMutablePointer<UInt>
  /// What each word showed when the grace period under way began.
  private let seen: UnsafeMutablePointer<UInt64>
  private var first = 0
  public internal(set) var count = 0
  /// Of these the first that wait for the grace period under way; 0: none is.
  private var waiting = 0

  /// So many addons have room where a visit adds at most `perVisit`.
  public static func room(perVisit: Int) -> Int { most + perVisit }

  /// `addons` has room for so many as `room(perVisit:)` says, `seen` for each word of the grace period's sections.
  public init(
    _ gracePeriod: GracePeriod, perVisit: Int, addons: UnsafeMutablePointer<UInt>, seen: UnsafeMutablePointer<UInt64>
  ) {
    self.gracePeriod = gracePeriod
    room = Self.room(perVisit: perVisit)
    self.addons = addons
    self.seen = seen
  }

  public mutating func add(_ addon: Addon, in memory: RacedMemory) {
    if count >= Self.most, !memory.state.pointee.isPinned { waitForOne(in: memory) }
    addons[(first &+ count) % room] = addon.address
    count &+= 1
    advance(in: memory)
  }

  /// After a visit: waits if there are too many. Where a shape acts, frees what it may at once, to meet those who should
  /// not be looking any more.
  @inlinable @inline(__always) public mutating func limit(in memory: RacedMemory) {
    if count == 0 { return }
    if count >= Self.most { return makeRoom(in: memory) }
    if memory.state.pointee.window != .none { advance(in: memory) }
  }

  @inline(never) @usableFromInline mutating func makeRoom(in memory: RacedMemory) {
    while count >= Self.most, !isAbandoned(memory) { waitForOne(in: memory) }
  }

  /// Waits until nothing is left.
  public mutating func finish(in memory: RacedMemory) {
    while count > 0, !isAbandoned(memory) { waitForOne(in: memory) }
  }

  /// Frees what may be freed now, and begins the next grace period.
  @inline(never) @usableFromInline mutating func advance(in memory: RacedMemory) {
    let sections = memory.state.pointee.sections
    let words = sections.words(of: gracePeriod)
    if waiting > 0 {
      for word in words where !sections.hasEnded(seen[word], at: word) { return }
      catomics_fence_seq_cst()
      for _ in 0..<waiting {
        memory.freeAtLast(Addon(address: addons[first]))
        first = (first &+ 1) % room
      }
      count &-= waiting
      waiting = 0
    }
    guard count > 0 else { return }
    catomics_fence_seq_cst()
    for word in words { seen[word] = sections.look(at: word) }
    waiting = count
  }

  private mutating func waitForOne(in memory: RacedMemory) {
    let before = count
    var turns = 0
    while true {
      advance(in: memory)
      if count < before || isAbandoned(memory) { return }
      turns &+= 1
      if turns <= memory.state.pointee.meeting.spins { cthreads_pause() } else { cthreads_yield() }
    }
  }

  private func isAbandoned(_ memory: RacedMemory) -> Bool {
    catomics_load_relaxed_64(memory.state.pointee.meeting.abandoned) != 0
  }
}
