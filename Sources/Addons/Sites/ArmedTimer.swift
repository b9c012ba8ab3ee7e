import AddonMemory

/// An addon that a timer takes out of its slot again. The table has a reference to it, and the timer has one; the timer is
/// armed once the addon is published, and drops both when it runs.
@frozen public enum ArmedTimer<S: Strategy, Variant: ArmedTimerVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case create, expire
    public var sentence: String {
      switch self {
      case .create: "Finds the addon, or makes it, publishes it and arms its timer."
      case .expire: "The timer, if it is armed: takes the addon out of the slot, and drops the references."
      }
    }
    @inlinable public var looksOnly: Bool { self == .expire }
    public var detaches: Bool { self == .expire }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "armed-timer" + Variant.suffix, "An addon that expires: its timer takes it out of the slot again.",
      source: "net/ipv4/inet_fragment.c inet_frag_create, Linux 6.12", slots: ["queue"],
      ownStrategy: "compare-exchange", racers: [("create", 2), ("expire", 1)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { ExpiringMaker.size }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }
  @inlinable public static var keepsHistory: Bool { true }

  /// Whose timer is armed, or 0.
  @inlinable @inline(__always) static func armed(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    memory.enterReadSection(.rcu)
    if role == .create { make(inode, in: memory) } else { expire(inode, in: memory) }
    memory.leaveReadSection(.rcu)
  }

  @inlinable @inline(__always)
  static func make<M: Memory>(_ inode: Inode, in memory: M) {
    let start = memory.began()
    do {
      let maker = ExpiringMaker(timer: Variant.armsFirst ? armed(inode) : nil)
      switch try S.populate(inode.slot(at: 0), of: inode, in: memory, maker) {
      case .won(let addon):
        memory.ended(start, .attached(addon))
        if !Variant.armsFirst { memory.store(armed(inode), UInt64(addon.address), .releasing) }  // mod_timer
        memory.report(.success(addon))
      case .found(let addon), .lost(to: let addon?), .lostKeeping(_, to: let addon?):
        memory.ended(start, .found(addon))
        memory.report(.success(addon))
      case .lost, .lostKeeping, .lostWithoutLooking: memory.report(.again)
      }
    } catch {
      memory.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func expire<M: Memory>(_ inode: Inode, in memory: M) {
    let bits =
      Variant.disarmsFirst ? memory.exchange(armed(inode), 0, .acquiring) : memory.load(armed(inode), .acquiring)
    guard let addon = Addon(bits: bits) else { return memory.report(.absent) }
    memory.window()
    let start = memory.began()
    if !Variant.disarmsFirst {
      memory.store(inode.slot(at: 0), nil, .relaxed)
      memory.ended(start, .detached(addon))
    } else if case .won = memory.compareExchange(
      inode.slot(at: 0), addon, nil, .acquiringAndReleasing, failure: .relaxed)
    {
      memory.ended(start, .detached(addon))
    }
    // The table's reference and the timer's: whoever publishes first can rely on it that the table has one.
    if memory.fetchAdd(ExpiringMaker.references(addon), 0 &- 2, .acquiringAndReleasing) == 2 {
      memory.freeAfterGracePeriod(addon, .rcu)
    }
    memory.report(.success(addon))
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let addon = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    memory.expect(ExpiringMaker.references(addon), holds: 2, .balanced)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(armed(inode), 0, .relaxed)
    let start = memory.began()
    guard let addon = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.ended(start, .detached(addon))
    memory.free(addon)
  }
}

/// Where a faulty armed timer departs from the right one.
public protocol ArmedTimerVariant {
  /// The timer is armed before the addon is published.
  static var armsFirst: Bool { get }
  /// Whoever runs the timer disarms it at once, so that nobody else runs it, and empties the slot only of what it took.
  static var disarmsFirst: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension ArmedTimerVariant {
  @inlinable public static var armsFirst: Bool { false }
  @inlinable public static var disarmsFirst: Bool { true }
}

public enum ArmedOncePublished: ArmedTimerVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// What expires: 16 bytes, not zeroed, made without sleeping, with the table's reference and the timer's.
@frozen public struct ExpiringMaker: Maker {
  /// Armed here, where the fault is to be shown.
  public let timer: Word64?
  @inlinable @inline(__always) public init(timer: Word64?) { self.timer = timer }

  @inlinable public static var size: Int { 16 }
  @inlinable @inline(__always) public static func references(_ addon: Addon) -> Word64 { addon.word64(at: 0) }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false, maySleep: false) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    memory.store(Self.references(addon), 2, .relaxed)
    if let timer { memory.store(timer, UInt64(addon.address), .releasing) }
  }
  /// del_timer.
  @inlinable @inline(__always) public func undo<M: Memory>(_ addon: Addon, in memory: M) {
    if let timer { _ = memory.compareExchange(timer, UInt64(addon.address), 0, .relaxed, failure: .relaxed) }
  }
}
