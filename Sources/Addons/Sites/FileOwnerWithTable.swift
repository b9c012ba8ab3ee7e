import AddonMemory

/// As `file-owner`, but initialisation also writes an entry of a table *outside* the addon, which readers look up.
///
/// An address dependency orders what is reached through the pointer, and nothing else: with a dependent read this is
/// wrong even in the kernel's model; a reader that acquires is right.
@frozen public enum FileOwnerWithTable<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case setOwner, read
    public var sentence: String {
      switch self {
      case .setOwner: "Makes sure that there is an owner, and reads the table's entry for it."
      case .read: "Looks, and reads the table's entry if there is an owner."
      }
    }
    @inlinable public var looksOnly: Bool { self == .read }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "file-owner-with-table", "A file's owner whose initialisation also writes a table outside the addon.",
      source: "the shape of kernel ab673b987488, 97c6327f7192, 777afe4e68d7", slots: ["f_owner"],
      ownStrategy: "compare-exchange", racers: [("set-owner", 1), ("read", 1)],
      fault: S.about.rightIn.contains(.c11)
        ? nil
        : Fault(
          "dependency is not enough", happenedAs: "kernel ab673b987488, 97c6327f7192, 777afe4e68d7, f3db0bed4583",
          caught: .byThreadSanitizer, rightIn: .strongOnly))
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 16 }
  @inlinable public static var biggestAddon: Int { OwnerMaker.size }

  /// This file's entry of the table.
  @inlinable @inline(__always) static func entry(_ inode: Inode) -> Word64 { inode.word64(at: 8) }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .setOwner:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, OwnerAndTableMaker(file: inode))
        memory.expect(entry(inode), holds: UInt64(inode.address), .initialised)
        memory.report(.success(populated.addon))
      } catch {
        memory.report(.failure)
      }
    case .read:
      guard let owner = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.expect(entry(inode), holds: UInt64(inode.address), .initialised)
      memory.report(.success(owner))
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let owner = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(OwnerMaker.file(owner), holds: UInt64(inode.address), .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    memory.write(entry(inode), 0)
    FileOwner<S>.tearDown(inode, in: memory)
  }
}

/// An owner, and its entry in the table. The entry is written plainly, so only one racer may make owners here; the
/// question is the order against readers.
@frozen public struct OwnerAndTableMaker: Maker {
  public let file: Inode
  @inlinable @inline(__always) public init(file: Inode) { self.file = file }
  @inlinable public var kind: AddonKind { OwnerMaker(file: file).kind }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ owner: Addon, in memory: M) {
    OwnerMaker(file: file).initialise(owner, in: memory)
    memory.write(file.word64(at: 8), UInt64(file.address))
  }
}
