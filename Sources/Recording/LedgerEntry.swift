/// One allocation in its racer's ledger, in one word of 64 bits: four counts of 8 bits, the inode of its visit (20 bits),
/// how often it was linked to another (4 bits), and its size in words of 8 bytes (8 bits).
@frozen public enum LedgerEntry {
  @inlinable public static var published: UInt64 { 1 }
  @inlinable public static var freedByVisit: UInt64 { 1 << 8 }
  @inlinable public static var freedElsewhere: UInt64 { 1 << 16 }
  @inlinable public static var freedByTeardown: UInt64 { 1 << 24 }
  @inlinable public static var counts: UInt64 { (1 << 32) - 1 }
  @inlinable public static var frees: UInt64 { counts ^ 0xff }
  @inlinable public static var freesByVisits: UInt64 { 0xffff_00 }
  @inlinable static var linked: UInt64 { 1 << 52 }
  /// No inode: what belongs to the area that all inodes share.
  @inlinable public static var noInode: UInt32 { 0xf_ffff }

  @inlinable @inline(__always) public static func make(inode: UInt32, words: Int) -> UInt64 {
    UInt64(inode & noInode) << 32 | UInt64(truncatingIfNeeded: words) << 56
  }
  @inlinable @inline(__always) public static func inode(_ entry: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: entry >> 32) & noInode
  }
  @inlinable @inline(__always) public static func words(_ entry: UInt64) -> Int { Int(entry >> 56) }

  @inlinable @inline(__always) public static func links(_ entry: UInt64) -> UInt64 { entry >> 52 & 15 }

  /// More than 15 links count as 15.
  @inlinable public static func addLink(_ entry: inout UInt64) { if links(entry) < 15 { entry &+= linked } }

  /// Zero after teardown for what was published or linked once and freed by the teardown, and for what was freed once by
  /// its own visit. (A product of two numbers of 32 bits is zero only if one of them is.)
  @inlinable @inline(__always) public static func anomaly(_ entry: UInt64) -> UInt64 {
    let counts = (entry & counts) &+ links(entry)
    return (counts ^ (published | freedByTeardown)) &* (counts ^ freedByVisit)
  }
}
