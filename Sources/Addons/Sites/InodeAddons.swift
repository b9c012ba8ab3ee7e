import AddonMemory

/// `inode->i_addons` as proposed in 2024: one pointer to a container of 24 bytes, made by whichever subsystem comes
/// first; each subsystem then fills its own field by its own compare-exchange.
///
/// Slot 0 is the container, slot 1 fsnotify's marks, slot 2 bpf's storage. Racers come through both doors. bpf charges
/// its map first and gives the charge back when it loses. Freed with the inode: marks and storage, then the container.
@frozen public enum InodeAddons<S: Strategy, Variant: InodeAddonsVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case fsnotify, bpf, hook
    public var sentence: String {
      switch self {
      case .fsnotify: "Makes sure that there is a container, fills its marks, and sets its bit in the mask."
      case .bpf: "Makes sure that there is a container, charges the map and fills its storage."
      case .hook: "Looks, and reads the mask through the pointer: the load that was argued about."
      }
    }
    @inlinable public var looksOnly: Bool { self == .hook }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "inode-addons" + Variant.suffix, "The container proposed in 2024: one pointer, and a door for each subsystem.",
      source: "the proposal of 2024, never merged", slots: ["i_addons", "marks", "storage"],
      ownStrategy: "full-compare-exchange", racers: [("fsnotify", 2), ("bpf", 2)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var sharedSize: Int { 8 }
  @inlinable public static var slotCount: Int { 3 }
  @inlinable public static var biggestAddon: Int { StorageMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .fsnotify:
      do {
        let made = try S.populate(slot, of: inode, in: memory, ContainerMaker(mask: 0))
        let container = made.addon ?? S.look(at: slot, of: inode, in: memory)
        memory.report(.success(container))
        if let container { fillMarks(of: container, of: inode, in: memory.at(1)) }
      } catch {
        memory.report(.failure)
      }
    case .bpf:
      do {
        let made = try S.populate(slot, of: inode, in: memory, ContainerMaker(mask: 0))
        let container = made.addon ?? S.look(at: slot, of: inode, in: memory)
        memory.report(.success(container))
        if let container { fillStorage(of: container, of: inode, in: memory.at(2)) }
      } catch {
        memory.report(.failure)
      }
    case .hook:
      let found = Variant.acquiresContainer ? S.look(at: slot, of: inode, in: memory) : memory.load(slot, .relaxed)
      guard let container = found else {
        memory.report(.absent)
        return
      }
      if memory.load(ContainerMaker.mask(container), .relaxed) & ~ContainerMaker.everyEvent != 0 {
        memory.violated(.initialised, seen: 1, expected: 0, at: container.address)
      }
      memory.report(.success(container))
    }
  }

  /// fsnotify's door.
  @inlinable @inline(__always)
  static func fillMarks<M: Memory>(of container: Addon, of inode: Inode, in memory: M) {
    let slot = ContainerMaker.marks(container)
    do {
      let made = try S.populate(slot, of: inode, in: memory, MarksMaker(container: container))
      if Variant.marksAreStorage, case .won(let marks) = made {
        _ = memory.compareExchange(
          ContainerMaker.storage(container), nil, marks, .acquiringAndReleasing, failure: .relaxed)
      }
      if let marks = made.addon ?? S.look(at: slot, of: inode, in: memory) {
        memory.expect(MarksMaker.container(marks), holds: UInt64(container.address), .initialised)
        memory.lock(MarksMaker.lock(marks))
        let mask = memory.load(ContainerMaker.mask(container), .relaxed)
        memory.store(ContainerMaker.mask(container), mask | ContainerMaker.someEvent, .relaxed)
        memory.unlock(MarksMaker.lock(marks))
        memory.report(.success(marks))
      } else {
        memory.report(.success(nil))
      }
    } catch {
      memory.report(.failure)
    }
  }

  /// bpf's door: the map is charged before the allocation.
  @inlinable @inline(__always)
  static func fillStorage<M: Memory>(of container: Addon, of inode: Inode, in memory: M) {
    let slot = ContainerMaker.storage(container)
    let charge = Word64(inode.shared)
    if let storage = S.look(at: slot, of: inode, in: memory) {
      check(storage, of: inode, in: memory)
      memory.report(.success(storage))
      return
    }
    memory.fetchAdd(charge, UInt64(StorageMaker.size), .relaxed)
    do {
      let made = try S.populate(slot, of: inode, in: memory, StorageMaker(owner: inode))
      if case .won = made {
      } else if Variant.unchargesOnLoss {
        memory.fetchAdd(charge, 0 &- UInt64(StorageMaker.size), .relaxed)
      }
      memory.report(.success(made.addon))
    } catch {
      memory.fetchAdd(charge, 0 &- UInt64(StorageMaker.size), .relaxed)
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let container = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    if let marks = memory.slotShows(memory.load(ContainerMaker.marks(container), .relaxed), slot: 1) {
      memory.expect(MarksMaker.container(marks), holds: UInt64(container.address), .initialised)
    }
    if let storage = memory.slotShows(memory.load(ContainerMaker.storage(container), .relaxed), slot: 2) {
      check(storage, of: inode, in: memory)
    }
  }

  /// A storage is its owner's. (Marks in its place have no such field.)
  @inlinable @inline(__always)
  static func check<M: Memory>(_ storage: Addon, of inode: Inode, in memory: M) {
    if Variant.marksAreStorage { return }
    memory.expect(StorageMaker.owner(storage), holds: UInt64(inode.address), .initialised)
  }

  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {
    let charged = UInt64(memory.populations(ofSlot: 2)) &* UInt64(StorageMaker.size)
    memory.expect(Word64(shared), holds: charged, .balanced)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let container = memory.load(slot, .relaxed) else { return }
    if Variant.freesContainerFirst { memory.free(container) }
    if let marks = memory.load(ContainerMaker.marks(container), .relaxed) {
      S.empty(ContainerMaker.marks(container), of: inode, in: memory.at(1))
      memory.free(marks)
    }
    if Variant.freesStorage, let storage = memory.load(ContainerMaker.storage(container), .relaxed) {
      memory.fetchAdd(Word64(inode.shared), 0 &- UInt64(StorageMaker.size), .relaxed)
      S.empty(ContainerMaker.storage(container), of: inode, in: memory.at(2))
      memory.free(storage)
    }
    S.empty(slot, of: inode, in: memory)
    if !Variant.freesContainerFirst { memory.free(container) }
  }
}

