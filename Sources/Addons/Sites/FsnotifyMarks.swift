import AddonMemory

/// `inode->i_fsnotify_marks`: the connector that an inode's watches hang off, and the mask that caches what they watch.
///
/// The first watch attaches a connector; whoever loses frees its own and starts over, since by then the slot may be NULL
/// again: the last watch to go detaches the connector under its lock (mask 0, slot NULL, no object), and it is freed after
/// a grace period, because hooks follow the slot holding nothing but a read-side section. A hook looks at the mask first,
/// without a lock.
///
/// Watches are bits of one word: a racer's mark is its number's. The mask is what the marks want to hear of, OR-ed.
@frozen public enum FsnotifyMarks<S: Strategy, Variant: MarksVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case add, addAndRemove, hook, destroy, destroyGroup
    public var sentence: String {
      switch self {
      case .add: "fsnotify_add_mark: attaches a connector if there is none, and adds its mark."
      case .addAndRemove: "Adds its mark and removes it again; the last one to go detaches the connector."
      case .hook: "An event: looks at the mask without a lock and, if somebody watches, follows the slot."
      case .destroy: "fsnotify_destroy_marks: removes all marks there are, as when the inode goes."
      case .destroyGroup: "A group goes: adds its mark, removes it, and waits until no hook can see what it frees."
      }
    }
    @inlinable public var looksOnly: Bool { self == .hook || self == .destroy }
    public var detaches: Bool { self == .addAndRemove || self == .destroy || self == .destroyGroup }
    public var waitsFor: GracePeriod? { self == .destroyGroup ? .fsnotifyMarks : nil }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "fsnotify-marks" + Variant.suffix,
      "What watches an inode: a connector that comes with the first mark, and goes with the last.",
      source: "fs/notify/mark.c, Linux 6.12", slots: ["i_fsnotify_marks"], ownStrategy: "full-compare-exchange",
      racers: [("add-and-remove", 2), ("hook", 1)], domains: [.rcu, .fsnotifyMarks],
      fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { ConnectorMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 4 }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }
  @inlinable public static var keepsHistory: Bool { true }

  /// i_fsnotify_mask.
  @inlinable @inline(__always) static func mask(_ inode: Inode) -> Word64 { inode.word64(at: 8) }
  @inlinable @inline(__always) static func object(_ inode: Inode) -> WatchedObject {
    WatchedObject(slot: inode.slot(at: 0), mask: mask(inode), address: inode.address)
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let object = object(inode)
    let mark = Marks.mark(of: memory.racer)
    switch role {
    case .add, .addAndRemove, .destroyGroup:
      guard let connector = Connector<S, Variant>.add(mark, to: object, of: inode, in: memory) else {
        memory.report(.failure)
        return
      }
      memory.report(.success(connector))
      if role == .addAndRemove { _ = Connector<S, Variant>.remove(mark, from: object, of: inode, in: memory) }
      if role == .destroyGroup { destroyGroup(mark, of: inode, in: memory) }
    case .destroy:
      if let connector = Connector<S, Variant>.remove(Marks.all, from: object, of: inode, in: memory) {
        memory.report(.success(connector))
      } else {
        memory.report(.absent)
      }
    case .hook: hook(inode, in: memory)
    }
  }

  /// fsnotify_destroy_group, of a group with one mark: outside of every section, it would wait for itself there.
  @inlinable @inline(__always)
  static func destroyGroup<M: Memory>(_ mark: UInt64, of inode: Inode, in memory: M) {
    if Variant.waitsInsideSection { memory.enterReadSection(.fsnotifyMarks) }
    _ = Connector<S, Variant>.remove(mark, from: object(inode), of: inode, in: memory, waits: true)
    if Variant.waitsInsideSection { memory.leaveReadSection(.fsnotifyMarks) }
  }

  /// fsnotify: most events find nobody watching, and end with the mask.
  @inlinable @inline(__always)
  static func hook<M: Memory>(_ inode: Inode, in memory: M) {
    if memory.load(mask(inode), .relaxed) == 0 {
      memory.report(.absent)
      return
    }
    memory.enterReadSection(.fsnotifyMarks)
    let start = memory.began()
    guard let connector = S.look(at: inode.slot(at: 0), of: inode, in: memory) else {
      memory.ended(start, .absent)
      memory.leaveReadSection(.fsnotifyMarks)
      memory.report(.absent)
      return
    }
    memory.ended(start, .found(connector))
    if !Variant.usesInsideSection { memory.leaveReadSection(.fsnotifyMarks) }
    memory.window()
    Variant.follow(connector, of: inode, in: memory)
    let marks = memory.load(ConnectorMaker.marks(connector), .relaxed)
    if marks & ~Marks.all != 0 {
      memory.violated(.initialised, seen: marks, expected: 0, at: ConnectorMaker.marks(connector).address)
    }
    if Variant.usesInsideSection, Variant.leavesSection { memory.leaveReadSection(.fsnotifyMarks) }
    memory.report(.success(connector))
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    var marks: UInt64 = 0
    if let connector = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(ConnectorMaker.object(connector), holds: UInt64(inode.address), .initialised)
      marks = memory.load(ConnectorMaker.marks(connector), .relaxed)
    }
    memory.expect(mask(inode), holds: Marks.mask(of: marks), .aggregated)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(mask(inode), 0, .relaxed)
    let start = memory.began()
    guard let connector = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.ended(start, .detached(connector))
    memory.free(connector)
  }
}
