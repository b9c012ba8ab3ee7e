import AddonMemory

/// A site in the life of its inodes: each visit gets the inode, does what it does there, and puts the inode. The last one
/// to put it evicts it, which frees what hangs off it in the site's own order; the next to get it starts afresh.
///
/// So slots go back to NULL, and are raced for again within one round. Everybody holds a reference, readers too. An inode
/// that cannot be created (the control group's, whose blob is as old as itself) is nobody's: the visit fails.
@frozen public enum InLife<S: Site>: Site {
  public typealias Role = RoleInLife<S.Role>

  public static var about: SiteDescription {
    let about = S.about
    let isOfOneRole = about.racers.count == 1
    return SiteDescription(
      about.name + "-in-life", about.summary + " Whoever visits holds a reference; the last one to put it evicts.",
      source: about.source, slots: about.slots, ownStrategy: about.ownStrategy,
      racers: about.racers.prefix(2).map { ($0.role, isOfOneRole ? 2 : 1) }, domains: about.domains, fault: about.fault)
  }
  public static var strategy: StrategyDescription { S.strategy }

  @inlinable public static var inodeSize: Int { S.inodeSize + 16 }
  @inlinable public static var sharedSize: Int { S.sharedSize }
  @inlinable public static var slotCount: Int { S.slotCount }
  @inlinable public static var biggestAddon: Int { S.biggestAddon }
  /// Inodes are created by visits.
  @inlinable public static var allocationsPerVisit: Int {
    S.allocationsPerVisit + max(S.allocationsPerCreation, S.about.eager ? 1 : 0)
  }
  /// What all inodes share is created before.
  @inlinable public static var allocationsPerCreation: Int { S.allocationsPerCreation }
  @inlinable public static var deferredFreesPerVisit: Int { S.deferredFreesPerVisit }
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always) static func reference(_ inode: Inode) -> InodeReference {
    InodeReference(inode, behind: S.inodeSize)
  }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) {
    reference(inode).initialise(in: memory)
  }

  @inlinable @inline(__always)
  public static func createShared<M: Memory>(at shared: UInt, in memory: M) {
    S.createShared(at: shared, in: memory)
  }

  /// Out of line: lives are long enough for a call, and the engines' loops would each hold a copy.
  @inlinable @inline(never)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    if reference(inode).beginToGet(in: memory) {
      S.create(inode, in: memory)
      guard S.isCreated(inode, in: memory) else {
        reference(inode).failed(in: memory)
        memory.report(.failure)
        return
      }
    }
    reference(inode).gotten(in: memory)
    S.visit(inode, as: role.role, in: memory)
    if reference(inode).put(in: memory) {
      S.checkAtEviction(of: inode, in: memory)
      S.tearDown(inode, in: memory)
      reference(inode).evicted(in: memory)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    reference(inode).expectNone(in: memory)
    S.inspect(inode, in: memory)
  }

  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {
    S.inspectShared(at: shared, in: memory)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    S.tearDown(inode, in: memory)
    reference(inode).initialise(in: memory)
  }
}

/// A site's role, of a racer that holds a reference meanwhile.
@frozen public struct RoleInLife<Role: SiteRole>: SiteRole {
  public let role: Role
  @inlinable @inline(__always) public init(_ role: Role) { self.role = role }
  @inlinable @inline(__always) public init?(rawValue: UInt8) {
    guard let role = Role(rawValue: rawValue) else { return nil }
    self.role = role
  }
  @inlinable public var rawValue: UInt8 { role.rawValue }
  public static var allCases: [RoleInLife] { Role.allCases.map(RoleInLife.init) }
  public var name: String { role.name }
  public var sentence: String { role.sentence }
  @inlinable public var looksOnly: Bool { role.looksOnly }
  public var detaches: Bool { true }
  public var putsInode: Bool { true }
  public var waitsFor: GracePeriod? { role.waitsFor }
}

/// A strategy that tells of each operation, for a site whose slots go back to NULL only with their inode.
@frozen public enum WithHistory<S: Strategy>: Strategy {
  public static var about: StrategyDescription { S.about }

  @inlinable @inline(__always)
  public static func look<M: Memory>(at slot: Slot, of inode: Inode, in memory: M) -> Addon? {
    let start = memory.began()
    guard let addon = S.look(at: slot, of: inode, in: memory) else {
      memory.ended(start, .absent)
      return nil
    }
    memory.ended(start, .found(addon))
    return addon
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    let start = memory.began()
    let populated = try S.populate(slot, of: inode, in: memory, maker)
    switch populated {
    case .won(let addon): memory.ended(start, .attached(addon))
    case .found(let addon), .lost(to: let addon?), .lostKeeping(_, to: let addon?): memory.ended(start, .found(addon))
    case .lost, .lostKeeping, .lostWithoutLooking: break
    }
    return populated
  }

  @inlinable @inline(__always)
  public static func empty<M: Memory>(_ slot: Slot, of inode: Inode, in memory: M) {
    let start = memory.began()
    let addon = memory.load(slot, .relaxed)
    S.empty(slot, of: inode, in: memory)
    if let addon { memory.ended(start, .detached(addon)) }
  }
}
