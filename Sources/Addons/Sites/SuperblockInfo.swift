import AddonMemory

/// `sb->s_fsnotify_info`: how many objects of a superblock are watched, allocated with the first watch.
///
/// A loser frees its own and returns 0; the caller counts its object in whatever is there. Freed with the superblock,
/// when the count has to match what was counted.
@frozen public enum SuperblockInfo<S: Strategy, Counting: CountStart>: Site {
  public enum Role: UInt8, SiteRole {
    case watch, hook
    public var sentence: String {
      switch self {
      case .watch: "fsnotify_attach_info_to_sb, then counts the object as watched."
      case .hook: "fsnotify_sb_has_watchers: looks, and reads the count."
      }
    }
    @inlinable public var looksOnly: Bool { self == .hook }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "superblock-info" + Counting.suffix, "A superblock's counts of watched objects, allocated with the first watch.",
      source: "fs/notify/mark.c fsnotify_attach_info_to_sb, Linux 6.12", slots: ["s_fsnotify_info"],
      ownStrategy: "full-compare-exchange", racers: [("watch", 2)], fault: Counting.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { SuperblockInfoMaker.size }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .watch:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, SuperblockInfoMaker(superblock: inode))
        Counting.start(populated, in: memory)
        let info = populated.addon ?? S.look(at: slot, of: inode, in: memory)
        if let info { memory.fetchAdd(SuperblockInfoMaker.watched(info), 1, .relaxed) }
        memory.report(.success(info))
      } catch {
        memory.report(.failure)
      }
    case .hook:
      guard let info = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      _ = memory.load(SuperblockInfoMaker.watched(info), .relaxed)
      memory.expect(SuperblockInfoMaker.superblock(info), holds: UInt64(inode.address), .initialised)
      memory.report(.success(info))
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(SuperblockInfoMaker.superblock(info), holds: UInt64(inode.address), .initialised)
      let watched = memory.successes(ofRole: Int(Role.watch.rawValue))
      memory.expect(SuperblockInfoMaker.watched(info), holds: UInt64(watched), .balanced)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    FileOwner<S>.tearDown(inode, in: memory)
  }
}

/// When the count of watched objects begins.
public protocol CountStart {
  static func start<M: Memory>(_ populated: Populated, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// With the zeroed allocation: there is nothing to do after publication.
public enum CountsFromAllocation: CountStart {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
  @inlinable @inline(__always) public static func start<M: Memory>(_ populated: Populated, in memory: M) {}
}

/// struct fsnotify_sb_info: 32 bytes, zeroed.
@frozen public struct SuperblockInfoMaker: Maker {
  public let superblock: Inode
  @inlinable @inline(__always) public init(superblock: Inode) { self.superblock = superblock }

  @inlinable public static var size: Int { 32 }
  @inlinable @inline(__always) public static func superblock(_ info: Addon) -> Word64 { info.word64(at: 0) }
  @inlinable @inline(__always) public static func watched(_ info: Addon) -> Word64 { info.word64(at: 8) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ info: Addon, in memory: M) {
    memory.write(Self.superblock(info), UInt64(superblock.address))
  }
}
