import AddonMemory

/// A model of one real place that attaches addons.
///
/// A site's functions are written against `Memory` and inlined into the racing loop. What a visit does it reports
/// through its memory: `memory.at(slot).report(…)` for each slot that the visit's role works on.
public protocol Site {
  associatedtype Role: SiteRole
  static var about: SiteDescription { get }
  static var strategy: StrategyDescription { get }

  /// Bytes of one inode, a multiple of 8.
  static var inodeSize: Int { get }
  /// Bytes that all inodes of a round share (a key, a map), or 0.
  static var sharedSize: Int { get }
  /// The number of slots of one inode: as many as the description names.
  static var slotCount: Int { get }
  /// Bytes of the site's biggest addon, at most 2040.
  static var biggestAddon: Int { get }
  /// The most allocations that one visit makes.
  static var allocationsPerVisit: Int { get }
  /// The most allocations that `create` makes for one inode, or `createShared` for all.
  static var allocationsPerCreation: Int { get }
  /// The most frees that one visit leaves to a grace period.
  static var deferredFreesPerVisit: Int { get }
  /// The slots go back to NULL: visits tell of each of their operations with `began` and `ended`.
  static var keepsHistory: Bool { get }

  /// Puts an inode into its first state. NULL slots and zeroed words need no mention.
  static func create<M: Memory>(_ inode: Inode, in memory: M)
  /// Whether an inode got all that it needs to exist when it was created.
  static func isCreated<M: Memory>(_ inode: Inode, in memory: M) -> Bool
  /// Puts the shared area into its first state.
  static func createShared<M: Memory>(at shared: UInt, in memory: M)

  /// One visit of one racer to one inode.
  static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M)

  /// At quiescence, before teardown: says what each slot shows (`slotShows`) and checks what is visible (`expect`).
  static func inspect<M: Memory>(_ inode: Inode, in memory: M)
  /// The same for the shared area.
  static func inspectShared<M: Memory>(at shared: UInt, in memory: M)

  /// The last reference was put, and the inode is about to go: checks what must hold then, in each of its lives. (The race
  /// goes on at other inodes, so what the whole race must have led to is for `inspect`.)
  static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M)

  /// The inode goes: frees all that hangs off it and puts it back into its first state.
  static func tearDown<M: Memory>(_ inode: Inode, in memory: M)
}

extension Site {
  @inlinable public static var sharedSize: Int { 0 }
  @inlinable public static var slotCount: Int { 1 }
  @inlinable public static var allocationsPerVisit: Int { 1 }
  @inlinable public static var allocationsPerCreation: Int { 0 }
  @inlinable public static var deferredFreesPerVisit: Int { 0 }
  @inlinable public static var keepsHistory: Bool { false }
  @inlinable @inline(__always) public static func create<M: Memory>(_ inode: Inode, in memory: M) {}
  @inlinable @inline(__always) public static func isCreated<M: Memory>(_ inode: Inode, in memory: M) -> Bool { true }
  @inlinable @inline(__always) public static func createShared<M: Memory>(at shared: UInt, in memory: M) {}
  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {}
  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {}
}

/// Visits by code that is not specialised for site and memory. It is slow, and it is compiled in this module, so that its
/// debug information leads to the lines of sites and strategies; code that is inlined elsewhere has lost them.
public enum UnspecialisedVisit {
  @inline(never) @_semantics("optimize.sil.specialize.generic.never")
  public static func visit<S: Site, M: Memory>(_ site: S.Type, _ inode: Inode, as role: S.Role, in memory: M) {
    S.visit(inode, as: role, in: memory)
  }
}

/// What a racer does at a site. The raw value is its number in the site's list.
public protocol SiteRole: RawRepresentable<UInt8>, CaseIterable, Sendable, BitwiseCopyable {
  /// One sentence.
  var sentence: String { get }
  /// Only looks, and never populates.
  var looksOnly: Bool { get }
  /// Makes a slot go back to NULL.
  var detaches: Bool { get }
  /// Puts a reference to the inode that it got: the last one to do so evicts the inode.
  var putsInode: Bool { get }
  /// The grace period that it waits for itself.
  var waitsFor: GracePeriod? { get }
  /// As scenarios name it.
  var name: String { get }
}

extension SiteRole {
  public var detaches: Bool { false }
  public var putsInode: Bool { false }
  public var waitsFor: GracePeriod? { nil }

  /// The case's name in kebab-case.
  public var name: String {
    var name = ""
    for character in "\(self)" {
      if character.isUppercase { name += "-" }
      name += character.lowercased()
    }
    return name
  }
}

/// What a catalog says about a site.
public struct SiteDescription: Sendable {
  public let name: String
  /// One sentence.
  public let summary: String
  public let source: String
  /// The names of the slots of one inode.
  public let slots: [String]
  /// Every inode's slot is populated before anyone races for it.
  public let eager: Bool
  /// The strategy that Linux uses here, taken when a scenario names none.
  public let ownStrategy: String
  /// Racers of a scenario that names none, by role.
  public let racers: [(role: String, count: Int)]
  /// The domains of the read-side sections that its visits are in, or wait for.
  public let domains: [ReadDomain]
  /// Of several sites that model one place: the versions of Linux that this one is as.
  public let versions: LinuxVersions?
  /// What is wrong with it: on purpose, or in the version of Linux that it is as.
  public let fault: Fault?

  public init(
    _ name: String, _ summary: String, source: String, slots: [String], eager: Bool = false, ownStrategy: String,
    racers: [(role: String, count: Int)], domains: [ReadDomain] = [.rcu], versions: LinuxVersions? = nil,
    fault: Fault? = nil
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.slots = slots
    self.eager = eager
    self.ownStrategy = ownStrategy
    self.racers = racers
    self.domains = domains.contains(.rcu) ? domains : [.rcu] + domains
    self.versions = versions
    self.fault = fault
  }
}
