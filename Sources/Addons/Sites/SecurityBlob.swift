import AddonMemory

/// `inode->i_security`: the control group. Every inode gets its blob at creation, whether anyone needs it or not.
@frozen public enum SecurityBlob<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case use
    public var sentence: String { "Reads the blob plainly, as every hook does." }
    @inlinable public var looksOnly: Bool { true }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "security-blob", "The control group that always pays: allocated at inode creation, never raced for.",
      source: "security/security.c security_inode_alloc, Linux 6.12", slots: ["i_security"], eager: true,
      ownStrategy: "eager", racers: [("use", 2)])
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { SecurityMaker.size }

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
    guard let blob = S.look(at: inode.slot(at: 0), of: inode, in: memory) else {
      memory.report(.success(nil))
      return
    }
    memory.expect(SecurityMaker.sid(blob), holds: SecurityMaker.unlabeled, .initialised)
    memory.report(.success(blob))
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let blob = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(SecurityMaker.sid(blob), holds: SecurityMaker.unlabeled, .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    FileOwner<S>.tearDown(inode, in: memory)
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
