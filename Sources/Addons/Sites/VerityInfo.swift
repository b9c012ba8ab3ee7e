import AddonMemory

/// `inode->i_verity_info`: the hash tree's parameters and the file digest, read from disk at the first open.
///
/// Zeroed slab object, published with release. The loser frees its own and re-reads with acquire, because a failed
/// compare-exchange orders nothing. Freed at eviction, which clears the slot.
@frozen public enum VerityInfo<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case open, verify, enable, openEnabled
    public var sentence: String {
      switch self {
      case .open:
        "fsverity_file_open, of a file that has verity: makes sure that there is an info, and checks its digest."
      case .verify:
        "fsverity_active, then verify_data_blocks: acquires, then reads the slot again, and uses the info."
      case .enable: "enable_verity: sets S_VERITY, then publishes the info."
      case .openEnabled: "fsverity_file_open, of a file that gets verity meanwhile: if it sees S_VERITY, as open."
      }
    }
    @inlinable public var looksOnly: Bool { self == .verify }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "verity-info", "A file's hash tree parameters, set up by the first open.",
      source: "fs/verity/open.c, Linux 6.12", slots: ["i_verity_info"],
      ownStrategy: "release-compare-exchange-rereading", racers: [("open", 2)],
      versions: LinuxVersions("6.12", "6.12", of: "verity-info"))
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { VerityMaker.size }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .open: setUp(inode, in: memory)
    case .verify:
      // Linux's second read is plain. Marked here: sanitizers take a loser's failed compare-exchange for a write.
      guard S.look(at: slot, of: inode, in: memory) != nil, let info = memory.load(slot, .relaxed) else {
        memory.report(.absent)
        return
      }
      use(info, of: inode, in: memory)
      memory.report(.success(info))
    case .enable:
      memory.store(flags(inode), 1, .relaxed)  // S_VERITY, before the info is published
      setUp(inode, in: memory)
    case .openEnabled:
      // IS_VERITY
      if memory.load(flags(inode), .relaxed) == 0 { memory.report(.absent) } else { setUp(inode, in: memory) }
    }
  }

  /// i_flags, of which S_VERITY matters here.
  @inlinable @inline(__always) static func flags(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  /// ensure_verity_info, and what follows fsverity_set_info.
  @inlinable @inline(__always)
  static func setUp<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    do {
      let populated = try S.populate(slot, of: inode, in: memory, VerityMaker(inode: inode))
      let info = populated.addon ?? S.look(at: slot, of: inode, in: memory)
      if let info { use(info, of: inode, in: memory) }
      memory.report(.success(info))
    } catch {
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func use<M: Memory>(_ info: Addon, of inode: Inode, in memory: M) {
    memory.expect(VerityMaker.inode(info), holds: UInt64(inode.address), .initialised)
    memory.expect(VerityMaker.treeBlocks(info), holds: VerityMaker.someTreeBlocks, .initialised)
    memory.expect(VerityMaker.lastDigestWord(info), holds: VerityMaker.someDigest, .initialised)
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      use(info, of: inode, in: memory)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let info = memory.load(slot, .relaxed) else { return }
    S.empty(slot, of: inode, in: memory)
    memory.free(info)  // fsverity_cleanup_inode
  }
}

/// struct fsverity_info: 264 bytes, zeroed.
@frozen public struct VerityMaker: Maker {
  public let inode: Inode
  @inlinable @inline(__always) public init(inode: Inode) { self.inode = inode }

  @inlinable public static var size: Int { 264 }
  @inlinable public static var someTreeBlocks: UInt64 { 33 }
  @inlinable public static var someDigest: UInt64 { 0xd16e57 }
  @inlinable @inline(__always) public static func treeBlocks(_ info: Addon) -> Word64 { info.word64(at: 0) }
  @inlinable @inline(__always) public static func inode(_ info: Addon) -> Word64 { info.word64(at: 192) }
  @inlinable @inline(__always) public static func lastDigestWord(_ info: Addon) -> Word64 { info.word64(at: 256) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ info: Addon, in memory: M) {
    memory.write(Self.treeBlocks(info), Self.someTreeBlocks)
    memory.write(Self.inode(info), UInt64(inode.address))
    memory.write(Self.lastDigestWord(info), Self.someDigest)
  }
}
