import AddonMemory

/// No laziness at all: the slot was populated when the inode was created. Reads are plain.
@frozen public enum Eager: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "eager", "Populated at inode creation, before anyone can see the inode; read plainly.",
      source: "security/security.c security_inode_alloc", rightIn: .everyModel)
  }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? { memory.read(slot) }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    let mine = try maker.make(in: memory)
    memory.store(slot, mine, .relaxed)  // inode->i_security = ...: nobody knows the inode yet
    return .won(mine)
  }
}
