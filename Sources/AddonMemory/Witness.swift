/// What a site or a strategy tells whoever watches: not part of the code under test, but of the evidence about it.
///
/// `HardwareMemory` ignores all of it; engines record it.
public protocol Witness {
  /// This racer's number, from 0.
  var racer: Int { get }

  /// The same memory, recording the visit's operation on the site's `slot`-th slot.
  func at(_ slot: Int) -> Self

  /// What the operation on this slot told its caller.
  func report(_ report: Report)

  /// Reads `word` plainly and notes it if it does not hold `value`. Says whether it does.
  @discardableResult
  func expect(_ word: Word64, holds value: UInt64, _ expectation: Expectation) -> Bool

  /// Notes something that the site says must not be.
  func violated(_ expectation: Expectation, seen: UInt64, expected: UInt64, at address: UInt)

  /// At quiescence: `addon` is what the site's `slot`-th slot shows. Answers it if it may be looked into: something that
  /// no allocation returned may not.
  @discardableResult
  func reach(_ addon: Addon?, slot: Int) -> Addon?

  /// At quiescence: `addon` is linked into a list of the site's, once more. Answers whether the walk may go on; a list
  /// longer than what was ever allocated is broken.
  func reachThroughList(_ addon: Addon) -> Bool

  /// At quiescence: how many visits of `role` to this inode reported success.
  func successes(ofRole role: Int) -> Int

  /// At quiescence: how many inodes have their `slot`-th slot populated.
  func populations(ofSlot slot: Int) -> Int

  /// A stretch, besides the one around `allocate`, in which the site can be raced.
  func window()

  /// The kernel's BUG(): the code believes that this cannot happen. Does not return.
  func bug(_ why: StaticString) -> Never
}

/// What an operation told its caller.
@frozen public enum Report {
  /// There is an addon; which one, where the operation says so.
  case success(Addon?)
  /// -ENOMEM.
  case failure
  /// There is none, and none was asked for.
  case absent
}

/// Which promise an `expect` is about: decides the checker that reports it.
@frozen public enum Expectation: UInt8, Sendable, CaseIterable {
  /// A visible addon has its back pointer, its lock and its fields.
  case initialised
  /// Nothing is left on the addon's lists when it goes.
  case released
  /// A charge or a count matches what it counts.
  case balanced
  /// An effect that only the winner may have, and must have, once.
  case winnerEffect
  /// Nothing that may sleep is called while a lock is held.
  case mayNotSleep
}
