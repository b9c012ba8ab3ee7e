import AddonMemory

/// `break_lease` against the first lease of an inode: an open that is counted, and then looks for leases without a lock;
/// and a write lease that is put onto the list, and then looks whether the file is open. One of the two must see the other.
///
/// Between counting and looking stands a full barrier. Since 6.12 the open looks at `i_flctx` before it, and where it finds
/// NULL it skips the barrier: then the first lease of an inode, which makes the lock context, and that open can miss each
/// other. On x86 the count itself is a full barrier.
@frozen public enum Lease<S: Strategy, Variant: LeaseVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case setLease, open
    public var sentence: String {
      switch self {
      case .setLease: "generic_add_lease, F_WRLCK: makes the context, adds a lease, and looks whether the file is open."
      case .open: "do_dentry_open, to read: counts itself, and breaks the lease that break_lease finds."
      }
    }
    @inlinable public var looksOnly: Bool { self == .open }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "lease" + Variant.suffix, "The first lease of an inode, and an open that looks for leases without a lock.",
      source: Variant.source, slots: ["i_flctx"], ownStrategy: "full-compare-exchange-rereading",
      racers: [("set-lease", 1), ("open", 1)], versions: Variant.versions, fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { LockContextMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }

  /// i_readcount.
  @inlinable @inline(__always) static func readers(_ inode: Inode) -> Word64 { inode.word64(at: 8) }
  /// The first of the context's leases, or the list's own head. Changed under the context's lock, by WRITE_ONCE.
  @inlinable @inline(__always) static func first(_ context: Addon) -> Word64 {
    Word64(LockContextMaker.leases(context).head)
  }
  @inlinable @inline(__always) static func none(_ context: Addon) -> UInt64 {
    UInt64(LockContextMaker.leases(context).head)
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .setLease: setLease(inode, in: memory)
    case .open: open(inode, in: memory)
    }
  }

  @inlinable @inline(__always)
  static func setLease<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    do {
      let populated = try S.populate(slot, of: inode, in: memory, LockContextMaker())
      guard let context = populated.addon ?? S.look(at: slot, of: inode, in: memory) else { return }
      let lease = try memory.allocate(LockContextMaker.fileLockKind)
      memory.lock(LockContextMaker.lock(context))
      // check_conflicting_open
      var isFree =
        memory.load(readers(inode), .relaxed) == 0 && memory.load(first(context), .relaxed) == none(context)
      if isFree {
        memory.store(first(context), UInt64(lease.address), .relaxed)  // locks_insert_lock_ctx
        memory.fence(.sequentiallyConsistent)  // smp_mb
        if memory.load(readers(inode), .relaxed) != 0 {  // check_conflicting_open, again
          memory.store(first(context), none(context), .relaxed)  // locks_unlink_lock_ctx
          isFree = false
        }
      }
      if isFree { memory.linked(lease) }
      memory.unlock(LockContextMaker.lock(context))
      if !isFree { memory.free(lease) }
      memory.report(isFree ? .success(context) : .again)
    } catch {
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func open<M: Memory>(_ inode: Inode, in memory: M) {
    memory.fetchAdd(readers(inode), 1, .relaxed)  // i_readcount_inc
    if Variant.ordersBeforeLooking { memory.fence(.sequentiallyConsistent) }  // smp_mb
    guard let context = S.look(at: inode.slot(at: 0), of: inode, in: memory) else {  // READ_ONCE, and a dependency
      memory.report(.absent)
      return
    }
    if !Variant.ordersBeforeLooking { memory.fence(.sequentiallyConsistent) }  // smp_mb
    if memory.load(first(context), .acquiring) != none(context) { breakLease(of: context, in: memory) }
    memory.report(.success(context))
  }

  /// __break_lease, which here does not wait for the holder.
  @inlinable @inline(__always)
  static func breakLease<M: Memory>(of context: Addon, in memory: M) {
    memory.lock(LockContextMaker.lock(context))
    let lease = memory.load(first(context), .relaxed)
    memory.store(first(context), none(context), .relaxed)
    memory.unlock(LockContextMaker.lock(context))
    if lease != none(context) { memory.free(Addon(address: UInt(lease))) }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let context = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    let lease = memory.load(first(context), .relaxed)
    if lease == none(context) { return }
    memory.ownedByVisibleAddon(Addon(address: UInt(lease)))
    memory.expect(
      readers(inode), holds: 0, "a write lease is held on a file that is open for reading, and neither saw the other")
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(readers(inode), 0, .relaxed)
    let slot = inode.slot(at: 0)
    guard let context = memory.load(slot, .relaxed) else { return }
    let lease = memory.load(first(context), .relaxed)
    if lease != none(context) { memory.free(Addon(address: UInt(lease))) }
    S.empty(slot, of: inode, in: memory)
    memory.free(context)
  }
}

/// Where the open's full barrier stands.
public protocol LeaseVariant {
  /// Before it looks whether there is a lock context.
  static var ordersBeforeLooking: Bool { get }
  static var suffix: String { get }
  static var source: String { get }
  static var versions: LinuxVersions? { get }
  static var fault: Fault? { get }
}

/// Linux up to 6.11.
public enum LeaseOfLinux6_11: LeaseVariant {
  @inlinable public static var ordersBeforeLooking: Bool { true }
  public static var suffix: String { "-6.11" }
  public static var source: String { "include/linux/filelock.h break_lease, Linux 6.11" }
  public static var versions: LinuxVersions? { LinuxVersions("6.6", "6.11", of: "lease") }
  public static var fault: Fault? { nil }
}

/// Linux 6.12 and later: no barrier where there is no context.
public enum LeaseOfLinux6_12: LeaseVariant {
  @inlinable public static var ordersBeforeLooking: Bool { false }
  public static var suffix: String { "" }
  public static var source: String { "include/linux/filelock.h break_lease, Linux 6.12.117" }
  public static var versions: LinuxVersions? { LinuxVersions("6.12", nil, of: "lease") }
  public static var fault: Fault? {
    Fault(
      "barrier skipped on NULL", happenedAs: "break_lease since 6.12, by reading; herd7: Sometimes",
      caught: .byExploration(["assertion"]), rightIn: .strongOnly)
  }
}
