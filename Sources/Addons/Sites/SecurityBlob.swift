import AddonMemory

/// `inode->i_security`: the control group. Every inode gets its blob at creation, whether anyone needs it or not.
///
/// A path walk under RCU reads it without a reference (`security_inode_permission`), so it is freed by `call_rcu`. The slot
/// keeps pointing to it, and goes with the inode's own memory.
@frozen public enum SecurityBlob<S: Strategy, Variant: BlobFreeing>: Site {
  public enum Role: UInt8, SiteRole {
    case use, walk, destroy
    public var sentence: String {
      switch self {
      case .use: "Holds a reference, and reads the blob plainly, as every hook does."
      case .walk: "A path walk under RCU, without a reference: reads the blob of an inode that it finds."
      case .destroy: "The inode goes: is found no more, and security_inode_free frees the blob after a grace period."
      }
    }
    @inlinable public var looksOnly: Bool { true }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "security-blob" + Variant.suffix,
      "The control group that always pays: allocated at inode creation, never raced for.",
      source: "security/security.c security_inode_alloc, Linux 6.12.117", slots: ["i_security"], eager: true,
      ownStrategy: "eager", racers: [("use", 2)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { SecurityMaker.size }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }

  /// Not 0 once the inode is found no more.
  @inlinable @inline(__always) static func isGone(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) {
    // An inode whose blob cannot be allocated is not created at all: nobody visits one.
    _ = try? S.populate(inode.slot(at: 0), of: inode, in: memory, SecurityMaker())
  }

  @inlinable @inline(__always)
  public static func isCreated<M: Memory>(_ inode: Inode, in memory: M) -> Bool {
    memory.read(inode.slot(at: 0)) != nil
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .use: memory.report(.success(use(inode, in: memory)))
    case .walk:
      memory.enterReadSection(.rcu)
      if memory.load(isGone(inode), .relaxed) == 0 { use(inode, in: memory) }
      memory.leaveReadSection(.rcu)
      memory.report(.absent)
    case .destroy:
      if memory.exchange(isGone(inode), 1, .full) == 0, let blob = memory.read(inode.slot(at: 0)) {
        Variant.free(blob, in: memory)
      }
      memory.report(.absent)
    }
  }

  @inlinable @inline(__always) @discardableResult
  static func use<M: Memory>(_ inode: Inode, in memory: M) -> Addon? {
    guard let blob = S.look(at: inode.slot(at: 0), of: inode, in: memory) else { return nil }
    memory.window()
    memory.expect(SecurityMaker.sid(blob), holds: SecurityMaker.unlabeled, .initialised)
    return blob
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if memory.load(isGone(inode), .relaxed) != 0 { return }
    if let blob = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(SecurityMaker.sid(blob), holds: SecurityMaker.unlabeled, .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let isGone = memory.exchange(isGone(inode), 0, .relaxed) != 0
    guard let blob = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    if !isGone { memory.free(blob) }
  }
}

/// How the blob goes.
public protocol BlobFreeing {
  static func free<M: Memory>(_ blob: Addon, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// By call_rcu.
public enum BlobAfterGracePeriod: BlobFreeing {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
  @inlinable @inline(__always) public static func free<M: Memory>(_ blob: Addon, in memory: M) {
    memory.freeAfterGracePeriod(blob, .rcu)
  }
}

/// A security blob of 56 bytes, zeroed.
@frozen public struct SecurityMaker: Maker {
  @inlinable @inline(__always) public init() {}

  @inlinable public static var size: Int { 56 }
  /// SECINITSID_UNLABELED.
  @inlinable public static var unlabeled: UInt64 { 3 }
  @inlinable @inline(__always) public static func sid(_ blob: Addon) -> Word64 { blob.word64(at: 8) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ blob: Addon, in memory: M) {
    memory.write(Self.sid(blob), Self.unlabeled)
  }
}
