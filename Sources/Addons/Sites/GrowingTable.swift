import AddonMemory

/// A table that hangs off a slot and grows by copying: whoever finds it full makes one of twice the size, copies the
/// entries, publishes it, and leaves the old one to a grace period. Whatever changes entries does so under the lock, so
/// that nothing changes in a table that is being copied.
@frozen public enum GrowingTable<Variant: GrowingTableVariant>: Site {
  public enum Role: UInt8, SiteRole {
    case add, remove, mark, look
    public var sentence: String {
      switch self {
      case .add: "Adds an entry: makes the table, or one of twice the size if it is full."
      case .remove: "Removes the first entry that is not marked, if there is one."
      case .mark: "Marks the first entry that is not, if there is one."
      case .look: "Under RCU: reads the entries."
      }
    }
    @inlinable public var looksOnly: Bool { self != .add }
    public var detaches: Bool { self == .add }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "growing-table" + Variant.suffix, "A table of entries that is replaced by a bigger copy when it is full.",
      source: "synthetic", slots: ["table"], ownStrategy: "double-checked-lock",
      racers: [("add", 2), ("remove", 1)], fault: Variant.fault)
  }
  public static var strategy: StrategyDescription { DoubleCheckedLock.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { TableMaker.size(of: TableMaker.most) }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) { memory.initialise(inode.lock) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    switch role {
    case .add:
      memory.lock(inode.lock)
      add(to: inode, in: memory)
      memory.unlock(inode.lock)
    case .remove:
      memory.enterReadSection(.rcu)
      if Variant.locksToRemove { memory.lock(inode.lock) }
      replaceEntry(by: 0, at: inode, in: memory)
      if Variant.locksToRemove { memory.unlock(inode.lock) }
      memory.leaveReadSection(.rcu)
    case .mark:
      memory.enterReadSection(.rcu)
      if Variant.locksToMark { memory.lock(inode.lock) }
      replaceEntry(by: TableMaker.marked, at: inode, in: memory)
      if Variant.locksToMark { memory.unlock(inode.lock) }
      memory.leaveReadSection(.rcu)
    case .look:
      memory.enterReadSection(.rcu)
      look(at: inode, in: memory)
      memory.leaveReadSection(.rcu)
    }
  }

  @inlinable @inline(__always)
  static func add<M: Memory>(to inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    let old = memory.load(slot, .relaxed)
    let capacity = old.map { memory.read(TableMaker.capacity($0)) } ?? 0
    if let old, let free = TableMaker.first(where: { $0 == 0 }, in: old, capacity, memory) {
      memory.store(free, TableMaker.entry, .relaxed)
      return memory.report(.success(old))
    }
    guard capacity < TableMaker.most, let grown = memory.block(of: TableMaker.kind(of: max(1, 2 &* capacity))) else {
      return memory.report(.failure)
    }
    memory.write(TableMaker.capacity(grown), max(1, 2 &* capacity))
    if let old {
      for index in 0..<capacity {
        memory.store(TableMaker.cell(grown, index), memory.load(TableMaker.cell(old, index), .relaxed), .relaxed)
      }
      memory.window()
    }
    memory.store(TableMaker.cell(grown, capacity), TableMaker.entry, .relaxed)
    let start = memory.began()
    memory.store(slot, grown, .releasing)
    if let old {
      memory.ended(start, .detached(old))
      memory.freeAfterGracePeriod(old, .rcu)
    }
    memory.ended(memory.began(), .attached(grown))
    memory.report(.success(grown))
  }

  /// The first that is not marked.
  @inlinable @inline(__always)
  static func replaceEntry<M: Memory>(by value: UInt64, at inode: Inode, in memory: M) {
    guard let table = memory.load(inode.slot(at: 0), .acquiring) else { return memory.report(.absent) }
    let capacity = memory.read(TableMaker.capacity(table))
    guard let cell = TableMaker.first(where: { $0 == TableMaker.entry }, in: table, capacity, memory),
      memory.compareExchange(cell, TableMaker.entry, value, .relaxed, failure: .relaxed) == TableMaker.entry
    else { return memory.report(.absent) }
    memory.report(.success(nil))
  }

  @inlinable @inline(__always)
  static func look<M: Memory>(at inode: Inode, in memory: M) {
    guard let table = memory.load(inode.slot(at: 0), .acquiring) else { return memory.report(.absent) }
    memory.window()
    for index in 0..<memory.read(TableMaker.capacity(table)) {
      let entry = memory.load(TableMaker.cell(table, index), .relaxed)
      if entry != 0, entry != TableMaker.entry, entry != TableMaker.marked {
        memory.violated(.initialised, seen: entry, expected: 0, at: table.address)
      }
    }
    memory.report(.success(table))
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    guard let table = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) else { return }
    var entries = 0
    var marked = 0
    for index in 0..<memory.read(TableMaker.capacity(table)) {
      let entry = memory.load(TableMaker.cell(table, index), .relaxed)
      if entry != 0 { entries &+= 1 }
      if entry == TableMaker.marked { marked &+= 1 }
    }
    expect(entries, successes(.add, memory) &- successes(.remove, memory), of: table, in: memory)
    expect(marked, successes(.mark, memory), of: table, in: memory)
  }

  @inlinable @inline(__always)
  static func successes<M: Memory>(_ role: Role, _ memory: M) -> Int { memory.successes(ofRole: Int(role.rawValue)) }

  @inlinable @inline(__always)
  static func expect<M: Memory>(_ seen: Int, _ expected: Int, of table: Addon, in memory: M) {
    if seen == expected { return }
    memory.violated(
      .winnerEffect, seen: UInt64(seen), expected: UInt64(bitPattern: Int64(expected)), at: table.address)
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let start = memory.began()
    guard let table = memory.load(inode.slot(at: 0), .relaxed) else { return }
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.ended(start, .detached(table))
    memory.free(table)
  }
}

/// Where a faulty growing table departs from the right one.
public protocol GrowingTableVariant {
  static var locksToRemove: Bool { get }
  static var locksToMark: Bool { get }
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension GrowingTableVariant {
  @inlinable public static var locksToRemove: Bool { true }
  @inlinable public static var locksToMark: Bool { true }
}

public enum ChangedUnderLock: GrowingTableVariant {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }
}

/// A table: its capacity, and a cell for each entry, 8 bytes each; zeroed; made without sleeping.
public enum TableMaker {
  /// The most entries.
  @inlinable public static var most: UInt64 { 64 }
  @inlinable public static var entry: UInt64 { 0xe9 }
  /// An entry that is marked.
  @inlinable public static var marked: UInt64 { 0xea }
  @inlinable public static func size(of capacity: UInt64) -> Int { 8 &+ 8 &* Int(capacity) }
  @inlinable public static func kind(of capacity: UInt64) -> AddonKind {
    AddonKind(size: size(of: capacity), zeroed: true, maySleep: false)
  }
  /// Plain: written before the table is published.
  @inlinable @inline(__always) public static func capacity(_ table: Addon) -> Word64 { table.word64(at: 0) }
  @inlinable @inline(__always) public static func cell(_ table: Addon, _ index: UInt64) -> Word64 {
    table.word64(at: 8 &+ 8 &* UInt(index))
  }

  @inlinable @inline(__always)
  static func first<M: Memory>(
    where isIt: (UInt64) -> Bool, in table: Addon, _ capacity: UInt64, _ memory: M
  ) -> Word64? {
    var index: UInt64 = 0
    while index < min(capacity, most) {
      let cell = cell(table, index)
      if isIt(memory.load(cell, .relaxed)) { return cell }
      index &+= 1
    }
    return nil
  }
}
