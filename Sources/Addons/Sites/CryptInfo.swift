import AddonMemory

/// `inode->i_crypt_info`: an inode's encryption key, set up at its first use.
///
/// Published with release. Only the winner then links it to the master key: sets the key link, counts a reference and
/// adds it to the key's list, so there is a window in which the info is visible and not yet linked. A loser frees its
/// own, whose key link is still unset, and returns 0. Freed at eviction, which unlinks it and clears the slot.
@frozen public enum CryptInfo<S: Strategy, Linking: KeyLinking>: Site {
  public enum Role: UInt8, SiteRole {
    case setup, use
    public var sentence: String {
      switch self {
      case .setup: "fscrypt_get_encryption_info: makes sure that there is an info; the winner links it to the key."
      case .use: "Looks, as fscrypt_get_inode_info, and uses the key."
      }
    }
    @inlinable public var looksOnly: Bool { self == .use }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "crypt-info" + Linking.suffix, "An inode's encryption key; its winner alone links it to the master key.",
      source: "fs/crypto/keysetup.c, Linux 6.12", slots: ["i_crypt_info"], ownStrategy: "release-compare-exchange",
      racers: [("setup", 2)], fault: Linking.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var sharedSize: Int { 32 }
  @inlinable public static var biggestAddon: Int { CryptMaker.size }

  @inlinable @inline(__always)
  public static func createShared<M: Memory>(at shared: UInt, in memory: M) {
    let key = MasterKey(at: shared)
    memory.initialise(key.lock)
    memory.store(key.references, 0, .relaxed)
    key.inodes.initialise(in: memory)
  }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    let slot = inode.slot(at: 0)
    switch role {
    case .setup:
      do {
        let populated = try S.populate(slot, of: inode, in: memory, CryptMaker(inode: inode))
        Linking.link(populated, to: MasterKey(at: inode.shared), in: memory)
        memory.report(.success(populated.addon))
      } catch {
        memory.report(.failure)
      }
    case .use:
      guard let info = S.look(at: slot, of: inode, in: memory) else {
        memory.report(.absent)
        return
      }
      memory.expect(CryptMaker.inode(info), holds: UInt64(inode.address), .initialised)
      memory.expect(CryptMaker.secret(info), holds: CryptMaker.someSecret, .initialised)
      memory.report(.success(info))
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    if let info = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(CryptMaker.inode(info), holds: UInt64(inode.address), .initialised)
      memory.expect(CryptMaker.secret(info), holds: CryptMaker.someSecret, .initialised)
      memory.expect(CryptMaker.key(info), holds: UInt64(inode.shared), .winnerEffect)
    }
  }

  @inlinable @inline(__always)
  public static func inspectShared<M: Memory>(at shared: UInt, in memory: M) {
    let key = MasterKey(at: shared)
    memory.expect(key.references, holds: UInt64(memory.populations(ofSlot: 0)), .winnerEffect)
    var node = UInt(memory.read(Word64(key.inodes.head)))
    while node != key.inodes.head, node != 0 {
      if !memory.reachThroughList(CryptMaker.info(ofListNode: node)) { break }
      node = UInt(memory.read(Word64(node)))
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let slot = inode.slot(at: 0)
    guard let info = memory.load(slot, .relaxed) else { return }
    if memory.read(CryptMaker.key(info)) != 0 {
      let key = MasterKey(at: inode.shared)
      memory.lock(key.lock)
      List.remove(CryptMaker.listNode(info), in: memory)
      memory.unlock(key.lock)
      memory.fetchAdd(key.references, UInt64(bitPattern: -1), .releasing)
    }
    S.empty(slot, of: inode, in: memory)
    memory.free(info)
  }
}

/// struct fscrypt_master_key: a lock, a count of references and the list of inodes that use it.
@frozen public struct MasterKey {
  public let address: UInt
  @inlinable @inline(__always) public init(at address: UInt) { self.address = address }
  @inlinable @inline(__always) public var lock: Lock { Lock(address) }
  @inlinable @inline(__always) public var references: Word64 { Word64(address &+ 8) }
  @inlinable @inline(__always) public var inodes: List { List(at: address &+ 16) }

  @inlinable @inline(__always)
  public func link<M: Memory>(_ info: Addon, in memory: M) {
    memory.write(CryptMaker.key(info), UInt64(address))
    memory.fetchAdd(references, 1, .relaxed)
    memory.lock(lock)
    inodes.add(CryptMaker.listNode(info), in: memory)
    memory.unlock(lock)
  }
}

/// Who links an info to the master key.
public protocol KeyLinking {
  static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

/// The winner, after publication.
public enum WinnerLinks: KeyLinking {
  public static var suffix: String { "" }
  public static var fault: Fault? { nil }

  @inlinable @inline(__always)
  public static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M) {
    if case .won(let info) = populated {
      memory.window()
      key.link(info, in: memory)
    }
  }
}

/// struct fscrypt_inode_info: 120 bytes, zeroed.
@frozen public struct CryptMaker: Maker {
  public let inode: Inode
  @inlinable @inline(__always) public init(inode: Inode) { self.inode = inode }

  @inlinable public static var size: Int { 120 }
  @inlinable public static var someSecret: UInt64 { 0x5ec2e7 }
  @inlinable @inline(__always) public static func secret(_ info: Addon) -> Word64 { info.word64(at: 0) }
  @inlinable @inline(__always) public static func inode(_ info: Addon) -> Word64 { info.word64(at: 32) }
  @inlinable @inline(__always) public static func key(_ info: Addon) -> Word64 { info.word64(at: 40) }
  @inlinable @inline(__always) public static func listNode(_ info: Addon) -> UInt { info.address &+ 48 }
  @inlinable @inline(__always)
  public static func info(ofListNode node: UInt) -> Addon { Addon(address: node &- 48) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ info: Addon, in memory: M) {
    memory.write(Self.secret(info), Self.someSecret)
    memory.write(Self.inode(info), UInt64(inode.address))
  }
}
