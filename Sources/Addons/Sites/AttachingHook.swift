import AddonMemory

/// A hook that attaches: an event of the fast path makes the addon itself, where there is none. Does it fly?
///
/// Blocking, it has to allocate before its read-side section begins; inside the section it may only allocate without
/// sleeping, and then it may come back with nothing, and the event goes unseen.
@frozen public enum AttachingHook<S: Strategy, Variant: HookVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case event, look
    public var sentence: String {
      switch self {
      case .event: "An event: makes sure that there is an addon, and counts itself in it, under RCU."
      case .look: "Under RCU: reads how many events there were."
      }
    }
    @inlinable public var looksOnly: Bool { self == .look }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "attaching-hook" + Variant.suffix, "An event hook that allocates in the fast path, \(Variant.how).",
      source: "what was asked of event hooks in 2024", slots: ["addon"], ownStrategy: "full-compare-exchange",
      racers: [("event", 2), ("look", 1)], domains: [.rcu, .fsnotifyMarks], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { EventCountMaker.size }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    if role == .event, !Variant.allocatesInSection {
      do {
        _ = try S.populate(slot, of: inode, in: memory, EventCountMaker(maySleep: Variant.maySleep))
      } catch {
        memory.report(.failure)
        return
      }
    }
    memory.enterReadSection(.rcu)
    if role == .event, Variant.allocatesInSection {
      do {
        _ = try S.populate(slot, of: inode, in: memory, EventCountMaker(maySleep: Variant.maySleep))
      } catch {
        memory.leaveReadSection(.rcu)
        memory.report(.failure)
        return
      }
    }
    if let addon = S.look(at: slot, of: inode, in: memory) {
      if role == .event { memory.fetchAdd(EventCountMaker.events(addon), 1, .relaxed) }
      memory.expect(EventCountMaker.magic(addon), holds: EventCountMaker.someMagic, .initialised)
      memory.leaveReadSection(.rcu)
      memory.report(.success(addon))
    } else {
      memory.leaveReadSection(.rcu)
      memory.report(.absent)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let addon = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      let events = UInt64(memory.successes(ofRole: Int(Role.event.rawValue)))
      memory.expect(EventCountMaker.events(addon), holds: events, .balanced)
    }
  }

  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {
    if let addon = memory.load(inode.slot(at: 0), .acquiring) {
      memory.expect(EventCountMaker.magic(addon), holds: EventCountMaker.someMagic, .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    guard let addon = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.free(addon)
  }
}

/// Where and how a hook allocates.
public protocol HookVariant {
  static var allocatesInSection: Bool { get }
  static var maySleep: Bool { get }
  static var how: String { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// Before its section: it may sleep there.
public enum BlockingHook: HookVariant {
  @inlinable public static var allocatesInSection: Bool { false }
  @inlinable public static var maySleep: Bool { true }
  public static var how: String { "before its read section, and may sleep there" }
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// Inside its section, without sleeping: it may come back with nothing.
public enum NonBlockingHook: HookVariant {
  @inlinable public static var allocatesInSection: Bool { true }
  @inlinable public static var maySleep: Bool { false }
  public static var how: String { "inside its read section, without sleeping" }
  public static var suffix: String { "-non-blocking" }
  public static var fault: Fault? { nil }
}

/// A count of events: 16 bytes of a slab that is not zeroed.
@frozen public struct EventCountMaker: Maker {
  public let maySleep: Bool
  @inlinable @inline(__always) public init(maySleep: Bool) { self.maySleep = maySleep }

  @inlinable public static var size: Int { 16 }
  @inlinable public static var someMagic: UInt64 { 0xe4e7 }
  @inlinable @inline(__always) public static func magic(_ addon: Addon) -> Word64 { addon.word64(at: 0) }
  @inlinable @inline(__always) public static func events(_ addon: Addon) -> Word64 { addon.word64(at: 8) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false, maySleep: maySleep) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    memory.write(Self.magic(addon), Self.someMagic)
    memory.store(Self.events(addon), 0, .relaxed)
  }
}