/// Where a faulty inode-addons departs from the right one.
public protocol InodeAddonsVariant {
  static var unchargesOnLoss: Bool { get }
  static var freesStorage: Bool { get }
  static var freesContainerFirst: Bool { get }
  /// A hook acquires the container, and not only what hangs off it.
  static var acquiresContainer: Bool { get }
  /// What fsnotify has made serves bpf too.
  static var marksAreStorage: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension InodeAddonsVariant {
  @inlinable public static var unchargesOnLoss: Bool { true }
  @inlinable public static var freesStorage: Bool { true }
  @inlinable public static var freesContainerFirst: Bool { false }
  @inlinable public static var acquiresContainer: Bool { true }
  @inlinable public static var marksAreStorage: Bool { false }
}

public enum AsProposed: InodeAddonsVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// struct inode_addons: 24 bytes, zeroed.
@frozen public struct ContainerMaker: Maker {
  public let initialMask: UInt32
  public let maySleep: Bool
  @inlinable @inline(__always) public init(mask: UInt32, maySleep: Bool = true) {
    initialMask = mask
    self.maySleep = maySleep
  }

  @inlinable public static var size: Int { 24 }
  @inlinable public static var someEvent: UInt32 { 0x20 }
  @inlinable public static var everyEvent: UInt32 { someEvent }
  @inlinable @inline(__always) public static func marks(_ container: Addon) -> Slot { container.slot(at: 0) }
  @inlinable @inline(__always) public static func storage(_ container: Addon) -> Slot { container.slot(at: 8) }
  @inlinable @inline(__always) public static func mask(_ container: Addon) -> Word32 { container.word32(at: 16) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true, maySleep: maySleep) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ container: Addon, in memory: M) {
    if initialMask != 0 { memory.store(Self.mask(container), initialMask, .relaxed) }
  }
}

/// struct fsnotify_mark_connector: 24 bytes of a slab that is not zeroed. Its back pointer points into the container.
@frozen public struct MarksMaker: Maker {
  public let container: Addon
  @inlinable @inline(__always) public init(container: Addon) { self.container = container }

  @inlinable public static var size: Int { 24 }
  @inlinable @inline(__always) public static func lock(_ marks: Addon) -> Lock { marks.lock(at: 0) }
  @inlinable @inline(__always) public static func container(_ marks: Addon) -> Word64 { marks.word64(at: 8) }
  @inlinable @inline(__always) public static func firstMark(_ marks: Addon) -> Word64 { marks.word64(at: 16) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ marks: Addon, in memory: M) {
    memory.initialise(Self.lock(marks))
    memory.write(Self.container(marks), UInt64(container.address))
    memory.write(Self.firstMark(marks), 0)
  }
}

/// struct bpf_local_storage: 176 bytes, zeroed, without sleeping.
@frozen public struct StorageMaker: Maker {
  public let owner: Inode
  @inlinable @inline(__always) public init(owner: Inode) { self.owner = owner }

  @inlinable public static var size: Int { 176 }
  @inlinable @inline(__always) public static func owner(_ storage: Addon) -> Word64 { storage.word64(at: 128) }

  @inlinable public var kind: AddonKind {
    AddonKind(size: Self.size, zeroed: true, maySleep: false)
  }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ storage: Addon, in memory: M) {
    memory.write(Self.owner(storage), UInt64(owner.address))
  }
}
