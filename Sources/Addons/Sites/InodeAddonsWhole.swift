import AddonMemory

/// `inode->i_addons` as proposed, whole: marks, storage and mask in one container, from the first reference that needs it
/// to the inode's eviction.
///
/// No hook of fsnotify's comes without a reference to the inode. Two others do:
///
/// - A bpf program on a path walk under RCU. It follows the container to its storage, and makes both where there are none:
///   on an inode that it has found alive, and that may be evicted meanwhile.
/// - A group that destroys an evictable mark, which keeps no reference: it goes by the mark's own connector, and as long
///   as that is attached, on to the mask and the slot in the container.
///
/// So when may the container go, and what has to be off it by then? Slot 0 is the container, slot 1 the marks' connector,
/// slot 2 bpf's storage.
@frozen public enum InodeAddonsWhole<S: Strategy, Variant: WholeVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case watch, bpf, program
    public var sentence: String {
      switch self {
      case .watch: "Gets the inode, adds an evictable mark, puts the inode, and destroys its mark after that."
      case .bpf: "Gets the inode, makes sure that it has a storage, puts the inode; the last one to put it evicts it."
      case .program: "A program under RCU, without a reference: follows the container to its storage, or makes them."
      }
    }
    @inlinable public var looksOnly: Bool { self == .program }
    public var detaches: Bool { self != .program }
    public var putsInode: Bool { self != .program }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "inode-addons-whole" + Variant.suffix,
      "The proposed container with all that was to go into it, from an inode's first use to its eviction.",
      source: "the proposal of 2024, never merged, on fs/notify/mark.c of Linux 6.12",
      slots: ["i_addons", "marks", "storage"], ownStrategy: "full-compare-exchange",
      racers: [("bpf", 1), ("program", 1)], domains: [.rcu, .fsnotifyMarks], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 40 }
  @inlinable public static var slotCount: Int { 3 }
  @inlinable public static var biggestAddon: Int { StorageMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 6 }
  @inlinable public static var deferredFreesPerVisit: Int { 4 }
  @inlinable public static var keepsHistory: Bool { true }

  /// Whether a path walk can find it: from its first reference until its eviction begins.
  @inlinable @inline(__always) static func isAlive(_ inode: Inode) -> Word64 { inode.word64(at: 24) }

  @inlinable @inline(__always) static func object(_ container: Addon, of inode: Inode) -> WatchedObject {
    WatchedObject(
      slot: ContainerMaker.marks(container),
      mask: Variant.keepsMaskInInode ? inode.word64(at: 32) : ContainerMaker.wholeMask(container),
      address: container.address)
  }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) { memory.initialise(inode.lock) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .watch: watch(inode, in: memory)
    case .bpf:
      get(inode, in: memory)
      if let container = container(of: inode, maySleep: true, in: memory) {
        _ = storage(in: container, of: inode, in: memory.at(2))
      }
      put(inode, in: memory)
    case .program: program(inode, in: memory)
    }
  }

  // MARK: The inode's life

  @inlinable @inline(__always)
  static func get<M: Memory>(_ inode: Inode, in memory: M) {
    if InodeReference(inode).beginToGet(in: memory) { memory.store(isAlive(inode), 1, .releasing) }
    InodeReference(inode).gotten(in: memory)
  }

  @inlinable @inline(__always)
  static func put<M: Memory>(_ inode: Inode, in memory: M) {
    if InodeReference(inode).put(in: memory) {
      evict(inode, in: memory)
      InodeReference(inode).evicted(in: memory)
    }
  }

  /// evict, and destroy_inode: marks and connector go first; then storage and container, as the variant frees them.
  @inlinable @inline(__always)
  static func evict<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(isAlive(inode), 0, .relaxed)
    if Variant.destroysMarks, let container = memory.load(inode.slot(at: 0), .acquiring) {
      _ = Connector<S, MarksOrdered>.destroyAll(of: object(container, of: inode), inode, in: memory.at(1))
    }
    if Variant.freeing == .inCallback { memory.synchronize(.rcu) }
    guard let container = memory.load(inode.slot(at: 0), .acquiring) else { return }
    if let storage = memory.at(2).load(ContainerMaker.storage(container), .acquiring) {
      let start = memory.began()
      memory.at(2).store(ContainerMaker.storage(container), nil, .relaxed)
      memory.at(2).ended(start, .detached(storage))
      free(storage, in: memory)
    }
    let start = memory.began()
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.ended(start, .detached(container))
    free(container, in: memory)
  }

  @inlinable @inline(__always)
  static func free<M: Memory>(_ addon: Addon, in memory: M) {
    switch Variant.freeing {
    case .inCallback, .atOnce: memory.free(addon)
    case .afterGracePeriod: memory.freeAfterGracePeriod(addon, .rcu)
    }
  }

  // MARK: What hangs off it

  @inlinable @inline(__always)
  static func container<M: Memory>(of inode: Inode, maySleep: Bool, in memory: M) -> Addon? {
    let start = memory.began()
    do {
      let maker = ContainerMaker(mask: 0, maySleep: maySleep)
      let made = try S.populate(inode.slot(at: 0), of: inode, in: memory, maker)
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
  static func storage<M: Memory>(in container: Addon, of inode: Inode, in memory: M) -> Addon? {
    let start = memory.began()
    do {
      let slot = ContainerMaker.storage(container)
      let made = try S.populate(slot, of: inode, in: memory, StorageMaker(owner: inode))
      guard let storage = made.addon ?? S.look(at: slot, of: inode, in: memory) else { return nil }
      if storage.address & 7 != 0 {  // poison, which leads nowhere
        memory.violated(.initialised, seen: UInt64(storage.address), expected: 0, at: slot.word.address)
        return nil
      }
      if case .won = made {
        memory.ended(start, .attached(storage))
      } else {
        memory.ended(start, .found(storage))
      }
      memory.expect(StorageMaker.owner(storage), holds: UInt64(inode.address), .initialised)
      memory.report(.success(storage))
      return storage
    } catch {
      memory.report(.failure)
      return nil
    }
  }

  /// A mark with FSNOTIFY_MARK_FLAG_NO_IREF.
  @inlinable @inline(__always)
  static func watch<M: Memory>(_ inode: Inode, in memory: M) {
    get(inode, in: memory)
    guard let container = container(of: inode, maySleep: true, in: memory) else { return put(inode, in: memory) }
    let marks = memory.at(1)
    let object = object(container, of: inode)
    let mark: Mark
    do {
      mark = Mark(try MarkMaker(of: memory.racer).make(in: marks))
    } catch {
      marks.report(.failure)
      return put(inode, in: memory)
    }
    guard case .added(let connector) = Connector<S, MarksOrdered>.add(mark, to: object, of: inode, in: marks) else {
      marks.report(.failure)
      marks.free(mark.addon)
      return put(inode, in: memory)
    }
    marks.report(.success(connector))
    put(inode, in: memory)
    memory.window()
    Connector<S, MarksOrdered>.destroy(mark, on: object, in: marks)
    Connector<S, MarksOrdered>.put(mark, on: object, in: marks)
  }

  /// inode_permission under RCU, with a program on it: it has found the inode alive.
  @inlinable @inline(__always)
  static func program<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(.rcu)
    if memory.load(isAlive(inode), .acquiring) == 0 {
      memory.leaveReadSection(.rcu)
      memory.report(.absent)
      return
    }
    memory.window()
    if Variant.checksBeforeFilling, memory.load(isAlive(inode), .relaxed) == 0 {
      memory.leaveReadSection(.rcu)
      memory.report(.absent)
      return
    }
    if let container = container(of: inode, maySleep: false, in: memory) {
      memory.window()
      _ = storage(in: container, of: inode, in: memory.at(2))
    }
    memory.leaveReadSection(.rcu)
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    InodeReference(inode).expectNone(in: memory)
    guard let container = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    memory.slotShows(memory.load(ContainerMaker.marks(container), .relaxed), slot: 1)
    memory.slotShows(memory.load(ContainerMaker.storage(container), .relaxed), slot: 2)
    // Nobody will ever take it off an inode that has been evicted.
    memory.violated(.released, seen: UInt64(container.address), expected: 0, at: inode.slot(at: 0).word.address)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(isAlive(inode), 0, .relaxed)
    InodeReference(inode).initialise(in: memory)
    guard let container = memory.load(inode.slot(at: 0), .relaxed) else { return }
    Connector<S, MarksOrdered>.tearDown(object(container, of: inode), in: memory.at(1))
    if let storage = memory.load(ContainerMaker.storage(container), .relaxed) { memory.free(storage) }
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.free(container)
  }
}

