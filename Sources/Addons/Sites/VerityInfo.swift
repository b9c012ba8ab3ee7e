import AddonMemory

/// `inode->i_verity_info`: the hash tree's parameters and the file digest, read from disk at the first open.
///
/// Zeroed slab object, published with release. The loser frees its own and re-reads with acquire, because a failed
/// compare-exchange orders nothing. Freed at eviction, which clears the slot.
@frozen public enum VerityInfo<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case open, verify
    public var sentence: String {
      switch self {
      case .open: "fsverity_file_open: makes sure that there is an info, and checks its digest."
      case .verify: "fsverity_verify_page: looks, and uses the tree's parameters."
      }
    }
    @inlinable public var looksOnly: Bool { self == .verify }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "verity-info", "A file's hash tree parameters, set up by the first open.",
      source: "fs/verity/open.c, Linux 6.12", slots: ["i_verity_info"],
      ownStrategy: "release-compare-exchange-rereading", racers: [("open", 2)])
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { VerityMaker.size }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .open:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, VerityMaker(inode: inode))
        let info = populated.addon ?? S.look(at: slot, of: inode, in: memory)
        if let info { use(info, of: inode, in: memory) }
        memory.report(.success(info))
      } catch {
        memory.report(.failure)
      }
    case .verify:
      guard let info = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      use(info, of: inode, in: memory)
      memory.report(.success(info))
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
    memory.free(info)
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
