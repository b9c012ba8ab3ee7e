/// Something that went wrong while code ran, which no checker has to conclude from outcomes: the explorer sees it happen.
public struct Mishap: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// Two accesses, one a write and one plain, that nothing orders; or atomic accesses of different sizes that overlap.
    case dataRace
    /// Freed memory, or memory beyond an allocation, is accessed, or freed while another racer may still access it.
    case useAfterFree
    /// A plain or atomic read of allocated memory that nobody has written.
    case uninitialised
    /// Memory that nobody can free any more, at the end of a program.
    case leak
    /// A publication over a slot that was not NULL.
    case overwritten
    /// An allocation that was published twice, or is in two slots.
    case visibleTwice
    /// An allocation that was in no slot, and is never freed.
    case loserKept
    /// What the code itself checks.
    case assertion
    /// What may sleep, under a spinlock or in a section of RCU.
    case atomicContext
    /// What would end the process: a BUG(), or an access through NULL or a stray pointer.
    case crash
    /// A deadlock (a racer waits for something that no racer will do), or a racer that does not end.
    case stuck
  }
  public var kind: Kind
  public var racers: [Int]
  /// One sentence.
  public var message: String
  /// Where, if it has a place.
  public var address: UInt64?
  /// The block of the address, by the explorer's count.
  public var block: Int?
  public var allocation: Int?
  public var inode: Int?
  /// Of native code: where it was, or 0.
  public var pc: UInt = 0

  public init(_ kind: Kind, racers: [Int], message: String, address: UInt64? = nil, block: Int? = nil) {
    self.kind = kind
    self.racers = racers
    self.message = message
    self.address = address
    self.block = block
  }
}
