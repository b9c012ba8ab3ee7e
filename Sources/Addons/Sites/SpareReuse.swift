import AddonMemory

/// Two slots filled one after the other, in which the block that was made in vain for the first serves for the second:
/// the pattern of the generic radix tree, when it grows by more than one level.
@frozen public enum SpareReuse<S: Strategy, Cleaning: SpareCleaning>: Site {
  public enum Role: UInt8, SiteRole {
    case fill
    public var sentence: String { "Fills the first slot, then the second, with the spare of the first if it lost." }
    @inlinable public var looksOnly: Bool { false }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "spare-reuse" + Cleaning.suffix,
      "Two levels of a tree, filled one after the other; a loser's spare is used again.",
      source: "the shape of lib/generic-radix-tree.c", slots: ["root", "leaf"],
      ownStrategy: "compare-exchange-keeping-spare", racers: [("fill", 2)], fault: Cleaning.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var slotCount: Int { 2 }
  @inlinable public static var biggestAddon: Int { TreeNodeMaker.size }
  @inlinable public static var allocationsPerVisit: Int { 2 }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let root: Populated
    do {
      root = try S.populate(
        inode.slot(at: 0), of: inode, in: memory, TreeNodeMaker(children: UInt64(inode.address)))
      memory.report(.success(root.addon))
    } catch {
      memory.report(.failure)
      return
    }
    let leaf = memory.at(1)
    do {
      if case .lostKeeping(let spare, _) = root {
        leaf.report(.success(reuse(spare, of: inode, in: leaf)))
      } else {
        let made = try S.populate(inode.slot(at: 8), of: inode, in: leaf, TreeNodeMaker(children: 0))
        if case .lostKeeping(let spare, _) = made { leaf.free(spare) }
        leaf.report(.success(made.addon))
      }
    } catch {
      leaf.report(.failure)
    }
  }

  @inlinable @inline(__always)
  static func reuse<M: Memory>(_ spare: Addon, of inode: Inode, in memory: M) -> Addon {
    let slot = inode.slot(at: 8)
    if let leaf = S.look(at: slot, of: inode, in: memory) {
      memory.free(spare)
      return leaf
    }
    Cleaning.clean(spare, in: memory)
    let start = memory.began()
    switch memory.compareExchange(slot, nil, spare, .acquiringAndReleasing, failure: .acquiring) {
    case .won:
      memory.ended(start, .attached(spare))
      return spare
    case .lost(let winner):
      memory.free(spare)
      if let winner { memory.ended(start, .found(winner)) }
      return winner ?? spare
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let root = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(TreeNodeMaker.children(root), holds: UInt64(inode.address), .initialised)
    }
    if let leaf = memory.slotShows(memory.load(inode.slot(at: 8), .relaxed), slot: 1) {
      memory.expect(TreeNodeMaker.children(leaf), holds: 0, .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func checkAtEviction<M: Memory>(of inode: Inode, in memory: M) {
    if let leaf = memory.load(inode.slot(at: 8), .acquiring) {
      memory.expect(TreeNodeMaker.children(leaf), holds: 0, .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    if let leaf = memory.load(inode.slot(at: 8), .relaxed) {
      S.empty(inode.slot(at: 8), of: inode, in: memory.at(1))
      memory.free(leaf)
    }
    if let root = memory.load(inode.slot(at: 0), .relaxed) {
      S.empty(inode.slot(at: 0), of: inode, in: memory)
      memory.free(root)
    }
  }
}

/// Whether a spare is made clean before it is used again.
public protocol SpareCleaning {
  static func clean<M: Memory>(_ spare: Addon, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

public enum SpareZeroed: SpareCleaning {
  @inlinable @inline(__always) public static func clean<M: Memory>(_ spare: Addon, in memory: M) {
    memory.write(TreeNodeMaker.children(spare), 0)
  }
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// A tree node of 64 bytes, zeroed.
@frozen public struct TreeNodeMaker: Maker {
  public let children: UInt64
  @inlinable @inline(__always) public init(children: UInt64) { self.children = children }
  @inlinable public static var size: Int { 64 }
  @inlinable @inline(__always) public static func children(_ node: Addon) -> Word64 { node.word64(at: 0) }
  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }
  @inlinable @inline(__always) public func initialise<M: Memory>(_ node: Addon, in memory: M) {
    memory.write(Self.children(node), children)
  }
}
