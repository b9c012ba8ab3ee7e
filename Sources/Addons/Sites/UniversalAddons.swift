import AddonMemory

/// `inode->i_addons`, universal: everything that an inode may have, behind one pointer, each through a door of its own.
///
/// The container is made by whoever comes first; lock context, marks, bpf storage, crypt and verity info then each fill
/// their own field. The doors race for the container, and racers of one door for its field. Freed with the inode.
@frozen public enum UniversalAddons<S: Strategy>: Site {
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
    case .lock: try enter(1, of: container, inode, LockContextMaker(), in: memory.at(1))
    case .watch: try enter(2, of: container, inode, ConnectorMaker(object: container.address), in: memory.at(2))
    case .bpf: try enter(3, of: container, inode, StorageMaker(owner: inode), in: memory.at(3))
    case .crypt: try enter(4, of: container, inode, CryptMaker(inode: inode), in: memory.at(4))
    case .verity: try enter(5, of: container, inode, VerityMaker(inode: inode), in: memory.at(5))
    case .look: break
    }
  }

  /// One door: its field is populated by the same strategy. Only what it allocates differs.
  @inlinable @inline(__always)
  static func enter<M: Memory, T: Maker>(
    _ door: Int, of container: Addon, _ inode: Inode, _ maker: T, in memory: M
  ) throws(OutOfMemory) {
    let slot = UniversalMaker.field(door, of: container)
    do {
      let made = try S.populate(slot, of: inode, in: memory, maker)
      let addon = made.addon ?? S.look(at: slot, of: inode, in: memory)
      if let addon { check(addon, behind: door, of: container, inode, in: memory) }
      memory.report(.success(addon))
    } catch {
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func look<M: Memory>(into container: Addon, of inode: Inode, in memory: M) {
    var door = 1
    while door < slotCount {
      let field = memory.at(door)
      if let addon = S.look(at: UniversalMaker.field(door, of: container), of: inode, in: field) {
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
      if let addon = memory.slotShows(memory.load(UniversalMaker.field(door, of: container), .relaxed), slot: door) {
        check(addon, behind: door, of: container, inode, in: memory)
      }
      door += 1
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    guard let container = memory.load(inode.slot(at: 0), .relaxed) else { return }
    var door = 1
    while door < slotCount {
      let field = UniversalMaker.field(door, of: container)
      if let addon = memory.load(field, .relaxed) {
        S.empty(field, of: inode, in: memory.at(door))
        memory.free(addon)
      }
      door += 1
    }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.free(container)
  }
}

/// The container: a pointer for each door, 40 bytes, zeroed.
@frozen public struct UniversalMaker: Maker {
  @inlinable @inline(__always) public init() {}
  @inlinable public static var size: Int { 40 }
  @inlinable @inline(__always) public static func field(_ door: Int, of container: Addon) -> Slot {
    container.slot(at: UInt(8 * (door - 1)))
  }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ container: Addon, in memory: M) {}
}
