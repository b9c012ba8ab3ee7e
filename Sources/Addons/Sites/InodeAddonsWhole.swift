import AddonMemory

/// `inode->i_addons` as proposed, whole: marks, storage and mask in one container, from the first reference that needs it
/// to the inode's eviction.
///
/// What used to lie in the inode lies in the container now, and two kinds of readers follow it without a reference to the
/// inode: a walk under RCU that looks at the mask (the inode itself is freed after a grace period of RCU), and whoever has
/// a mark in hand, inside SRCU, and goes from its connector back to what it hangs off. So when may the container go?
///
/// Slot 0 is the container, slot 1 the marks' connector, slot 2 bpf's storage.
@frozen public enum InodeAddonsWhole<S: Strategy, Release: ContainerRelease>: Site {
  public enum Role: UInt8, SiteRole {
    case watch, bpf, walk, show
    public var sentence: String {
      switch self {
      case .watch: "Gets the inode, adds a mark and removes it, puts the inode; the last one to put it evicts it."
      case .bpf: "Gets the inode, makes sure that it has a storage, puts the inode."
      case .walk: "Under RCU, without a reference: looks at the mask."
      case .show: "Inside SRCU, without a reference: goes from a mark's connector back to the mask, as fdinfo does."
      }
    }
    @inlinable public var looksOnly: Bool { self == .walk || self == .show }
    public var detaches: Bool { self == .watch || self == .bpf }
    public var putsInode: Bool { detaches }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "inode-addons-whole" + Release.suffix,
      "The proposed container with all that was to go into it, from an inode's first use to its eviction.",
      source: "the proposal of 2024, never merged", slots: ["i_addons", "marks", "storage"],
      ownStrategy: "full-compare-exchange", racers: [("watch", 1), ("bpf", 1), ("walk", 1)],
      domains: [.rcu, .fsnotifyMarks],
      fault: Release.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 32 }
  @inlinable public static var slotCount: Int { 3 }
  @inlinable public static var biggestAddon: Int { StorageMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 4 }
  @inlinable public static var deferredFreesPerVisit: Int { 3 }
  @inlinable public static var keepsHistory: Bool { true }

  /// What a group keeps of its mark: the connector, while the mark is on it. (Here one for all groups of an inode.)
  @inlinable @inline(__always) static func mark(_ inode: Inode) -> Word64 { inode.word64(at: 24) }

