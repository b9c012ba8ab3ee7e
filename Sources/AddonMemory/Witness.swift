/// What a site or a strategy tells whoever watches: not part of the code under test, but of the evidence about it.
///
/// `HardwareMemory` ignores it but for what a bench counts; engines record it.
public protocol Witness {
  /// This racer's number, from 0.
  var racer: Int { get }

  /// The same memory, recording the visit's operation on the site's `slot`-th slot.
  func at(_ slot: Int) -> Self

  /// What the operation on this slot told its caller.
  func report(_ report: Report)

  /// The operation found that it must begin again.
  func startsOver()

  /// An operation of the site's history begins: what it answers goes to `ended`. Operations of one visit do not overlap.
  func began() -> OperationStart

  /// The operation on this slot that began there ended so. (Where a slot goes back to NULL, outcomes alone do not tell
  /// whether they can have happened: the order of operations does.)
  func ended(_ start: OperationStart, _ result: HistoryResult)

  /// Reads `word` plainly and notes it if it does not hold `value`. Says whether it does. `sentence` says in the site's own
  /// words what is wrong then.
  @discardableResult
  func expect(_ word: Word64, holds value: UInt64, _ promise: Promise, _ sentence: StaticString?) -> Bool
  @discardableResult
  func expect(_ word: Word32, holds value: UInt32, _ promise: Promise, _ sentence: StaticString?) -> Bool

  /// Notes something that the site says must not be.
  func violated(_ promise: Promise, seen: UInt64, expected: UInt64, at address: UInt, _ sentence: StaticString?)

  /// At quiescence: `addon` is what the site's `slot`-th slot shows. Answers it if it may be looked into: something that
  /// no allocation returned may not.
  @discardableResult
  func slotShows(_ addon: Addon?, slot: Int) -> Addon?

  /// At quiescence: `addon` is linked into a list of the site's, once more. Answers whether the walk may go on; a list
  /// longer than what was ever allocated is broken.
  func reachThroughList(_ addon: Addon) -> Bool

  /// This allocation hangs off another now, and goes with it: it need not be freed by the visit that made it.
  func linked(_ addon: Addon)

  /// At quiescence: `addon` hangs off one that a slot shows.
  func ownedByVisibleAddon(_ addon: Addon)

  /// At quiescence: how many visits of `role` to this inode reported success.
  func successes(ofRole role: Int) -> Int

  /// At quiescence: how many inodes have their `slot`-th slot populated.
  func populations(ofSlot slot: Int) -> Int

  /// A stretch, besides the one around `allocate`, in which the site can be raced.
  func window()

  /// The kernel's BUG(): the code believes that this cannot happen. Does not return.
  func bug(_ why: StaticString) -> Never
}

extension Witness {
  @inlinable @inline(__always) public func startsOver() {}

  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word64, holds value: UInt64, _ promise: Promise) -> Bool {
    expect(word, holds: value, promise, nil)
  }
  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word32, holds value: UInt32, _ promise: Promise) -> Bool {
    expect(word, holds: value, promise, nil)
  }
  /// A promise of the site's own, in its own words: reported by the checker `assertion`.
  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word64, holds value: UInt64, _ sentence: StaticString) -> Bool {
    expect(word, holds: value, .assertion, sentence)
  }
  @inlinable @inline(__always) @discardableResult
  public func expect(_ word: Word32, holds value: UInt32, _ sentence: StaticString) -> Bool {
    expect(word, holds: value, .assertion, sentence)
  }
  @inlinable @inline(__always)
  public func violated(_ promise: Promise, seen: UInt64, expected: UInt64, at address: UInt) {
    violated(promise, seen: seen, expected: expected, at: address, nil)
  }
}

/// When an operation began, in its engine's own terms.
@frozen public struct OperationStart {
  public let moment: UInt64
  @inlinable @inline(__always) public init(moment: UInt64) { self.moment = moment }
}

/// What one operation did to a slot, or learnt of it.
@frozen public enum HistoryResult {
  /// The slot was populated, by this addon.
  case found(Addon)
  /// It was NULL, and holds this addon now.
  case attached(Addon)
  /// It held this addon, and is NULL now.
  case detached(Addon)
  /// It was NULL.
  case absent
}

/// What an operation told its caller.
@frozen public enum Report {
  /// There is an addon; which one, where the operation says so.
  case success(Addon?)
  /// -ENOMEM.
  case failure
  /// There is none, and none was asked for.
  case absent
  /// -EAGAIN: somebody else was there first, and the caller may try again.
  case again
}

/// Which promise an `expect` is about: decides the checker that reports it.
@frozen public enum Promise: UInt8, Sendable, CaseIterable {
  /// A visible addon has its back pointer, its lock and its fields.
  case initialised
  /// Nothing is left on the addon's lists when it goes.
  case released
  /// A charge or a count matches what it counts.
  case balanced
  /// An effect that only the winner may have, and must have, once.
  case winnerEffect
  /// Nothing that may sleep is called while a lock is held, or inside a read-side section of RCU.
  case mayNotSleep
  /// What is cached of an addon, outside it, is what the addon says.
  case aggregated
  /// Whatever else the site says, in its own words.
  case assertion
}
