import Machine
import RaceModel

/// Which allocations of one racer fail: a function of seed, racer, round, inode and attempt, and of nothing else.
public struct RefusalPolicy {
  public enum Mode { case never, nth, every, eachInTurn, probability }
  public let mode: Mode
  public let countsByVisit: Bool
  public let n: Int
  public let threshold: UInt64
  public let seed: UInt64
  public let racer: Int
  /// The largest n that "each in turn" reaches.
  public let limit: Int

  public init(_ failure: AllocationFailure?, racer: Int, seed: UInt64, attemptsOfRound: Int, attemptsOfVisit: Int) {
    self.racer = racer
    self.seed = seed
    countsByVisit = failure?.counted == .visit
    limit = max(1, countsByVisit ? attemptsOfVisit : attemptsOfRound)
    var mode = Mode.never
    var n = 0
    var threshold: UInt64 = 0
    if let failure, failure.racer == nil || failure.racer == racer {
      switch failure.which {
      case .nth(let which): (mode, n) = (.nth, which)
      case .every(let which): (mode, n) = (.every, which)
      case .eachInTurn: mode = .eachInTurn
      case .probability(let p):
        mode = .probability
        threshold = p >= 1 ? .max : UInt64(p * 0x1p64)
      }
    }
    (self.mode, self.n, self.threshold) = (mode, n, threshold)
  }

  public func refuses(attempt: Int, round: Int, inode: UInt32) -> Bool {
    switch mode {
    case .never: false
    case .nth: attempt == n
    case .every: attempt % n == 0
    case .eachInTurn: attempt == 1 + round % limit
    case .probability:
      SplitMix.hash(seed, UInt64(racer), UInt64(round), UInt64(inode) << 32 | UInt64(attempt)) <= threshold
    }
  }
}
