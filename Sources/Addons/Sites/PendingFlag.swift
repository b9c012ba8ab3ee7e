import AddonMemory

/// A slot made on first use, and a flag that what is in it must heed: whoever publishes looks at the flag afterwards, and
/// whoever sets the flag looks at the slot afterwards, so that one of them sees the other and applies the flag.
///
/// That needs a full barrier on both sides, between the store and the load behind it. (The shape is called store
/// buffering. `set_task_state` against `wake_up` has it, and so have `break_lease` and a first lease.)
@frozen public enum PendingFlag<S: Strategy, Variant: PendingFlagVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case publish, set
    public var sentence: String {
      switch self {
      case .publish: "Populates the slot, then looks whether the flag is set, and applies it."
      case .set: "Sets the flag, then looks whether there is an addon, and applies the flag to it."
      }
    }
    @inlinable public var looksOnly: Bool { self == .set }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "pending-flag" + Variant.suffix, "A slot and a flag: who publishes and who sets it each look for the other.",
      source: "synthetic; break_lease in fs/locks.c has the shape", slots: ["slot"], ownStrategy: "compare-exchange",
      racers: [("publish", 2), ("set", 1)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { FlaggedMaker.size }

  @inlinable @inline(__always) static func flag(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .publish:
      do {
        let made = try S.populate(inode.slot(at: 0), of: inode, in: memory, FlaggedMaker())
        if case .won(let addon) = made {
          memory.fence(.sequentiallyConsistent)  // smp_mb
          if memory.load(flag(inode), .relaxed) != 0 { FlaggedMaker.apply(to: addon, in: memory) }
        }
        memory.report(.success(made.addon))
      } catch {
        memory.report(.failure)
      }
    case .set:
      memory.store(flag(inode), 1, .relaxed)
      if Variant.fencesSetter { memory.fence(.sequentiallyConsistent) }  // smp_mb
      guard let addon = S.look(at: inode.slot(at: 0), of: inode, in: memory) else { return memory.report(.absent) }
      FlaggedMaker.apply(to: addon, in: memory)
      memory.report(.success(addon))
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let addon = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    if memory.load(flag(inode), .relaxed) != 0 {
      memory.expect(
        FlaggedMaker.isApplied(addon), holds: 1, "the flag was set and the slot populated, and neither saw the other")
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.store(flag(inode), 0, .relaxed)
    guard let addon = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.free(addon)
  }
}

/// Where a faulty pending flag departs from the right one.
public protocol PendingFlagVariant {
  static var fencesSetter: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

public enum FencedOnBothSides: PendingFlagVariant {
  @inlinable public static var fencesSetter: Bool { true }
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// What the flag is applied to: 16 bytes, zeroed.
@frozen public struct FlaggedMaker: Maker {
  @inlinable @inline(__always) public init() {}
  @inlinable public static var size: Int { 16 }
  @inlinable @inline(__always) public static func isApplied(_ addon: Addon) -> Word64 { addon.word64(at: 0) }
  @inlinable @inline(__always) public static func apply<M: Memory>(to addon: Addon, in memory: M) {
    memory.store(isApplied(addon), 1, .relaxed)
  }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {}
}
