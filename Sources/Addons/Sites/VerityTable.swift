import AddonMemory

/// `fsverity_info` in Linux 7.2: found by the inode's address in a hash table, instead of through a pointer.
///
/// Find-or-insert under the bucket's lock: a loser frees its own. A flag of the inode is set after the insertion; whoever
/// sees it, and has a full barrier behind that, finds the info. Eviction removes the info before another inode can come to
/// the same address; it is freed after a grace period of RCU, because others that walk the bucket come past it.
///
/// Slot 0 is the bucket's head. One inode hashes to each bucket here.
@frozen public enum VerityTable<Variant: VerityTableVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case open, verify, pass
    public var sentence: String {
      switch self {
      case .open: "Gets the inode, makes sure that its info is in the table, puts the inode; the last one evicts it."
      case .verify: "Gets the inode, finds its info if the flag says that there is one, puts the inode."
      case .pass: "Looks another inode up that hashes to the same bucket: comes past this one's info, under RCU."
      }
    }
    @inlinable public var looksOnly: Bool { self != .open }
    public var detaches: Bool { self != .pass }
    public var putsInode: Bool { self != .pass }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "verity-table" + Variant.suffix,
      "What verity knows of an inode, by the inode's address in a hash table; addresses come again.",
      source: "fs/verity/open.c, Linux 7.2", slots: ["bucket"], ownStrategy: "double-checked-lock",
      racers: [("open", 2), ("pass", 1)],
      versions: Variant.fault == nil ? LinuxVersions("7.2", nil, of: "verity-info") : nil, fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { DoubleCheckedLock.about }

  @inlinable public static var inodeSize: Int { 40 }
  @inlinable public static var biggestAddon: Int { TableInfoMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 1 }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always) static func bucketLock(_ inode: Inode) -> Lock { Lock(inode.address &+ 24) }
  /// Which of the inodes that had this address it is. Only who holds a reference may ask.
  @inlinable @inline(__always) static func generation(_ inode: Inode) -> Word64 { inode.word64(at: 32) }
  @inlinable static var hasInfo: UInt32 { 1 }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) {
    memory.initialise(inode.lock)
    memory.initialise(bucketLock(inode))
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    if role == .pass {
      pass(inode, in: memory)
      return
    }
    InodeReference(inode).get(in: memory)
    if role == .open { open(inode, in: memory) } else { verify(inode, in: memory) }
    if InodeReference(inode).put(in: memory) { evict(inode, in: memory) }
  }

  @inlinable @inline(__always)
  static func open<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = find(inode, in: memory) {
      memory.report(.success(info))
      return
    }
    do {
      let mine = try TableInfoMaker(inode: inode, generation: memory.read(generation(inode))).make(in: memory)
      if Variant.flagsFirst { memory.fetchOr(inode.flags, hasInfo, .full) }
      let start = memory.began()
      memory.lock(bucketLock(inode))
      if let found = memory.load(inode.slot(at: 0), .relaxed) {
        memory.ended(start, .found(found))
        memory.unlock(bucketLock(inode))
        memory.free(mine)
        check(found, of: inode, in: memory)
        memory.report(.success(found))
        return
      }
      memory.store(inode.slot(at: 0), mine, .releasing)
      memory.ended(start, .attached(mine))
      memory.unlock(bucketLock(inode))
      memory.fetchOr(inode.flags, hasInfo, .full)
      memory.report(.success(mine))
    } catch {
      memory.report(.failure)
    }
  }

  /// fsverity_get_info: the flag, a full barrier, the table.
  @inlinable @inline(__always)
  static func find<M: Memory>(_ inode: Inode, in memory: M) -> Addon? {
    if memory.load(inode.flags, .relaxed) & hasInfo == 0 { return nil }
    memory.fence(.sequentiallyConsistent)
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let info = memory.load(inode.slot(at: 0), .acquiring) {
      memory.ended(start, .found(info))
      memory.leaveReadSection(.rcu)
      check(info, of: inode, in: memory)
      return info
    }
    memory.ended(start, .absent)
    memory.leaveReadSection(.rcu)
    memory.violated(.initialised, seen: 0, expected: 1, at: inode.flags.address)
    return nil
  }

  @inlinable @inline(__always)
  static func check<M: Memory>(_ info: Addon, of inode: Inode, in memory: M) {
    memory.expect(TableInfoMaker.key(info), holds: UInt64(inode.address), .initialised)
    memory.expect(TableInfoMaker.generation(info), holds: memory.read(generation(inode)), .initialised)
  }

  @inlinable @inline(__always)
  static func verify<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = find(inode, in: memory) { memory.report(.success(info)) } else { memory.report(.absent) }
  }

  @inlinable @inline(__always)
  static func pass<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let info = memory.load(inode.slot(at: 0), .acquiring) {
      memory.ended(start, .found(info))
      memory.window()
      memory.expect(TableInfoMaker.key(info), holds: UInt64(inode.address), .initialised)
      memory.report(.success(info))
    } else {
      memory.ended(start, .absent)
      memory.report(.absent)
    }
    memory.leaveReadSection(.rcu)
  }

  /// fsverity_cleanup_inode, and the address is another inode's.
  @inlinable @inline(__always)
  static func evict<M: Memory>(_ inode: Inode, in memory: M) {
    if Variant.removesAtEviction, memory.load(inode.flags, .relaxed) & hasInfo != 0 {
      memory.lock(bucketLock(inode))
      let start = memory.began()
      if let info = memory.load(inode.slot(at: 0), .relaxed) {
        memory.store(inode.slot(at: 0), nil, .relaxed)
        memory.ended(start, .detached(info))
        Variant.free(info, in: memory)
      }
      memory.unlock(bucketLock(inode))
      memory.fetchAnd(inode.flags, ~hasInfo, .relaxed)
    }
    memory.write(generation(inode), memory.read(generation(inode)) &+ 1)
    InodeReference(inode).evicted(in: memory)
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    InodeReference(inode).expectNone(in: memory)
    memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(inode.flags, 0, .relaxed)
    guard let info = memory.load(inode.slot(at: 0), .relaxed) else { return }
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.free(info)
  }
}

/// struct fsverity_info with its place in the table: 264 bytes, of which the key and the inode's generation matter here.
@frozen public struct TableInfoMaker: Maker {
  public let inode: Inode
  public let generation: UInt64
  @inlinable @inline(__always) public init(inode: Inode, generation: UInt64) {
    self.inode = inode
    self.generation = generation
  }

  @inlinable public static var size: Int { 264 }
  @inlinable @inline(__always) public static func key(_ info: Addon) -> Word64 { info.word64(at: 0) }
  @inlinable @inline(__always) public static func generation(_ info: Addon) -> Word64 { info.word64(at: 8) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ info: Addon, in memory: M) {
    memory.write(Self.key(info), UInt64(inode.address))
    memory.write(Self.generation(info), generation)
  }
}

/// Where a faulty table departs from the right one.
public protocol VerityTableVariant {
  static var flagsFirst: Bool { get }
  static var removesAtEviction: Bool { get }
  static func free<M: Memory>(_ info: Addon, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension VerityTableVariant {
  @inlinable public static var flagsFirst: Bool { false }
  @inlinable public static var removesAtEviction: Bool { true }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ info: Addon, in memory: M) { memory.freeAfterGracePeriod(info, .rcu) }
}

/// As in Linux.
public enum VerityTableAsInLinux: VerityTableVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}
