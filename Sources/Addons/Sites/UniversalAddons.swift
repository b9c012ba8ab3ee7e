import AddonMemory

/// `inode->i_addons`, universal: everything that an inode may have, behind one pointer, each through a door of its own.
///
/// Features register with the bytes that they need, and get an offset, as security modules do with an inode's blob. The
/// container is made by whoever comes first; lock context, marks, bpf storage, crypt and verity info then each fill their own
/// field. The doors race for the container, and racers of one door for its field: each door with the ordering, the loser and
/// the place in the order of destruction that it has in Linux.
@frozen public enum UniversalAddons<S: Strategy, Doors: DoorStrategies>: Site {
  public enum Role: UInt8, SiteRole {
    case lock, watch, bpf, crypt, verity, look
    public var sentence: String {
      switch self {
      case .lock: "Makes sure that there is a lock context."
      case .watch: "Makes sure that there is a connector of marks."
      case .bpf: "Makes sure that there is a bpf storage."
      case .crypt: "Makes sure that there is an encryption key."
      case .verity: "Makes sure that there are hash tree parameters."
      case .look: "Looks at what is there, through the one pointer."
      }
    }
    @inlinable public var looksOnly: Bool { self == .look }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "universal-addons", "Lock context, marks, bpf storage, crypt and verity info behind one pointer.",
      source: "what the proposal of 2024 leads to",
      slots: ["i_addons", "flctx", "marks", "storage", "crypt", "verity"], ownStrategy: "full-compare-exchange",
      racers: [("lock", 1), ("watch", 1), ("bpf", 1), ("look", 1)])
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var slotCount: Int { 6 }
  @inlinable public static var biggestAddon: Int { VerityMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    if role == .look {
      guard let container = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.report(.success(container))
      look(into: container, of: inode, in: memory)
      return
    }
    do {
      let made = try S.populate(slot, of: inode, in: memory, UniversalMaker())
      let container = made.addon ?? S.look(at: slot, of: inode, in: memory)
      memory.report(.success(container))
      if let container { try fill(container, of: inode, as: role, in: memory) }
    } catch {
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func fill<M: Memory>(_ container: Addon, of inode: Inode, as role: Role, in memory: M) throws(OutOfMemory) {
    switch role {
    case .lock:
      try enter(
        .locks, of: container, inode, LockContextMaker(), by: Doors.Locks.self, in: memory.at(1))
    case .watch:
      let maker = ConnectorMaker(object: container.address)
      if let connector = try enter(.marks, of: container, inode, maker, by: S.self, in: memory.at(2)) {
        watch(connector, of: container, in: memory)
      }
    case .bpf: try enter(.storage, of: container, inode, StorageMaker(owner: inode), by: S.self, in: memory.at(3))
    case .crypt:
      try enter(
        .crypt, of: container, inode, CryptMaker(inode: inode), by: Doors.Crypt.self, in: memory.at(4))
    case .verity:
      let maker = VerityMaker(inode: inode)
      try enter(.verity, of: container, inode, maker, by: Doors.Verity.self, in: memory.at(5))
    case .look: break
    }
  }

  /// fsnotify's field is a mask beside a pointer: set under the connector's lock.
  @inlinable @inline(__always)
  static func watch<M: Memory>(_ connector: Addon, of container: Addon, in memory: M) {
    memory.lock(ConnectorMaker.lock(connector))
    memory.store(UniversalMaker.mask(container), Marks.everyEvent, .relaxed)
    memory.unlock(ConnectorMaker.lock(connector))
  }

  /// One door: its field is populated as in Linux.
  @inlinable @inline(__always) @discardableResult
  static func enter<M: Memory, T: Maker, D: Strategy>(
    _ feature: Feature, of container: Addon, _ inode: Inode, _ maker: T, by strategy: D.Type, in memory: M
  ) throws(OutOfMemory) -> Addon? {
    let slot = feature.slot(in: container)
    let door = Int(feature.rawValue)
    do {
      let made = try D.populate(slot, of: inode, in: memory, maker)
      let addon = made.addon ?? D.look(at: slot, of: inode, in: memory)
      if let addon { check(addon, behind: door, of: container, inode, in: memory) }
      memory.report(.success(addon))
      return addon
    } catch {
      memory.report(.failure)
      return nil
    }
  }

  @inlinable @inline(__always)
  static func look<M: Memory>(into container: Addon, of inode: Inode, in memory: M) {
    var door = 1
    while door < slotCount {
      let field = memory.at(door)
      if let addon = S.look(at: Feature(door: door).slot(in: container), of: inode, in: field) {
        check(addon, behind: door, of: container, inode, in: field)
        field.report(.success(addon))
      } else {
        field.report(.absent)
      }
      door += 1
    }
  }

  @inlinable @inline(__always)
  static func check<M: Memory>(
    _ addon: Addon, behind door: Int, of container: Addon, _ inode: Inode, in memory: M
  ) {
    switch door {
    case 1: LockContextMaker.flocks(addon).expectEmpty(.initialised, in: memory)
    case 2:
      let object = memory.load(ConnectorMaker.object(addon), .relaxed)
      if object != UInt64(container.address) {
        memory.violated(
          .initialised, seen: object, expected: UInt64(container.address), at: ConnectorMaker.object(addon).address)
      }
    case 3: memory.expect(StorageMaker.owner(addon), holds: UInt64(inode.address), .initialised)
    case 4: memory.expect(CryptMaker.inode(addon), holds: UInt64(inode.address), .initialised)
    default: memory.expect(VerityMaker.inode(addon), holds: UInt64(inode.address), .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let container = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    var door = 1
    while door < slotCount {
      if let addon = memory.slotShows(memory.load(Feature(door: door).slot(in: container), .relaxed), slot: door) {
        check(addon, behind: door, of: container, inode, in: memory)
      }
      door += 1
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    guard let container = memory.load(inode.slot(at: 0), .relaxed) else { return }
    // Eviction, then __destroy_inode in its order.
    free(.crypt, of: container, inode, in: memory)
    free(.verity, of: container, inode, in: memory)
    free(.storage, of: container, inode, in: memory)
    free(.marks, of: container, inode, in: memory)
    free(.locks, of: container, inode, in: memory)
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.free(container)
  }

  @inlinable @inline(__always)
  static func free<M: Memory>(_ feature: Feature, of container: Addon, _ inode: Inode, in memory: M) {
    guard let addon = memory.load(feature.slot(in: container), .relaxed) else { return }
    S.empty(feature.slot(in: container), of: inode, in: memory.at(Int(feature.rawValue)))
    memory.free(addon)
  }
}

/// How the doors that do not go by the site's strategy populate their fields.
public protocol DoorStrategies {
  associatedtype Locks: Strategy
  associatedtype Crypt: Strategy
  associatedtype Verity: Strategy
}

/// As Linux does at each of these places.
public enum DoorsAsInLinux: DoorStrategies {
  public typealias Locks = FullCompareExchangeRereading
  public typealias Crypt = ReleaseCompareExchange
  public typealias Verity = ReleaseCompareExchangeRereading
}

/// The same, telling of each operation.
public enum DoorsWithHistory: DoorStrategies {
  public typealias Locks = WithHistory<FullCompareExchangeRereading>
  public typealias Crypt = WithHistory<ReleaseCompareExchange>
  public typealias Verity = WithHistory<ReleaseCompareExchangeRereading>
}

/// What has registered with the universal allocator. The raw value is its door, and its slot's number.
@frozen public enum Feature: UInt8, CaseIterable, Sendable {
  case locks = 1
  case marks, storage, crypt, verity

  @inlinable @inline(__always) public init(door: Int) { self = Feature(rawValue: UInt8(door)).unsafelyUnwrapped }

  /// The bytes that it has asked for: a pointer, and for fsnotify a mask behind it.
  @inlinable @inline(__always) public var size: UInt { self == .marks ? 16 : 8 }

  /// Where its field lies in the container: behind those that have registered before.
  @inlinable @inline(__always) public var offset: UInt {
    var offset: UInt = 0
    var door: UInt8 = 1
    while door < rawValue {
      offset &+= Feature(door: Int(door)).size
      door &+= 1
    }
    return offset
  }

  @inlinable @inline(__always) public func slot(in container: Addon) -> Slot { container.slot(at: offset) }
}

/// The container: as many bytes as have been asked for, zeroed.
@frozen public struct UniversalMaker: Maker {
  @inlinable @inline(__always) public init() {}
  @inlinable public static var size: Int { Int(Feature.verity.offset &+ Feature.verity.size) }
  /// i_fsnotify_mask.
  @inlinable @inline(__always) public static func mask(_ container: Addon) -> Word64 {
    container.word64(at: Feature.marks.offset &+ 8)
  }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ container: Addon, in memory: M) {}
}