  @inlinable @inline(__always) static func object(_ container: Addon) -> WatchedObject {
    WatchedObject(
      slot: ContainerMaker.marks(container), mask: ContainerMaker.wholeMask(container), address: container.address)
  }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) { memory.initialise(inode.lock) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .watch, .bpf:
      InodeReference(inode).get(in: memory)
      if let container = container(of: inode, in: memory) {
        if role == .watch {
          watch(container, of: inode, in: memory.at(1))
        } else {
          store(in: container, of: inode, in: memory.at(2))
        }
      }
      if InodeReference(inode).put(in: memory) { evict(inode, in: memory) }
    case .walk: walk(inode, in: memory)
    case .show: show(inode, in: memory.at(1))
    }
  }

  @inlinable @inline(__always)
  static func container<M: Memory>(of inode: Inode, in memory: M) -> Addon? {
    let start = memory.began()
    do {
      let made = try S.populate(inode.slot(at: 0), of: inode, in: memory, ContainerMaker(mask: 0))
      guard let container = made.addon ?? S.look(at: inode.slot(at: 0), of: inode, in: memory) else { return nil }
      if case .won = made {
        memory.ended(start, .attached(container))
      } else {
        memory.ended(start, .found(container))
      }
      memory.report(.success(container))
      return container
    } catch {
      memory.report(.failure)
      return nil
    }
  }

  @inlinable @inline(__always)
  static func watch<M: Memory>(_ container: Addon, of inode: Inode, in memory: M) {
    let object = object(container)
    let bit = Marks.mark(of: memory.racer)
    guard let connector = Connector<S, MarksAsInLinux>.add(bit, to: object, of: inode, in: memory) else {
      memory.report(.failure)
      return
    }
    memory.report(.success(connector))
    memory.store(mark(inode), UInt64(connector.address), .releasing)
    memory.window()
    memory.store(mark(inode), 0, .relaxed)
    _ = Connector<S, MarksAsInLinux>.remove(bit, from: object, of: inode, in: memory)
  }

  @inlinable @inline(__always)
  static func store<M: Memory>(in container: Addon, of inode: Inode, in memory: M) {
    let start = memory.began()
    do {
      let slot = ContainerMaker.storage(container)
      let made = try S.populate(slot, of: inode, in: memory, StorageMaker(owner: inode))
      guard let storage = made.addon ?? S.look(at: slot, of: inode, in: memory) else { return }
      if case .won = made {
        memory.ended(start, .attached(storage))
      } else {
        memory.ended(start, .found(storage))
      }
      memory.expect(StorageMaker.owner(storage), holds: UInt64(inode.address), .initialised)
      memory.report(.success(storage))
    } catch {
      memory.report(.failure)
    }
  }

  /// evict, and destroy_inode: the connector, the storage, the container, in this order.
  @inlinable @inline(__always)
  static func evict<M: Memory>(_ inode: Inode, in memory: M) {
    if let container = memory.load(inode.slot(at: 0), .relaxed) {
      if let connector = memory.at(1).load(ContainerMaker.marks(container), .relaxed) {
        Connector<S, MarksAsInLinux>.detach(connector, from: object(container), in: memory.at(1))
        memory.freeAfterGracePeriod(connector, .fsnotifyMarks)
      }
      if let storage = memory.at(2).load(ContainerMaker.storage(container), .relaxed) {
        let start = memory.began()
        memory.at(2).store(ContainerMaker.storage(container), nil, .relaxed)
        memory.at(2).ended(start, .detached(storage))
        memory.freeAfterGracePeriod(storage, .rcu)
      }
      let start = memory.began()
      memory.store(inode.slot(at: 0), nil, .relaxed)
      memory.ended(start, .detached(container))
      Release.free(container, in: memory)
    }
    InodeReference(inode).evicted(in: memory)
  }

  @inlinable @inline(__always)
  static func walk<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    let start = memory.began()
    if let container = S.look(at: inode.slot(at: 0), of: inode, in: memory) {
      memory.ended(start, .found(container))
      memory.window()
      look(atMaskOf: container, in: memory)
      memory.leaveReadSection(.rcu)
      memory.report(.success(container))
    } else {
      memory.ended(start, .absent)
      memory.leaveReadSection(.rcu)
      memory.report(.absent)
    }
  }

  @inlinable @inline(__always)
  static func show<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.fsnotifyMarks)
    if let connector = Addon(bits: memory.load(mark(inode), .acquiring)) {
      if let container = Addon(bits: memory.load(ConnectorMaker.object(connector), .relaxed)) {
        memory.window()
        look(atMaskOf: container, in: memory)
      }
      memory.leaveReadSection(.fsnotifyMarks)
      memory.report(.success(nil))
    } else {
      memory.leaveReadSection(.fsnotifyMarks)
      memory.report(.absent)
    }
  }

  @inlinable @inline(__always)
  static func look<M: Memory>(atMaskOf container: Addon, in memory: M) {
    let word = ContainerMaker.wholeMask(container)
    let mask = memory.load(word, .relaxed)
    if mask & ~Marks.everyEvent != 0 { memory.violated(.initialised, seen: mask, expected: 0, at: word.address) }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    InodeReference(inode).expectNone(in: memory)
    memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(mark(inode), 0, .relaxed)
    InodeReference(inode).initialise(in: memory)
    guard let container = memory.load(inode.slot(at: 0), .relaxed) else { return }
    if let connector = memory.load(ContainerMaker.marks(container), .relaxed) { memory.free(connector) }
    if let storage = memory.load(ContainerMaker.storage(container), .relaxed) { memory.free(storage) }
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.free(container)
  }
}

/// How the container goes when its inode does.
public protocol ContainerRelease {
  static func free<M: Memory>(_ container: Addon, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// Once nobody can be reading it any more, under RCU or inside SRCU.
public enum AfterEveryGracePeriod: ContainerRelease {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
  @inlinable @inline(__always)
  public static func free<M: Memory>(_ container: Addon, in memory: M) {
    memory.freeAfterGracePeriod(container, .everyDomain)
  }
}

extension ContainerMaker {
  /// The mask, as wide as the marks' word.
  @inlinable @inline(__always) public static func wholeMask(_ container: Addon) -> Word64 { container.word64(at: 16) }
}
