import AddonMemory

/// `inode->i_fsnotify_marks`: the connector that an inode's marks hang off, and the mask that caches what they watch.
///
/// The first mark attaches a connector; whoever loses frees its own and starts over, since by then the slot may be NULL
/// again: the last mark to go detaches the connector under its lock, and both are freed after a grace period, because
/// hooks follow the slot holding nothing but a read-side section. A hook looks whether there is a connector, then at the
/// mask, without a lock; then it walks the list, without a lock too.
///
/// Each racer is a group of its own. The inodes of a round are of one superblock, which counts those that are watched.
@frozen public enum FsnotifyMarks<S: Strategy, Variant: MarksVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case add, addAndRemove, hook, destroy, destroyGroup, addAndListen
    public var sentence: String {
      switch self {
      case .add: "fsnotify_add_mark: attaches a connector if there is none, and adds its mark."
      case .addAndRemove: "Adds its mark and destroys it again; the last one to go detaches the connector."
      case .hook: "An event: looks at slot and mask without a lock and, if somebody watches, walks the list."
      case .destroy: "fsnotify_destroy_marks: destroys all marks there are, as when the inode goes."
      case .addAndListen: "Adds its mark, and looks whether an event that it wants would come to it from then on."
      case .destroyGroup: "A group goes: adds its mark, removes it, and waits until no hook can see what it frees."
      }
    }
    @inlinable public var looksOnly: Bool { self == .hook || self == .destroy }
    public var detaches: Bool { self == .addAndRemove || self == .destroy || self == .destroyGroup }
    public var waitsFor: GracePeriod? { self == .destroyGroup || self == .destroy ? .fsnotifyMarks : nil }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "fsnotify-marks" + Variant.suffix, Variant.summary, source: Variant.source, slots: ["i_fsnotify_marks"],
      ownStrategy: "full-compare-exchange", racers: [("add-and-remove", 2)],
      domains: [.rcu, .fsnotifyMarks], versions: Variant.versions, fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var sharedSize: Int { WatchingSuperblock.size }
  @inlinable public static var biggestAddon: Int { MarkMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 5 }
  /// A mark and its connector.
  @inlinable public static var deferredFreesPerVisit: Int { 2 }
  @inlinable public static var keepsHistory: Bool { true }

  /// i_fsnotify_mask.
  @inlinable @inline(__always) static func mask(_ inode: Inode) -> Word64 { inode.word64(at: 8) }
  @inlinable @inline(__always) static func object(_ inode: Inode) -> WatchedObject {
    WatchedObject(
      slot: inode.slot(at: 0), mask: mask(inode), address: inode.address,
      superblock: WatchingSuperblock(at: inode.shared))
  }

  @inlinable @inline(__always)
  public static func createShared<M: Memory>(at shared: UInt, in memory: M) {
    WatchingSuperblock(at: shared).initialise(in: memory)
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let object = object(inode)
    switch role {
    case .add, .addAndRemove, .addAndListen, .destroyGroup: add(to: object, of: inode, as: role, in: memory)
    case .destroy:
      if let connector = Connector<S, Variant>.destroyAll(of: object, inode, in: memory) {
        memory.report(.success(connector))
      } else {
        memory.report(.absent)
      }
    case .hook: hook(inode, in: memory)
    }
  }

  @inlinable @inline(__always)
  static func add<M: Memory>(to object: WatchedObject, of inode: Inode, as role: Role, in memory: M) {
    let mark: Mark
    do {
      mark = Mark(try MarkMaker(of: memory.racer).make(in: memory))
    } catch {
      memory.report(.failure)
      return
    }
    switch Connector<S, Variant>.add(mark, to: object, of: inode, in: memory) {
    case .added(let connector): memory.report(.success(connector))
    case .refused:
      memory.report(.again)
      memory.free(mark.addon)
      return
    case .outOfMemory:
      memory.report(.failure)
      memory.free(mark.addon)
      return
    }
    if role == .destroyGroup { return destroyGroup(of: mark, on: object, in: memory) }
    if role == .addAndListen { listen(for: mark, on: object, in: memory) }
    if role == .addAndRemove { Connector<S, Variant>.destroy(mark, on: object, in: memory) }
    if Variant.putsOwnReference { Connector<S, Variant>.put(mark, on: object, in: memory) }
  }

  /// The mask has what the mark wants, as long as nobody removes it: inotify_add_watch has returned.
  @inlinable @inline(__always)
  static func listen<M: Memory>(for mark: Mark, on object: WatchedObject, in memory: M) {
    memory.window()
    let events = memory.read(mark.events)
    let heard = memory.load(object.mask, .relaxed) & events
    if heard != events { memory.violated(.aggregated, seen: heard, expected: events, at: object.mask.address) }
  }

  /// fsnotify_destroy_group, of a group with one mark: outside of every section, it would wait for itself there.
  @inlinable @inline(__always)
  static func destroyGroup<M: Memory>(of mark: Mark, on object: WatchedObject, in memory: M) {
    if Variant.waitsInsideSection { memory.enterReadSection(.fsnotifyMarks) }
    Connector<S, Variant>.destroy(mark, on: object, in: memory)
    Connector<S, Variant>.put(mark, on: object, in: memory, waits: true)
    if Variant.waitsInsideSection { memory.leaveReadSection(.fsnotifyMarks) }
  }

  /// fsnotify(): most events find nobody watching, and end with the slot or the mask.
  @inlinable @inline(__always)
  static func hook<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    let isWatched =
      (Variant.testsSlotPlainly ? memory.read(slot) : memory.load(slot, .relaxed)) != nil
      && memory.load(mask(inode), .relaxed) != 0
    if !isWatched {
      memory.report(.absent)
      return
    }
    memory.enterReadSection(.fsnotifyMarks)
    let start = memory.began()
    guard let connector = S.look(at: slot, of: inode, in: memory) else {
      memory.ended(start, .absent)
      memory.leaveReadSection(.fsnotifyMarks)
      memory.report(.absent)
      return
    }
    memory.ended(start, .found(connector))
    if !Variant.usesInsideSection { memory.leaveReadSection(.fsnotifyMarks) }
    memory.window()
    Variant.follow(connector, of: inode, in: memory)
    walk(connector, in: memory)
    if Variant.usesInsideSection, Variant.leavesSection { memory.leaveReadSection(.fsnotifyMarks) }
    memory.report(.success(connector))
  }

  /// fsnotify_first_mark and fsnotify_next_mark: what the marks want. (Linux follows the list by dependencies; acquiring
  /// is right in every model.)
  @inlinable @inline(__always)
  static func walk<M: Memory>(_ connector: Addon, in memory: M) {
    var next = Mark.following(ConnectorMaker.first(connector), .acquiring, in: memory)
    while let mark = next {
      let events = memory.read(mark.events)
      if events & ~Marks.everyEvent != 0 || events == 0 {
        memory.violated(.initialised, seen: events, expected: Marks.everyEvent, at: mark.events.address)
        return
      }
      next = Mark.following(mark.next, .acquiring, in: memory)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    let connector = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
    Connector<S, Variant>.inspect(connector, of: object(inode), in: memory)
  }

  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {
    let superblock = WatchingSuperblock(at: shared)
    let watched = UInt64(memory.populations(ofSlot: 0))
    memory.expect(superblock.watched, holds: watched, .balanced)
    if watched == 0 { superblock.connectors.expectEmpty(.released, in: memory) }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    Connector<S, Variant>.tearDown(object(inode), in: memory)
  }
}
