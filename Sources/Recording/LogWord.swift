/// What one operation of one visit leaves in its racer's log, in one word of 64 bits: the low 48 bits are the address of
/// the addon that it returned, or 0; bits 48-54 and 60 are flags, bits 56-59 count attempts. All zero: this racer's role has nothing to do with that slot.
@frozen public enum LogWord {
  /// The operation went on to populate.
  @inlinable public static var sawNull: UInt64 { 1 << 48 }
  /// It put its addon into the slot.
  @inlinable public static var published: UInt64 { 1 << 49 }
  /// An allocation of it failed.
  @inlinable public static var refused: UInt64 { 1 << 50 }
  /// The slot was populated when that allocation failed.
  @inlinable public static var populatedWhenRefused: UInt64 { 1 << 51 }
  /// What it reported.
  @inlinable public static var success: UInt64 { 1 << 52 }
  @inlinable public static var failure: UInt64 { 1 << 53 }
  @inlinable public static var absent: UInt64 { 1 << 54 }
  @inlinable public static var again: UInt64 { 1 << 60 }
  /// Where failures are injected, the first word of a visit counts its attempts to allocate in 4 bits.
  @inlinable static var attempt: UInt64 { 1 << 56 }
  /// Mask of the returned addon's address.
  @inlinable public static var address: UInt64 { (1 << 48) - 1 }
  /// All that says that an operation took place.
  @inlinable public static var anyOutcome: UInt64 {
    sawNull | published | refused | populatedWhenRefused | success | failure | absent | again
  }

  @inlinable public static func attempts(_ word: UInt64) -> Int { Int(word >> 56 & 15) }
  /// More than 15 attempts count as 15.
  @inlinable public static func addAttempt(_ word: inout UInt64) { if attempts(word) < 15 { word &+= attempt } }

  /// Either this racer went on to populate, or it reported that there is nothing.
  @inlinable @inline(__always) public static func sawNull(_ word: UInt64) -> Bool { word & (sawNull | absent) != 0 }

  // Bits as numbers of 0 or 1, to count without a branch.
  @inlinable @inline(__always) public static func hasPublished(_ word: UInt64) -> UInt64 { word >> 49 & 1 }
  @inlinable @inline(__always) public static func hasSeenNull(_ word: UInt64) -> UInt64 {
    (word >> 48 | word >> 54) & 1
  }
  @inlinable @inline(__always) public static func hasLost(_ word: UInt64) -> UInt64 { (word >> 48) & ~(word >> 49) & 1 }

  // The three ways in which a visit that populates ends without an anomaly, as flags.
  @inlinable static var found: UInt64 { success >> 48 }
  @inlinable static var lost: UInt64 { found | sawNull >> 48 }
  @inlinable static var won: UInt64 { lost | published >> 48 }

  /// Whether two visits are all there is to say of a slot: one published, the other lost or found, and they do not
  /// disagree about what is in it.
  @inlinable @inline(__always) public static func isOrdinaryPair(_ a: UInt64, _ b: UInt64) -> Bool {
    // Without a branch that depends on who told: nobody could predict it.
    let disagreement = min((a ^ b) & address, min(a & address, b & address))
    return ((a | b) >> 48 ^ won) | ((a & b | sawNull) >> 48 ^ lost) | disagreement == 0
  }

  /// Zero if a visit ended in a way that needs no checker: it found, won or lost, and what it returned, if it said, is
  /// what the others told; or it saw nothing and said so.
  @inlinable @inline(__always) public static func anomaly(_ word: UInt64, told: inout UInt64) -> UInt64 {
    let flags = word >> 48
    let returned = word & address
    // The six flags from `sawNull` to `failure` are a number below 64: the bit of that number says whether they are an
    // ordinary set.
    let ordinary: UInt64 = 1 << found | 1 << lost | 1 << won
    let nothingFound: UInt64 = 1
    let isOrdinary = (flags & absent >> 48 == 0 ? ordinary : nothingFound) >> (flags & 63) & 1
    let disagreement = returned == 0 || told == 0 ? 0 : returned ^ told
    told |= returned
    return disagreement | (isOrdinary ^ 1)
  }
}
