import AddonMemory

/// `file->f_owner`: who gets SIGIO, allocated by the first fcntl that asks for it.
///
/// The addon has its readers-writer lock initialised and its back pointer set before publication. `file_f_owner_allocate`
/// returns 0 to winner and loser alike and does not look again; callers re-read. Freed at file release, without RCU.
@frozen public enum FileOwner<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case allocate, setOwner, read
    public var sentence: String {
      switch self {
      case .allocate: "file_f_owner_allocate alone: makes sure that there is an owner."
      case .setOwner: "f_setown: allocates, looks again, takes the owner's lock alone and writes the process number."
      case .read: "f_getown: looks, and reads under a share of the lock what it finds."
      }
    }
    @inlinable public var looksOnly: Bool { self == .read }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "file-owner", "A file's SIGIO owner, allocated by the first fcntl that needs it.",
      source: "fs/fcntl.c, Linux 6.12", slots: ["f_owner"], ownStrategy: "full-compare-exchange",
      racers: [("allocate", 2)])
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { OwnerMaker.size }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .allocate:
      do {
        memory.report(.success(try S.populate(slot, of: inode, in: memory, OwnerMaker(file: inode)).addon))
      } catch {
        memory.report(.failure)
      }
    case .setOwner:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, OwnerMaker(file: inode))
        let handedOut = S.callersLookAgain ? nil : populated.addon
        let owner = handedOut ?? S.look(at: slot, of: inode, in: memory)
        if let owner { modify(owner, of: inode, in: memory) }
        memory.report(.success(owner))
      } catch {
        memory.report(.failure)
      }
    case .read:
      guard let owner = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.expect(OwnerMaker.file(owner), holds: UInt64(inode.address), .initialised)
      memory.lockShared(OwnerMaker.lock(owner))  // read_lock_irq
      _ = memory.read(OwnerMaker.process(owner))  // pid_vnr(f_owner->pid)
      memory.unlockShared(OwnerMaker.lock(owner))
      memory.report(.success(owner))
    }
  }

  /// The rest of __f_setown.
  @inlinable @inline(__always)
  static func modify<M: Memory>(_ owner: Addon, of inode: Inode, in memory: M) {
    memory.expect(OwnerMaker.file(owner), holds: UInt64(inode.address), .initialised)
    memory.lock(OwnerMaker.lock(owner))  // write_lock_irq
    memory.write(OwnerMaker.process(owner), UInt64(memory.racer))  // f_owner->pid = get_pid(pid)
    memory.unlock(OwnerMaker.lock(owner))
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let owner = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(OwnerMaker.file(owner), holds: UInt64(inode.address), .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let owner = memory.load(slot, .relaxed) else { return }
    S.empty(slot, of: inode, in: memory)
    memory.free(owner)
  }
}

/// struct fown_struct: 40 bytes, zeroed.
@frozen public struct OwnerMaker: Maker {
  public let file: Inode
  @inlinable @inline(__always) public init(file: Inode) { self.file = file }

  @inlinable public static var size: Int { 40 }
  @inlinable @inline(__always) public static func lock(_ owner: Addon) -> ReadersWriterLock {
    owner.readersWriterLock(at: 0)
  }
  @inlinable @inline(__always) public static func process(_ owner: Addon) -> Word64 { owner.word64(at: 8) }
  @inlinable @inline(__always) public static func file(_ owner: Addon) -> Word64 { owner.word64(at: 16) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ owner: Addon, in memory: M) {
    memory.initialise(Self.lock(owner))
    memory.write(Self.file(owner), UInt64(file.address))
  }
}
