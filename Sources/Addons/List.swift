import AddonMemory

/// The kernel's doubly linked circular list, its head and its nodes alike: `next` at byte 0, `previous` at byte 8.
///
/// All accesses are plain: whoever uses a list holds the lock that protects it.
@frozen public struct List {
  public let head: UInt
  @inlinable @inline(__always) public init(at address: UInt) { head = address }

  @inlinable @inline(__always) static func next(_ node: UInt) -> Word64 { Word64(node) }
  @inlinable @inline(__always) static func previous(_ node: UInt) -> Word64 { Word64(node &+ 8) }

  /// INIT_LIST_HEAD.
  @inlinable @inline(__always) public func initialise<M: Memory>(in memory: M) {
    memory.write(Self.next(head), UInt64(head))
    memory.write(Self.previous(head), UInt64(head))
  }

  /// Notes it if the list is not empty, or was never initialised. Says whether it is empty.
  @inlinable @inline(__always) @discardableResult
  public func expectEmpty<M: Memory>(_ expectation: Promise, in memory: M) -> Bool {
    memory.expect(Self.next(head), holds: UInt64(head), expectation)
  }

  /// list_add.
  @inlinable @inline(__always) public func add<M: Memory>(_ node: UInt, in memory: M) {
    let first = UInt(memory.read(Self.next(head)))
    memory.write(Self.next(node), UInt64(first))
    memory.write(Self.previous(node), UInt64(head))
    memory.write(Self.next(head), UInt64(node))
    if first != 0 { memory.write(Self.previous(first), UInt64(node)) }
  }

  /// list_del.
  @inlinable @inline(__always) public static func remove<M: Memory>(_ node: UInt, in memory: M) {
    let after = UInt(memory.read(next(node)))
    let before = UInt(memory.read(previous(node)))
    if before != 0 { memory.write(next(before), UInt64(after)) }
    if after != 0 { memory.write(previous(after), UInt64(before)) }
  }
}
