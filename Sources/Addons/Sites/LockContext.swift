import AddonMemory

/// `inode->i_flctx`: the lists of file locks of an inode, made by the first lock.
///
/// The slab object is not zeroed: a lock and three list heads are initialised by hand. The loser gets the winner's.
/// An unlock finds NULL and allocates nothing. At inode destruction the three lists must be empty ("leaked locks").
///
/// Named `lock-context` with strategies that work on the slot alone, `lock-context-flag` with those that take the
/// inode's lock, as Linux 7.2 does.
@frozen public enum LockContext<S: Strategy, Unlocking: LockRelease>: Site {
  public enum Role: UInt8, SiteRole {
    case lock, unlock, read
    public var sentence: String {
      switch self {
      case .lock: "Gets the context for a lock, adds a lock to its list and removes it again."
      case .unlock: "Gets the context for an unlock: NULL, without allocating, where there is none."
      case .read: "Looks, as locks_inode_context, and walks the lists under the lock."
      }
    }
    @inlinable public var looksOnly: Bool { self != .lock }
  }

  public static var about: SiteDescription {
    let flag = S.about.usesInodeLock
    return SiteDescription(
      (flag ? "lock-context-flag" : "lock-context") + Unlocking.suffix,
      flag
        ? "An inode's file locks, published under the inode's lock with a flag bit."
        : "An inode's file locks; the loser of the race gets the winner's context.",
      source: flag ? "fs/locks.c, Linux 7.2" : "fs/locks.c locks_get_lock_context, Linux 6.12",
      slots: ["i_flctx"], ownStrategy: flag ? "lock-and-flag" : "full-compare-exchange-rereading",
      racers: [("lock", 2)],
      versions: Unlocking.fault == nil
        ? LinuxVersions(flag ? "7.2" : "6.12", flag ? nil : "6.12", of: "lock-context") : nil,
      fault: Unlocking.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { LockContextMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) { memory.initialise(inode.lock) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .lock:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, LockContextMaker())
        let context = populated.addon ?? S.look(at: slot, of: inode, in: memory)  // locks_inode_context
        if let context {
          try addAndRemoveLock(context, in: memory)
        }
        memory.report(.success(context))
      } catch {
        memory.report(.failure)
      }
    case .unlock, .read:
      guard let context = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.lock(LockContextMaker.lock(context))
      LockContextMaker.flocks(context).expectEmpty(.initialised, in: memory)
      LockContextMaker.leases(context).expectEmpty(.initialised, in: memory)
      memory.unlock(LockContextMaker.lock(context))
      memory.report(.success(context))
    }
  }

  /// posix_lock_inode: the file lock is allocated first, so that nothing sleeps under the context's lock.
  @inlinable @inline(__always)
  static func addAndRemoveLock<M: Memory>(_ context: Addon, in memory: M) throws(OutOfMemory) {
    let fileLock = try memory.allocate(LockContextMaker.fileLockKind)
    memory.lock(LockContextMaker.lock(context))
    LockContextMaker.posixLocks(context).add(fileLock.address, in: memory)  // locks_insert_lock_ctx
    memory.unlock(LockContextMaker.lock(context))

    if Unlocking.removesLock {
      memory.lock(LockContextMaker.lock(context))
      List.remove(fileLock.address, in: memory)  // locks_delete_lock_ctx
      if Unlocking.unlocksContext { memory.unlock(LockContextMaker.lock(context)) }
      memory.free(fileLock)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let context = memory.slotShows(S.look(at: inode.slot(at: 0), of: inode, in: memory), slot: 0) {
      LockContextMaker.flocks(context).expectEmpty(.initialised, in: memory)
      LockContextMaker.leases(context).expectEmpty(.initialised, in: memory)
      checkListsEmpty(of: context, in: memory)
    }
  }

  /// locks_check_ctx_lists: "leaked locks".
  @inlinable @inline(__always)
  static func checkListsEmpty<M: Memory>(of context: Addon, in memory: M) {
    LockContextMaker.flocks(context).expectEmpty(.released, in: memory)
    LockContextMaker.posixLocks(context).expectEmpty(.released, in: memory)
    LockContextMaker.leases(context).expectEmpty(.released, in: memory)
  }

  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {
    if let context = memory.load(inode.slot(at: 0), .acquiring) { checkListsEmpty(of: context, in: memory) }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let context = memory.load(slot, .relaxed) else { return }
    S.empty(slot, of: inode, in: memory)
    memory.free(context)  // locks_free_lock_context
  }
}

/// Whether a lock that was taken is given back.
public protocol LockRelease {
  static var removesLock: Bool { get }
  static var unlocksContext: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension LockRelease {
  @inlinable public static var unlocksContext: Bool { true }
}

public enum LocksReleased: LockRelease {
  @inlinable public static var removesLock: Bool { true }
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// struct file_lock_context: 56 bytes of a slab that is not zeroed.
@frozen public struct LockContextMaker: Maker {
  @inlinable @inline(__always) public init() {}

  @inlinable public static var size: Int { 56 }
  @inlinable @inline(__always) public static func lock(_ context: Addon) -> Lock { context.lock(at: 0) }
  @inlinable @inline(__always) public static func flocks(_ context: Addon) -> List { List(at: context.address &+ 8) }
  @inlinable @inline(__always)
  public static func posixLocks(_ context: Addon) -> List { List(at: context.address &+ 24) }
  @inlinable @inline(__always) public static func leases(_ context: Addon) -> List { List(at: context.address &+ 40) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false) }
  /// struct file_lock, of which only the list node matters here.
  @inlinable public static var fileLockKind: AddonKind {
    AddonKind(size: 16, zeroed: false, populates: false)
  }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ context: Addon, in memory: M) {
    memory.initialise(Self.lock(context))
    Self.flocks(context).initialise(in: memory)
    Self.posixLocks(context).initialise(in: memory)
    Self.leases(context).initialise(in: memory)
  }
}
