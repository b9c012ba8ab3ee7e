import AddonMemory

/// The life of an inode: whoever holds a reference may use what hangs off it; whoever puts the last one evicts it, and
/// the next to get it starts afresh, at the same address.
///
/// The count is under a mutex, which is held through creation and through eviction: there the kernel makes those who look
/// the inode up sleep until I_NEW, or I_FREEING, is gone.
@frozen public struct InodeReference {
  @usableFromInline let mutex: SleepingLock
  @usableFromInline let count: Word64

  /// Of an inode that keeps the count itself, at byte 16, under its own lock.
  @inlinable @inline(__always) public init(_ inode: Inode) {
    mutex = SleepingLock(inode.lock)
    count = inode.word64(at: 16)
  }

  /// Of an inode that has both, 16 bytes, behind what its site knows of.
  @inlinable @inline(__always) public init(_ inode: Inode, behind size: Int) {
    mutex = SleepingLock(Lock(inode.address &+ UInt(bitPattern: size)))
    count = inode.word64(at: UInt(bitPattern: size) &+ 8)
  }

  /// The inode is new. Plain.
  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) {
    memory.initialise(mutex.lock)
    memory.write(count, 0)
  }

  /// iget, of an inode that needs nothing of its own at first.
  @inlinable @inline(__always) public func get<M: Memory>(in memory: M) {
    _ = beginToGet(in: memory)
    gotten(in: memory)
  }

  /// iget. Answers whether the inode is new: then the caller creates what belongs to it. Ends with `gotten`, or `failed`.
  @inlinable @inline(__always) public func beginToGet<M: Memory>(in memory: M) -> Bool {
    memory.lock(mutex)
    return memory.read(count) == 0
  }
  @inlinable @inline(__always) public func gotten<M: Memory>(in memory: M) {
    memory.write(count, memory.read(count) &+ 1)
    memory.unlock(mutex)
  }
  @inlinable @inline(__always) public func failed<M: Memory>(in memory: M) { memory.unlock(mutex) }

  /// iput. Answers whether it was the last: then the caller evicts, and calls `evicted`.
  @inlinable @inline(__always) public func put<M: Memory>(in memory: M) -> Bool {
    memory.lock(mutex)
    let left = memory.read(count) &- 1
    memory.write(count, left)
    if left == 0 { return true }
    memory.unlock(mutex)
    return false
  }

  @inlinable @inline(__always) public func evicted<M: Memory>(in memory: M) { memory.unlock(mutex) }

  @inlinable @inline(__always) public func expectNone<M: Memory>(in memory: M) {
    memory.expect(count, holds: 0, .balanced)
  }
}
