import AddonMemory

/// `inode->i_crypt_info`: an inode's encryption key, set up at its first use.
///
/// Published with release. Only the winner then links it to the master key: sets the key link, counts a reference and
/// adds it to the key's list, so there is a window in which the info is visible and not yet linked. Readers without a lock
/// look into that window, and take an info without a link as one whose key is there. Removing the key does not: its
/// semaphore is held shared from the look-up of the key until the info is linked. A loser frees its own, whose key link is
/// still unset, and returns 0; so does who finds no key, and the slot stays NULL. Freed at eviction, which unlinks it and
/// clears the slot.
///
/// All inodes of a round are on one key's list. The key's semaphore, and whether it is there, are each inode's own here, so
/// that the key can be removed at each.
@frozen public enum CryptInfo<S: Strategy, Linking: KeyLinking>: Site {
  public enum Role: UInt8, SiteRole {
    case setup, use, drop, removeKey
    public var sentence: String {
      switch self {
      case .setup: "fscrypt_get_encryption_info: makes sure that there is an info; the winner links it to the key."
      case .use: "Looks, as fscrypt_get_inode_info, and uses the key."
      case .drop: "fscrypt_drop_inode: looks, without a lock, whether the info's key is still there."
      case .removeKey:
        "fscrypt_remove_key: the key goes, unless it is being looked up, and what uses it is on its list."
      }
    }
    @inlinable public var looksOnly: Bool { self != .setup }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "crypt-info" + Linking.suffix, "An inode's encryption key; its winner alone links it to the master key.",
      source: "fs/crypto/keysetup.c, Linux 6.12", slots: ["i_crypt_info"], ownStrategy: "release-compare-exchange",
      racers: [("setup", 2)], fault: Linking.fault)
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 32 }
  @inlinable public static var sharedSize: Int { 32 }
  @inlinable public static var biggestAddon: Int { CryptMaker.size }

  @inlinable @inline(__always) static func semaphore(_ inode: Inode) -> KeySemaphore { KeySemaphore(inode) }

  @inlinable @inline(__always)
  public static func create<M: Memory>(_ inode: Inode, in memory: M) { semaphore(inode).initialise(in: memory) }

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
      guard semaphore(inode).takeShared(in: memory) else { return memory.report(.absent) }  // -ENOKEY becomes 0
      do {
        let populated = try S.populate(slot, of: inode, in: memory, CryptMaker(inode: inode))
        if !Linking.linksInsideSemaphore { semaphore(inode).leaveShared(in: memory) }
        Linking.link(populated, to: MasterKey(at: inode.shared), in: memory)
        memory.report(.success(populated.addon))
      } catch {
        if !Linking.linksInsideSemaphore { semaphore(inode).leaveShared(in: memory) }
        memory.report(.failure)
      }
      if Linking.linksInsideSemaphore { semaphore(inode).leaveShared(in: memory) }
    case .drop:
      guard let info = S.look(at: slot, of: inode, in: memory) else { return memory.report(.absent) }
      // (Plain in Linux, where the last reference is going, and nobody links any more.)
      let key = memory.load(CryptMaker.key(info), .relaxed)  // ci->ci_master_key
      if key != 0, key != UInt64(inode.shared) {
        memory.violated(.initialised, seen: key, expected: UInt64(inode.shared), at: CryptMaker.key(info).address)
      }
      memory.report(.success(info))
    case .removeKey:
      semaphore(inode).removeKey(in: memory) {
        // evict_dentries_for_decrypted_inodes comes to what is on the list: by now everything visible is.
        guard let info = memory.load(slot, .acquiring) else { return }
        let key = memory.load(CryptMaker.key(info), .relaxed)
        if key != UInt64(inode.shared) {
          memory.violated(.winnerEffect, seen: key, expected: UInt64(inode.shared), at: CryptMaker.key(info).address)
        }
      }
      memory.report(.absent)
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
    semaphore(inode).initialise(in: memory)
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
    memory.store(CryptMaker.key(info), UInt64(address), .relaxed)  // crypt_info->ci_master_key = mk
    memory.fetchAdd(references, 1, .relaxed)  // refcount_inc(&mk->mk_active_refs)
    memory.lock(lock)  // mk_decrypted_inodes_lock
    inodes.add(CryptMaker.listNode(info), in: memory)  // list_add(&ci->ci_master_key_link, ...)
    memory.unlock(lock)
  }
}

/// mk_sem and mk_present: many may hold it shared, and the key goes only when nobody does. (Linux waits for them; here who
/// would have to wait comes away with nothing.) Behind the inode's slot, 24 bytes.
@frozen public struct KeySemaphore {
  @usableFromInline let inode: Inode
  @inlinable @inline(__always) public init(_ inode: Inode) { self.inode = inode }

  @inlinable @inline(__always) var gate: Lock { inode.lock }
  @inlinable @inline(__always) var holders: Word64 { inode.word64(at: 16) }
  /// Under the gate.
  @inlinable @inline(__always) var isRemoved: Word64 { inode.word64(at: 24) }

  @inlinable @inline(__always) func initialise<M: Memory>(in memory: M) {
    memory.initialise(gate)
    memory.store(holders, 0, .relaxed)
    memory.write(isRemoved, 0)
  }

  /// down_read; whether the key is there. Acquiring.
  @inlinable @inline(__always) func takeShared<M: Memory>(in memory: M) -> Bool {
    memory.lock(gate)
    let isThere = memory.read(isRemoved) == 0
    if isThere { memory.fetchAdd(holders, 1, .relaxed) }
    memory.unlock(gate)
    return isThere
  }
  /// up_read. Releasing.
  @inlinable @inline(__always) func leaveShared<M: Memory>(in memory: M) {
    memory.fetchAdd(holders, 0 &- 1, .releasing)
  }

  /// down_write, if nobody holds it. Acquiring and releasing.
  @inlinable @inline(__always) func removeKey<M: Memory>(in memory: M, _ body: () -> Void) {
    memory.lock(gate)
    if memory.load(holders, .acquiring) == 0 {
      memory.write(isRemoved, 1)
      body()
    }
    memory.unlock(gate)
  }
}

/// Who links an info to the master key.
public protocol KeyLinking {
  /// With the key's semaphore held.
  static var linksInsideSemaphore: Bool { get }
  static func link<M: Memory>(_ populated: Populated, to key: MasterKey, in memory: M)
  static var suffix: String { get }
  static var fault: Fault? { get }
}

extension KeyLinking {
  @inlinable public static var linksInsideSemaphore: Bool { true }
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
