import AddonMemory

/// A slot whose lowest bit is a tag: pointers are aligned, and the bit is free. It may be set only on what points
/// somewhere, since an empty slot with a tag is neither NULL nor a pointer.
@frozen public enum TaggedSlot<S: Strategy, Variant: TaggedSlotVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case populate, tag
    public var sentence: String {
      switch self {
      case .populate: "Makes sure that the slot is populated, whatever its tag."
      case .tag: "Sets the tag, if there is something to be tagged."
      }
    }
    @inlinable public var looksOnly: Bool { self == .tag }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "tagged-slot" + Variant.suffix, "A slot with a tag in its lowest bit, set on what is there.",
      source: "synthetic", slots: ["slot"], ownStrategy: "compare-exchange", racers: [("populate", 2), ("tag", 1)],
      fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { TaggedMaker.size }

  @inlinable static var tag: UInt64 { 1 }
  @inlinable @inline(__always) static func untagged(_ addon: Addon?) -> Addon? {
    addon.flatMap { Addon(bits: UInt64($0.address) & ~tag) }
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .populate:
      do {
        let made = try S.populate(inode.slot(at: 0), of: inode, in: memory, TaggedMaker())
        let addon = untagged(made.addon)
        if let addon { memory.expect(TaggedMaker.value(addon), holds: TaggedMaker.someValue, .initialised) }
        // With its tag, what was in the slot is not what is returned.
        memory.report(.success(addon == made.addon ? addon : nil))
      } catch {
        memory.report(.failure)
      }
    case .tag:
      Variant.tag(inode.slot(at: 0).word, tag, in: memory)
      memory.report(.absent)
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    let bits = memory.load(inode.slot(at: 0).word, .relaxed)
    _ = memory.slotShows(Addon(bits: bits & ~tag), slot: 0)
    if bits == tag { memory.violated(.initialised, seen: bits, expected: 0, at: inode.slot(at: 0).word.address) }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let addon = untagged(memory.load(inode.slot(at: 0), .relaxed))
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    if let addon { memory.free(addon) }
  }
}

/// How the tag is set.
public protocol TaggedSlotVariant {
  static func tag<M: Memory>(_ slot: Word64, _ tag: UInt64, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// By a compare-exchange of what was seen there.
public enum TaggedWhatIsThere: TaggedSlotVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
  @inlinable @inline(__always)
  public static func tag<M: Memory>(_ slot: Word64, _ tag: UInt64, in memory: M) {
    let bits = memory.load(slot, .relaxed)
    if bits == 0 { return }
    // What is there stays until the inode goes: whoever was first has set the same tag.
    _ = memory.compareExchange(slot, bits, bits | tag, .relaxed, failure: .relaxed)
  }
}

/// What is tagged: 16 bytes, not zeroed.
@frozen public struct TaggedMaker: Maker {
  @inlinable @inline(__always) public init() {}
  @inlinable public static var size: Int { 16 }
  @inlinable public static var someValue: UInt64 { 0x7a9 }
  @inlinable @inline(__always) public static func value(_ addon: Addon) -> Word64 { addon.word64(at: 0) }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    memory.write(Self.value(addon), Self.someValue)
  }
}
