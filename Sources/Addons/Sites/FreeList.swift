import AddonMemory

/// A slot whose addon comes from a list of free ones, if it has any: whoever takes the first puts the second in its place
/// by one compare-exchange, and a loser puts its own back instead of freeing it.
///
/// Between the look at the second and the compare-exchange the first may be taken, the second too, and the first put
/// back: the list begins as it did, and what comes behind it does not. So the head counts how often it was changed, beside
/// the pointer.
@frozen public enum FreeList<Variant: FreeListVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case fill, use
    public var sentence: String {
      switch self {
      case .fill: "Makes sure that the slot is populated, by a free addon if there is one, which a loser puts back."
      case .use: "Looks, and uses what is there."
      }
    }
    @inlinable public var looksOnly: Bool { self == .use }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "free-list" + Variant.suffix, "A slot whose addon is taken from a list of free ones, and its loser's put back.",
      source: "synthetic", slots: ["slot"], ownStrategy: "compare-exchange", racers: [("fill", 3)],
      fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { CompareExchange.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { ListedMaker.size }
  @inlinable public static var allocationsPerCreation: Int { 2 }

  @inlinable @inline(__always) static func head(_ inode: Inode) -> Word64 { inode.word64(at: 8) }
  /// The head is a pointer of 48 bits, and a count of 16. (A count that comes round while one racer is between two
  /// instructions would be a fault again.)
  @inlinable static var pointerMask: UInt64 { 1 &<< 48 &- 1 }

  /// Two are free.
  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) {
    for _ in 0..<allocationsPerCreation {
      if let addon = memory.block(of: ListedMaker().kind) { push(addon, onto: inode, in: memory) }
    }
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .fill:
      do {
        memory.report(.success(try fill(inode, in: memory)))
      } catch {
        memory.report(.failure)
      }
    case .use:
      guard let addon = memory.load(inode.slot(at: 0), .acquiring) else { return memory.report(.absent) }
      memory.expect(ListedMaker.value(addon), holds: ListedMaker.someValue, .initialised)
      memory.report(.success(addon))
    }
  }

  @inlinable @inline(__always)
  static func fill<M: Memory>(_ inode: Inode, in memory: M) throws(OutOfMemory) -> Addon? {
    let slot = inode.slot(at: 0)
    if let addon = memory.load(slot, .acquiring) { return addon }
    guard let mine = pop(from: inode, in: memory) else {
      return try CompareExchange.populate(slot, of: inode, in: memory, ListedMaker()).addon
    }
    ListedMaker().initialise(mine, in: memory)
    switch memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
    case .won: return mine
    case .lost(let winner):
      push(mine, onto: inode, in: memory)
      return winner
    }
  }

  @inlinable @inline(__always)
  static func pop<M: Memory>(from inode: Inode, in memory: M) -> Addon? {
    var first = memory.load(head(inode), .acquiring)
    while let addon = Addon(bits: first & pointerMask) {
      // Somebody else may have taken it, and given it another successor: the compare-exchange fails then.
      let next = memory.load(ListedMaker.next(addon), .relaxed)
      memory.window()
      let found = memory.compareExchange(
        head(inode), first, Variant.changed(first, to: next), .acquiringAndReleasing, failure: .acquiring)
      if found == first { return addon }
      first = found
    }
    return nil
  }

  @inlinable @inline(__always)
  static func push<M: Memory>(_ addon: Addon, onto inode: Inode, in memory: M) {
    var first = memory.load(head(inode), .relaxed)
    while true {
      memory.store(ListedMaker.next(addon), first & pointerMask, .relaxed)
      let found = memory.compareExchange(
        head(inode), first, Variant.changed(first, to: UInt64(addon.address)), .releasing, failure: .relaxed)
      if found == first { return }
      first = found
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    let addon = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
    if let addon { memory.expect(ListedMaker.value(addon), holds: ListedMaker.someValue, .initialised) }
    var free = Addon(bits: memory.load(head(inode), .relaxed) & pointerMask)
    while let listed = free {
      if listed == addon {
        return memory.violated(
          .assertion, seen: UInt64(listed.address), expected: 0, at: head(inode).address,
          "the list of free addons holds the one that is in the slot")
      }
      memory.ownedByVisibleAddon(listed)
      free = Addon(bits: memory.load(ListedMaker.next(listed), .relaxed))
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let addon = memory.load(inode.slot(at: 0), .relaxed)
    memory.store(inode.slot(at: 0), nil, .relaxed)
    var free = Addon(bits: memory.load(head(inode), .relaxed) & pointerMask)
    memory.store(head(inode), 0, .relaxed)
    if let addon { memory.free(addon) }
    while let listed = free, listed != addon {
      free = Addon(bits: memory.load(ListedMaker.next(listed), .relaxed))
      memory.free(listed)
    }
  }
}

/// What the list's head becomes.
public protocol FreeListVariant {
  /// The head after `head`, if it points to `address` next.
  static func changed(_ head: UInt64, to address: UInt64) -> UInt64
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// The count beside the pointer goes up by one.
public enum CountedHead: FreeListVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
  @inlinable @inline(__always) public static func changed(_ head: UInt64, to address: UInt64) -> UInt64 {
    (head &>> 48 &+ 1) &<< 48 | address
  }
}

/// What is on the list: 16 bytes, not zeroed.
@frozen public struct ListedMaker: Maker {
  @inlinable @inline(__always) public init() {}
  @inlinable public static var size: Int { 16 }
  @inlinable public static var someValue: UInt64 { 0xf4ee }
  @inlinable @inline(__always) public static func value(_ addon: Addon) -> Word64 { addon.word64(at: 0) }
  /// The next free one, or 0. Whoever takes the addon may still be asked for it: atomic.
  @inlinable @inline(__always) public static func next(_ addon: Addon) -> Word64 { addon.word64(at: 8) }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: false) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    memory.write(Self.value(addon), Self.someValue)
  }
}
