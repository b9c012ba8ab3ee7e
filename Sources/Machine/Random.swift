/// SplitMix64. (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, section 4.)
public struct SplitMix: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= Self.golden
    return Self.finalise(state)
  }

  private static let golden: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func finalise(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// A number as a function of what a decision is about, and of nothing else.
  public static func hash(_ a: UInt64, _ b: UInt64, _ c: UInt64 = 0, _ d: UInt64 = 0) -> UInt64 {
    var hash: UInt64 = 0
    for word in [a, b, c, d] { hash = finalise((hash ^ word) &+ golden) }
    return hash
  }
}
