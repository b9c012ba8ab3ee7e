/// What one operation of one visit leaves in its racer's log: the low 48 bits are the addon it returned, or 0; the rest
/// are flags. All zero: this racer's role has nothing to do with that slot.
@frozen public enum LogWord {
  @inlinable public static var sawNull: UInt64 { 1 << 48 }
  @inlinable public static var published: UInt64 { 1 << 49 }
  @inlinable public static var refused: UInt64 { 1 << 50 }
  @inlinable public static var populatedWhenRefused: UInt64 { 1 << 51 }
  @inlinable public static var success: UInt64 { 1 << 52 }
  @inlinable public static var failure: UInt64 { 1 << 53 }
  @inlinable public static var absent: UInt64 { 1 << 54 }
  @inlinable public static var again: UInt64 { 1 << 60 }
  /// Where failures are injected, the first word of a visit counts its attempts to allocate in 4 bits.
  @inlinable public static var attempt: UInt64 { 1 << 56 }
  @inlinable public static var address: UInt64 { (1 << 48) - 1 }

  @inlinable public static func attempts(_ word: UInt64) -> Int { Int(word >> 56 & 15) }

  /// Either this racer went on to populate, or it reported that there is nothing.
  @inlinable @inline(__always) public static func sawNull(_ word: UInt64) -> Bool { word & (sawNull | absent) != 0 }

  @inlinable @inline(__always) public static func hasPublished(_ word: UInt64) -> UInt64 { word >> 49 & 1 }
  @inlinable @inline(__always) public static func hasSeenNull(_ word: UInt64) -> UInt64 {
    (word >> 48 | word >> 54) & 1
  }
  @inlinable @inline(__always) public static func hasLost(_ word: UInt64) -> UInt64 { (word >> 48) & ~(word >> 49) & 1 }

  /// Whether two visits are all there is to say of a slot: one published, the other lost or found, and they do not
  /// disagree.
  @inlinable @inline(__always) public static func isOrdinaryPair(_ a: UInt64, _ b: UInt64) -> Bool {
    let found = success >> 48
    let lost = found | sawNull >> 48
    let won = lost | published >> 48
    // Without a branch that depends on who told: nobody could predict it.
    let disagreement = min((a ^ b) & address, min(a & address, b & address))
    return ((a | b) >> 48 ^ won) | ((a & b | sawNull) >> 48 ^ lost) | disagreement == 0
  }

  /// Zero if a visit ended in a way that needs no checker: it found, won or lost, and what it returned, if it said, is
  /// what the others told; or it saw nothing and said so.
  @inlinable @inline(__always) public static func irregularity(_ word: UInt64, told: inout UInt64) -> UInt64 {
    let flags = word >> 48
    let returned = word & address
    let found: UInt64 = 1 << 16
    let lost: UInt64 = 1 << 17
    let won: UInt64 = 1 << 19
    let nothing: UInt64 = 1
    let regular = (flags & 64 == 0 ? found | lost | won : nothing) >> (flags & 63) & 1
    let disagreement = returned == 0 || told == 0 ? 0 : returned ^ told
    told |= returned
    return disagreement | (regular ^ 1)
  }
}

/// One allocation in its racer's ledger: four counts of 8 bits, the inode of its visit (24 bits) and its size in words.
@frozen public enum LedgerEntry {
  @inlinable public static var published: UInt64 { 1 }
  @inlinable public static var freedByVisit: UInt64 { 1 << 8 }
  @inlinable public static var freedElsewhere: UInt64 { 1 << 16 }
  @inlinable public static var freedByTeardown: UInt64 { 1 << 24 }
  @inlinable public static var counts: UInt64 { (1 << 32) - 1 }
  @inlinable public static var frees: UInt64 { counts ^ 0xff }
  @inlinable public static var freesByVisits: UInt64 { 0xffff_00 }

  @inlinable @inline(__always) public static func make(inode: UInt32, words: Int) -> UInt64 {
    UInt64(inode) << 32 | UInt64(truncatingIfNeeded: words) << 56
  }
  @inlinable @inline(__always) public static func inode(_ entry: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: entry >> 32) & 0xff_ffff
  }
  @inlinable @inline(__always) public static func words(_ entry: UInt64) -> Int { Int(entry >> 56) }

  /// Zero after teardown for what was published once and freed by the teardown, and for what was freed once by its own
  /// visit. (A product of two numbers of 32 bits is zero only if one of them is.)
  @inlinable @inline(__always) public static func irregularity(_ entry: UInt64) -> UInt64 {
    let counts = entry & counts
    return (counts ^ (published | freedByTeardown)) &* (counts ^ freedByVisit)
  }
}

extension Operation {
  /// What the log says of one operation; nil where the racer's role has nothing to do with the slot. `allocation` says
  /// which allocation begins at an address.
  public init?(_ word: UInt64, racer: Int, inode: Int, slot: Int, allocation: (UInt) -> Int?) {
    guard word >> 48 & 0x10ff != 0 else { return nil }
    self.init(racer: racer, inode: inode, slot: slot)
    sawNull = LogWord.sawNull(word)
    published = word & LogWord.published != 0
    refused = word & LogWord.refused != 0
    populatedWhenRefused = word & LogWord.populatedWhenRefused != 0
    if word & LogWord.success != 0 { report = .success }
    if word & LogWord.failure != 0 { report = .failure }
    if word & LogWord.absent != 0 { report = .absent }
    if word & LogWord.again != 0 { report = .again }
    let address = UInt(word & LogWord.address)
    if address != 0 { returned = allocation(address).map { .allocation($0) } ?? .stranger }
  }
}

extension Allocation {
  /// What the ledger says of one allocation.
  public init(_ entry: UInt64, racer: Int) {
    self.init(racer: racer, inode: Int(LedgerEntry.inode(entry)), size: LedgerEntry.words(entry) * 8)
    published = Int(entry & 0xff)
    freedByVisit = Int(entry >> 8 & 0xff)
    freedElsewhere = Int(entry >> 16 & 0xff)
    freedByTeardown = Int(entry >> 24 & 0xff)
  }
}