/// How storage and container are freed with their inode.
public enum ContainerFreeing {
  /// After a grace period of RCU, whatever hangs there by then: the inode's own RCU callback does it.
  case inCallback
  /// They are taken off at once, and freed after a grace period of RCU.
  case afterGracePeriod
  case atOnce
}

/// How the container goes when its inode does, and where the mask is.
public protocol WholeVariant {
  static var freeing: ContainerFreeing { get }
  /// Eviction destroys the marks, so that no connector is attached any more when the container goes.
  static var destroysMarks: Bool { get }
  /// A program looks once more whether the inode is alive, before it fills anything.
  static var checksBeforeFilling: Bool { get }
  /// The mask is in the hole after `i_state`, and only the rest in the container.
  static var keepsMaskInInode: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension WholeVariant {
  @inlinable public static var freeing: ContainerFreeing { .inCallback }
  @inlinable public static var destroysMarks: Bool { true }
  @inlinable public static var checksBeforeFilling: Bool { false }
  @inlinable public static var keepsMaskInInode: Bool { false }
}

/// Right: no connector is left attached, and what hangs there is freed by the inode's RCU callback.
public enum FreedInCallback: WholeVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// The same with the mask in the inode.
public enum MaskInInode: WholeVariant {
  @inlinable public static var keepsMaskInInode: Bool { true }
  public static var suffix: String { "-mask-inline" }
  public static var fault: Fault? { nil }
}

extension ContainerMaker {
  /// The mask, as wide as the marks' word.
  @inlinable @inline(__always) public static func wholeMask(_ container: Addon) -> Word64 { container.word64(at: 16) }
}
