import AddonMemory

/// The life of an inode: whoever holds a reference may use what hangs off it; whoever puts the last one evicts it, and
/// the next to get it starts afresh, at the same address.
///
/// The count is under a lock, which is held through eviction, as I_FREEING makes those wait that look the inode up
/// meanwhile.
@frozen public struct InodeReference {
  @usableFromInline let lock: Lock
  @usableFromInline let count: Word64

  /// Of an inode that keeps the count itself, at byte 16, under its own lock.
  @inlinable @inline(__always) public init(_ inode: Inode) {
    lock = inode.lock
    count = inode.word64(at: 16)
  }

  /// Of an inode that has both, 16 bytes, behind what its site knows of.
  @inlinable @inline(__always) public init(_ inode: Inode, behind size: Int) {
    lock = Lock(inode.address &+ UInt(bitPattern: size))
    count = inode.word64(at: UInt(bitPattern: size) &+ 8)
  }

  /// The inode is new. Plain.
  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) {
    memory.initialise(lock)
    memory.write(count, 0)
  }

  /// iget.
  @inlinable @inline(__always) public func get<M: Memory>(in memory: M) {
    memory.lock(lock)
    memory.write(count, memory.read(count) &+ 1)
    memory.unlock(lock)
  }

  /// iput. Answers whether it was the last: then the lock is held, and the caller evicts, and calls `evicted`.
  @inlinable @inline(__always) public func put<M: Memory>(in memory: M) -> Bool {
    memory.lock(lock)
    let left = memory.read(count) &- 1
    memory.write(count, left)
    if left == 0 { return true }
    memory.unlock(lock)
    return false
  }

  @inlinable @inline(__always) public func evicted<M: Memory>(in memory: M) { memory.unlock(lock) }

  @inlinable @inline(__always) public func expectNone<M: Memory>(in memory: M) {
    memory.expect(count, holds: 0, .balanced)
  }
}
