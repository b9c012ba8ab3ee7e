/// Places in memory that a strategy works on. All are trivial values: an address and how to read it.

/// An atomic 64-bit place. Atomic and plain operations may both be used on it.
@frozen public struct Word64: Equatable {
  public let address: UInt
  @inlinable @inline(__always) public init(_ address: UInt) { self.address = address }
  /// Only for memories whose words are the machine's own.
  @inlinable @inline(__always) public var pointer: UnsafeMutablePointer<UInt64> {
    UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }
}

/// An atomic 32-bit place.
@frozen public struct Word32: Equatable {
  public let address: UInt
  @inlinable @inline(__always) public init(_ address: UInt) { self.address = address }
  /// Only for memories whose words are the machine's own.
  @inlinable @inline(__always) public var pointer: UnsafeMutablePointer<UInt32> {
    UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }
}

/// One atomic pointer field of an inode (or of another addon): NULL, or the addon that populates it.
@frozen public struct Slot: Equatable {
  public let word: Word64
  @inlinable @inline(__always) public init(_ address: UInt) { word = Word64(address) }
}

/// What a slot points to while it is populated.
@frozen public struct Addon: Equatable, Sendable {
  public let address: UInt
  @inlinable @inline(__always) public init(address: UInt) { self.address = address }

  @inlinable @inline(__always) public func word64(at offset: UInt) -> Word64 { Word64(address &+ offset) }
  @inlinable @inline(__always) public func word32(at offset: UInt) -> Word32 { Word32(address &+ offset) }
  @inlinable @inline(__always) public func slot(at offset: UInt) -> Slot { Slot(address &+ offset) }
  @inlinable @inline(__always) public func lock(at offset: UInt) -> Lock { Lock(address &+ offset) }
  @inlinable @inline(__always) public func readersWriterLock(at offset: UInt) -> ReadersWriterLock {
    ReadersWriterLock(address &+ offset)
  }
}

/// A spin lock of 32 bits. Neither of its two values is zero or poison, so that a lock which nobody initialised shows.
@frozen public struct Lock: Equatable {
  public let word: Word32
  @inlinable @inline(__always) public init(_ address: UInt) { word = Word32(address) }
  @inlinable public static var unlocked: UInt32 { 0x10c0 }
  @inlinable public static var locked: UInt32 { 0x10c1 }
}

/// A readers-writer spin lock of 32 bits: who holds it shared are counted in its low half, and who holds it alone has its
/// highest bit. The bits between are those of `Lock`, so that one which nobody initialised shows.
@frozen public struct ReadersWriterLock: Equatable {
  public let word: Word32
  @inlinable @inline(__always) public init(_ address: UInt) { word = Word32(address) }
  @inlinable public static var unlocked: UInt32 { Lock.unlocked << 16 }
  @inlinable public static var writer: UInt32 { 1 << 31 }
  /// Of a word that is a lock: how many hold it shared.
  @inlinable public static func readers(_ word: UInt64) -> Int? {
    isLock(word, unlocked: UInt64(unlocked)) ? Int(word & 0xffff) : nil
  }
  /// Whether a word is a lock that is this while nobody holds it: else nobody initialised it, or it is gone.
  @inlinable public static func isLock(_ word: UInt64, unlocked: UInt64) -> Bool { word & ~0x8000_ffff == unlocked }
  /// Whether a word that is a lock is held alone.
  @inlinable public static func isHeldAlone(_ word: UInt64) -> Bool { word & UInt64(writer) != 0 }
}

/// A lock whose holder may sleep: a mutex, or a state bit that others sleep on.
@frozen public struct SleepingLock: Equatable {
  public let lock: Lock
  @inlinable @inline(__always) public init(_ lock: Lock) { self.lock = lock }
}

/// The shared object that racers visit, and what all inodes of a round share.
@frozen public struct Inode: Equatable {
  public let address: UInt
  /// The site's shared area (a key, a map), or 0 where it has none.
  public let shared: UInt
  @inlinable @inline(__always) public init(address: UInt, shared: UInt) {
    self.address = address
    self.shared = shared
  }
  @inlinable @inline(__always) public func slot(at offset: UInt) -> Slot { Slot(address &+ offset) }
  @inlinable @inline(__always) public func word64(at offset: UInt) -> Word64 { Word64(address &+ offset) }

  /// The inode's own lock, at byte 8 of the inodes that have one.
  @inlinable public var lock: Lock { Lock(address &+ 8) }
  /// The inode's flag bits, at byte 12 of the inodes that have them.
  @inlinable public var flags: Word32 { Word32(address &+ 12) }
}

/// What is allocated: a size in bytes, and how the allocator hands it out.
@frozen public struct AddonKind: Sendable {
  /// Bytes, a multiple of 8.
  public let size: Int
  /// `kzalloc` (zeroed) or a slab object that comes as it is.
  public let zeroed: Bool
  /// Whether this is what populates a slot. What a visit allocates for its own passing use is not.
  public let populates: Bool
  /// Whether the allocation may sleep, which is wrong while a lock is held.
  public let maySleep: Bool
  @inlinable public init(size: Int, zeroed: Bool, populates: Bool = true, maySleep: Bool = true) {
    self.size = size
    self.zeroed = zeroed
    self.populates = populates
    self.maySleep = maySleep
  }
}

/// An allocation failed: the kernel's -ENOMEM.
@frozen public struct OutOfMemory: Error {
  @inlinable public init() {}
}

/// How a compare-exchange ended.
@frozen public enum Exchanged {
  case won
  /// What was there instead: NULL only where something else was expected, or where a weak one failed for no reason.
  case lost(Addon?)
}
