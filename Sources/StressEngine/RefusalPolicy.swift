import RaceModel

/// Which allocations of one racer fail: a function of seed, racer, round, inode and attempt, and of nothing else.
struct RefusalPolicy {
  enum Mode { case never, nth, every, eachInTurn, probability }
  let mode: Mode
  let countsByVisit: Bool
  let n: Int
  let threshold: UInt64
  let seed: UInt64
  let racer: Int
  /// The largest n that "each in turn" reaches.
  let limit: Int

  init(_ failure: AllocationFailure?, racer: Int, seed: UInt64, attemptsOfRound: Int, attemptsOfVisit: Int) {
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

  func refuses(attempt: Int, round: Int, inode: UInt32) -> Bool {
    switch mode {
    case .never: false
    case .nth: attempt == n
    case .every: attempt % n == 0
    case .eachInTurn: attempt == 1 + round % limit
    case .probability:
      Random.mix(seed, UInt64(racer), UInt64(round), UInt64(inode) << 32 | UInt64(attempt)) <= threshold
    }
  }
}

/// Decisions as a function of what they are about.
enum Random {
  /// SplitMix64's finaliser over the four words. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
  /// generators", OOPSLA 2014, section 4.
  static func mix(_ a: UInt64, _ b: UInt64, _ c: UInt64 = 0, _ d: UInt64 = 0) -> UInt64 {
    var hash: UInt64 = 0
    for word in [a, b, c, d] {
      hash = (hash ^ word) &+ 0x9e37_79b9_7f4a_7c15
      hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
      hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
      hash ^= hash >> 31
    }
    return hash
  }
}
