import AddonMemory

/// `sb->s_fsnotify_info`: how many objects of a superblock are watched, allocated with the first watch.
///
/// A loser frees its own and returns 0; the caller counts its object in whatever is there, and counts it down when the
/// object is watched no more. Unmount waits until the count is 0, and frees nothing: events of FS_ERROR still read the info
/// during shutdown, so it is freed with the superblock's own memory.
@frozen public enum SuperblockInfo<S: Strategy, Variant: SuperblockInfoVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case watch, hook, unmount
    public var sentence: String {
      switch self {
      case .watch: "fsnotify_attach_info_to_sb; counts an object as watched, and down again."
      case .hook: "fsnotify_sb_has_watchers, or an event of FS_ERROR during shutdown: looks, and reads the count."
      case .unmount: "fsnotify_sb_delete: ends watching, if nothing is watched."
      }
    }
    @inlinable public var looksOnly: Bool { self != .watch }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "superblock-info" + Variant.suffix, "A superblock's counts of watched objects, allocated with the first watch.",
      source: "fs/notify/mark.c fsnotify_attach_info_to_sb, Linux 6.12.117", slots: ["s_fsnotify_info"],
      ownStrategy: "full-compare-exchange", racers: [("watch", 2)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { SuperblockInfoMaker.size }
  @inlinable public static var keepsHistory: Bool { Variant.freesWhenUnmounted }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .watch:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, SuperblockInfoMaker(superblock: inode))
        Variant.start(populated, in: memory)
        if let info = populated.addon ?? S.look(at: slot, of: inode, in: memory) {
          memory.fetchAdd(SuperblockInfoMaker.watched(info), 1, .relaxed)  // atomic_long_inc
          memory.report(.success(info))
          memory.window()
          memory.fetchAdd(SuperblockInfoMaker.watched(info), 0 &- 1, .full)  // atomic_long_dec_and_test
        }
      } catch {
        memory.report(.failure)
      }
    case .hook:
      guard let info = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.window()
      _ = memory.load(SuperblockInfoMaker.watched(info), .relaxed)  // atomic_long_read
      memory.expect(SuperblockInfoMaker.superblock(info), holds: UInt64(inode.address), .initialised)
      memory.report(.success(info))
    case .unmount: unmount(inode, in: memory)
    }
  }

  @inlinable @inline(__always)
  static func unmount<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let info = S.look(at: slot, of: inode, in: memory),
      memory.load(SuperblockInfoMaker.watched(info), .acquiring) == 0  // wait_var_event, until the count is 0
    else {
      memory.report(.absent)
      return
    }
    memory.report(.success(info))
    if Variant.freesWhenUnmounted {
      let start = memory.began()
      memory.store(slot, nil, .relaxed)
      memory.ended(start, .detached(info))
      memory.free(info)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(SuperblockInfoMaker.superblock(info), holds: UInt64(inode.address), .initialised)
      memory.expect(SuperblockInfoMaker.watched(info), holds: 0, .balanced)
    }
  }

  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {
    guard let info = memory.load(inode.slot(at: 0), .acquiring) else { return }
    memory.expect(SuperblockInfoMaker.watched(info), holds: 0, .balanced)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    FileOwner<S>.tearDown(inode, in: memory)
  }
}

/// When the count of watched objects begins, and when the info goes.
public protocol SuperblockInfoVariant {
  static func start<M: Memory>(_ populated: Populated, in memory: M)
  static var freesWhenUnmounted: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension SuperblockInfoVariant {
  @inlinable @inline(__always) public static func start<M: Memory>(_ populated: Populated, in memory: M) {}
  @inlinable public static var freesWhenUnmounted: Bool { false }
}

/// The count begins with the zeroed allocation, so that there is nothing to do after publication; and the info is freed
/// with the superblock.
public enum CountsFromAllocation: SuperblockInfoVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
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
