import AddonMemory

/// The kernel's `hlist`, of blocks whose node lies `offset` bytes in: `next` there, and 8 bytes further the place that
/// leads to the node, 0 while it is on no list.
///
/// Whoever writes holds the lock that protects the list. Who only walks need not: links are published by release, and a
/// removed node still leads on. (Linux follows them by dependencies, and removes by WRITE_ONCE, ordered by
/// po-unlock-lock-po. Acquiring and releasing are right in every model.)
@frozen public struct HashList {
  public let first: Word64
  public let offset: UInt
  @inlinable @inline(__always) public init(_ first: Word64, nodesAt offset: UInt) {
    self.first = first
    self.offset = offset
  }

  @inlinable @inline(__always) func next(_ block: Addon) -> Word64 { block.word64(at: offset) }
  /// `pprev`.
  @inlinable @inline(__always) func leading(_ block: Addon) -> Word64 { block.word64(at: offset &+ 8) }

  /// hlist_empty.
  @inlinable @inline(__always) public func isEmpty<M: Memory>(in memory: M) -> Bool {
    memory.load(first, .relaxed) == 0
  }

  /// hlist_unhashed_lockless, and the contrary of it.
  @inlinable @inline(__always) public func contains<M: Memory>(_ block: Addon, in memory: M) -> Bool {
    memory.load(leading(block), .relaxed) != 0
  }

  /// hlist_is_singular_node.
  @inlinable @inline(__always) public func isSingular<M: Memory>(_ block: Addon, in memory: M) -> Bool {
    memory.load(next(block), .relaxed) == 0 && memory.load(leading(block), .relaxed) == UInt64(first.address)
  }

  /// The block that the list begins with.
  @inlinable @inline(__always) public func begin<M: Memory>(in memory: M) -> Addon? { Self.follow(first, in: memory) }
  /// The block after this one.
  @inlinable @inline(__always) public func after<M: Memory>(_ block: Addon, in memory: M) -> Addon? {
    Self.follow(next(block), in: memory)
  }

  /// What a link leads to. Poison leads nowhere, and is noted: it was read in freed memory.
  @inlinable @inline(__always)
  public static func follow<M: Memory>(_ link: Word64, in memory: M) -> Addon? {
    let bits = memory.load(link, .acquiring)
    return leads(bits, at: link, in: memory) ? Addon(bits: bits) : nil
  }
  @inlinable @inline(__always)
  static func leads<M: Memory>(_ bits: UInt64, at link: Word64, in memory: M) -> Bool {
    if bits & 7 == 0 { return true }
    memory.violated(.initialised, seen: bits, expected: 0, at: link.address)
    return false
  }

  /// hlist_add_head_rcu.
  @inlinable @inline(__always) public func add<M: Memory>(_ block: Addon, in memory: M) {
    let second = memory.load(first, .relaxed)
    memory.store(next(block), second, .relaxed)
    memory.store(leading(block), UInt64(first.address), .relaxed)
    memory.store(first, UInt64(block.address), .releasing)
    if let second = Addon(bits: second) { memory.store(leading(second), UInt64(next(block).address), .relaxed) }
  }

  /// hlist_del_init_rcu: nothing, if it is on no list.
  @inlinable @inline(__always) public func remove<M: Memory>(_ block: Addon, in memory: M) {
    let link = memory.load(leading(block), .relaxed)
    let following = memory.load(next(block), .relaxed)
    guard link != 0, Self.leads(link, at: leading(block), in: memory),
      Self.leads(following, at: next(block), in: memory)
    else { return }
    memory.store(Word64(UInt(link)), following, .releasing)
    if let following = Addon(bits: following) { memory.store(leading(following), link, .relaxed) }
    memory.store(leading(block), 0, .relaxed)
  }
}
