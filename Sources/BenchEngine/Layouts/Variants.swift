import AddonMemory
import Addons
import BenchModel
import CLayouts

/// All layouts there are.
enum Layouts {
  /// Those of fsnotify's hook.
  static let events = [
    LayoutCode(V0.self), LayoutCode(V1.self), LayoutCode(V2.self), LayoutCode(V3.self), LayoutCode(V4.self),
    LayoutCode(V5.self), LayoutCode(V6.self), LayoutCode(V7.self),
  ]
  static let all = events + [LayoutCode(LocksInline.self), LayoutCode(LocksFlagged.self)]
}

/// Today.
private enum V0: EventLayout {
  static let facts = LayoutFacts(
    "V0", "Today: mask and pointer are the inode's own.", inodeBytes: Int(LAYOUT_SIZE_TODAY), bytesElsewhere: 8,
    blocks: [Int(LAYOUT_SIZE_CONNECTOR)])

  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    reader.load32(inode &+ UInt(LAYOUT_TODAY_MASK))
  }
  @inline(__always)
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    UInt(reader.load64(inode &+ UInt(LAYOUT_TODAY_MARKS)))
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    if installConnector(inode &+ UInt(LAYOUT_TODAY_MARKS), of: inode, in: memory) == 0 { return }
    setBits(inode &+ UInt(LAYOUT_TODAY_MASK), layoutEvent, in: memory)
  }
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    remove(inode &+ UInt(LAYOUT_TODAY_MARKS), in: memory)
    clear32(inode &+ UInt(LAYOUT_TODAY_MASK), in: memory)
  }
}

/// One pointer to a container with what every feature attaches.
private protocol ContainerLayout: EventLayout {
  /// Where the pointer is.
  static func pointer<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt
  /// Says that the inode is watched, where hooks look.
  static func announce(_ inode: UInt, _ container: UInt, in memory: HardwareMemory)
  static func withdraw(_ inode: UInt, in memory: HardwareMemory)
}

extension ContainerLayout {
  @inline(__always) static func pointer<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt {
    inode &+ UInt(LAYOUT_ADDONS)
  }
  @inline(__always) static func maskInContainer<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt32 {
    let container = UInt(reader.load64(pointer(of: inode, reader)))
    return container == 0 ? 0 : reader.load32(container &+ UInt(LAYOUT_ADDONS_MASK))
  }
  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    maskInContainer(of: inode, reader)
  }
  @inline(__always)
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    UInt(reader.load64(UInt(reader.load64(pointer(of: inode, reader))) &+ UInt(LAYOUT_ADDONS_MARKS)))
  }

  @inline(__always) private static func container(of inode: UInt, in memory: HardwareMemory) -> UInt {
    install(pointer(of: inode, MachineReader()), facts.blocks[0], in: memory)
  }
  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let container = container(of: inode, in: memory)
    if container != 0 {
      _ = install(container &+ UInt(LAYOUT_ADDONS_BPF), Int(LAYOUT_SIZE_STORAGE), in: memory)
    }
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let container = container(of: inode, in: memory)
    if container == 0 || installConnector(container &+ UInt(LAYOUT_ADDONS_MARKS), of: inode, in: memory) == 0 { return }
    announce(inode, container, in: memory)
  }
  static func announce(_ inode: UInt, _ container: UInt, in memory: HardwareMemory) {
    setBits(container &+ UInt(LAYOUT_ADDONS_MASK), layoutEvent, in: memory)
  }
  static func withdraw(_ inode: UInt, in memory: HardwareMemory) {}
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    withdraw(inode, in: memory)
    let pointer = pointer(of: inode, MachineReader())
    guard let container = memory.load(Slot(pointer), .relaxed)?.address else { return }
    remove(container &+ UInt(LAYOUT_ADDONS_MARKS), in: memory)
    remove(container &+ UInt(LAYOUT_ADDONS_BPF), in: memory)
    remove(pointer, in: memory)
  }
}

private enum V1: ContainerLayout {
  static let facts = LayoutFacts(
    "V1", "The mask in the hole after i_state, the rest in a container.",
    inodeBytes: Int(LAYOUT_SIZE_WITH_CONTAINER), blocks: [Int(LAYOUT_ADDONS_MASK), Int(LAYOUT_SIZE_CONNECTOR)])

  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    reader.load32(inode &+ UInt(LAYOUT_HOLE))
  }
  static func announce(_ inode: UInt, _ container: UInt, in memory: HardwareMemory) {
    setBits(inode &+ UInt(LAYOUT_HOLE), layoutEvent, in: memory)
  }
  static func withdraw(_ inode: UInt, in memory: HardwareMemory) { clear32(inode &+ UInt(LAYOUT_HOLE), in: memory) }
}

private enum V2: ContainerLayout {
  static let facts = LayoutFacts(
    "V2", "The proposal: everything in the container.", inodeBytes: Int(LAYOUT_SIZE_WITH_CONTAINER),
    blocks: [Int(LAYOUT_SIZE_ADDONS), Int(LAYOUT_SIZE_CONNECTOR)])
}

private enum V3: ContainerLayout {
  static let facts = LayoutFacts(
    "V3", "The container, and a bit in i_opflags that says that the inode is watched.",
    inodeBytes: Int(LAYOUT_SIZE_WITH_CONTAINER), blocks: [Int(LAYOUT_SIZE_ADDONS), Int(LAYOUT_SIZE_CONNECTOR)])

  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    if reader.load32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS)) & layoutFlag == 0 { return 0 }
    return maskInContainer(of: inode, reader)
  }
  static func announce(_ inode: UInt, _ container: UInt, in memory: HardwareMemory) {
    setBits(container &+ UInt(LAYOUT_ADDONS_MASK), layoutEvent, in: memory)
    setBits(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), layoutFlag, in: memory)
  }
  static func withdraw(_ inode: UInt, in memory: HardwareMemory) {
    clear32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), in: memory)
  }
}

private enum V4: EventLayout {
  static let facts = LayoutFacts(
    "V4", "A pointer for each feature, and the mask in the connector.", inodeBytes: Int(LAYOUT_SIZE_WITH_POINTERS),
    blocks: [Int(LAYOUT_SIZE_CONNECTOR)])

  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    let connector = connector(of: inode, shared, reader)
    return connector == 0 ? 0 : reader.load32(connector &+ UInt(LAYOUT_CONNECTOR_MASK))
  }
  @inline(__always)
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    UInt(reader.load64(inode &+ UInt(LAYOUT_POINTERS_MARKS)))
  }
  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    _ = install(inode &+ UInt(LAYOUT_POINTERS_BPF), Int(LAYOUT_SIZE_STORAGE), in: memory)
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let connector = installConnector(inode &+ UInt(LAYOUT_POINTERS_MARKS), of: inode, in: memory)
    if connector != 0 { setBits(connector &+ UInt(LAYOUT_CONNECTOR_MASK), layoutEvent, in: memory) }
  }
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    remove(inode &+ UInt(LAYOUT_POINTERS_MARKS), in: memory)
    remove(inode &+ UInt(LAYOUT_POINTERS_BPF), in: memory)
  }
}

private enum V5: ContainerLayout {
  static let facts = LayoutFacts(
    "V5", "The container's pointer in the file system's own inode, at an offset that the superblock knows.",
    inodeBytes: Int(LAYOUT_SIZE_BARE) + 8, blocks: [Int(LAYOUT_SIZE_ADDONS), Int(LAYOUT_SIZE_CONNECTOR)])

  @inline(__always) static func pointer<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt {
    let superblock = UInt(reader.load64(inode &+ UInt(LAYOUT_SB)))
    return inode &+ UInt(reader.load64(superblock &+ UInt(LAYOUT_SUPERBLOCK_OFFSET)))
  }
}

/// The entries of a bucket form a list; the lowest bit of its head is its lock. Readers take no lock.
private enum V6: EventLayout {
  /// A bucket's pointer comes to 8 bytes for each entry where there are as many as buckets.
  static let facts = LayoutFacts(
    "V6", "A side table keyed by the inode's address, behind a bit in i_opflags.", inodeBytes: Int(LAYOUT_SIZE_BARE),
    blocks: [Int(LAYOUT_SIZE_ENTRY), Int(LAYOUT_SIZE_CONNECTOR), 8])

  @inline(__always)
  private static func entry<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    var entry = UInt(reader.load64(shared.bucket(of: inode))) & ~1
    while entry != 0, UInt(reader.load64(entry &+ UInt(LAYOUT_ENTRY_INODE))) != inode {
      entry = UInt(reader.load64(entry &+ UInt(LAYOUT_ENTRY_NEXT)))
    }
    return entry
  }
  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    if reader.load32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS)) & layoutFlag == 0 { return 0 }
    let entry = entry(of: inode, shared, reader)
    return entry == 0 ? 0 : reader.load32(entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_MASK))
  }
  @inline(__always)
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    UInt(reader.load64(entry(of: inode, shared, reader) &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_MARKS)))
  }

  /// Runs the body with the bucket's list and nobody else; it answers the new head.
  @inline(__always)
  private static func withBucket(
    of inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory, _ body: (UInt) -> UInt
  ) {
    let bucket = Word64(shared.bucket(of: inode))
    var head = memory.fetchOr(bucket, 1, .acquiring)
    while head & 1 != 0 {
      memory.pause()
      head = memory.fetchOr(bucket, 1, .acquiring)
    }
    memory.store(bucket, UInt64(body(UInt(head))), .releasing)
  }

  /// The inode's entry: looked for without the lock, and then under it.
  private static func makeEntry(of inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) -> UInt {
    var found = entry(of: inode, shared, MachineReader())
    if found != 0 { return found }
    guard let mine = try? ZeroedBlock(Int(LAYOUT_SIZE_ENTRY)).make(in: memory) else { return 0 }
    memory.store(mine.word64(at: UInt(LAYOUT_ENTRY_INODE)), UInt64(inode), .relaxed)
    withBucket(of: inode, shared, in: memory) { head in
      found = head
      while found != 0, UInt(memory.load(Word64(found &+ UInt(LAYOUT_ENTRY_INODE)), .relaxed)) != inode {
        found = UInt(memory.load(Word64(found &+ UInt(LAYOUT_ENTRY_NEXT)), .relaxed))
      }
      if found != 0 { return head }
      memory.store(mine.word64(at: UInt(LAYOUT_ENTRY_NEXT)), UInt64(head), .relaxed)
      return mine.address
    }
    if found == 0 { found = mine.address } else { memory.free(mine) }
    setBits(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), layoutFlag, in: memory)
    return found
  }

  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let entry = makeEntry(of: inode, shared, in: memory)
    if entry != 0 {
      _ = install(entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_BPF), Int(LAYOUT_SIZE_STORAGE), in: memory)
    }
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let entry = makeEntry(of: inode, shared, in: memory)
    if entry == 0 { return }
    let marks = entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_MARKS)
    if installConnector(marks, of: inode, in: memory) == 0 { return }
    setBits(entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_MASK), layoutEvent, in: memory)
  }
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    clear32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), in: memory)
    let entry = entry(of: inode, shared, MachineReader())
    if entry == 0 { return }
    withBucket(of: inode, shared, in: memory) { head in
      let next = UInt(memory.load(Word64(entry &+ UInt(LAYOUT_ENTRY_NEXT)), .relaxed))
      if head == entry { return next }
      var before = head
      while UInt(memory.load(Word64(before &+ UInt(LAYOUT_ENTRY_NEXT)), .relaxed)) != entry {
        before = UInt(memory.load(Word64(before &+ UInt(LAYOUT_ENTRY_NEXT)), .relaxed))
      }
      memory.store(Word64(before &+ UInt(LAYOUT_ENTRY_NEXT)), UInt64(next), .relaxed)
      return head
    }
    remove(entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_MARKS), in: memory)
    remove(entry &+ UInt(LAYOUT_ENTRY_ADDONS + LAYOUT_ADDONS_BPF), in: memory)
    memory.free(Addon(address: entry))
  }
}

private enum V7: EventLayout {
  static let facts = LayoutFacts(
    "V7", "A storage as bpf's, with a cache of 16 elements: one of them the mask and the marks.",
    inodeBytes: Int(LAYOUT_SIZE_WITH_CONTAINER),
    blocks: [Int(LAYOUT_SIZE_STORAGE), Int(LAYOUT_SIZE_ELEMENT), Int(LAYOUT_SIZE_CONNECTOR)])

  private static let storage = UInt(LAYOUT_ADDONS)
  private static let cached = UInt(LAYOUT_STORAGE_CACHE + 8)
  private static let another = UInt(LAYOUT_STORAGE_CACHE + 16)

  @inline(__always)
  private static func element<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    let storage = UInt(reader.load64(inode &+ UInt(LAYOUT_ADDONS)))
    if storage == 0 { return 0 }
    let element = UInt(reader.load64(storage &+ UInt(LAYOUT_STORAGE_CACHE + 8)))
    if element == 0 || reader.load64(element &+ UInt(LAYOUT_ELEMENT_MAP)) != shared.map { return 0 }
    return element
  }
  @inline(__always)
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32 {
    let element = element(of: inode, shared, reader)
    return element == 0 ? 0 : reader.load32(element &+ UInt(LAYOUT_ELEMENT_MASK))
  }
  @inline(__always)
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt {
    UInt(reader.load64(element(of: inode, shared, reader) &+ UInt(LAYOUT_ELEMENT_MARKS)))
  }

  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let storage = install(inode &+ storage, Int(LAYOUT_SIZE_STORAGE), in: memory)
    if storage != 0 { _ = install(storage &+ another, Int(LAYOUT_SIZE_ELEMENT), in: memory) }
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    let storage = install(inode &+ storage, Int(LAYOUT_SIZE_STORAGE), in: memory)
    if storage == 0 { return }
    let block = ZeroedBlock(Int(LAYOUT_SIZE_ELEMENT), with: shared.map, at: Int(LAYOUT_ELEMENT_MAP))
    let element = install(storage &+ cached, block, in: memory)
    if element == 0 || installConnector(element &+ UInt(LAYOUT_ELEMENT_MARKS), of: inode, in: memory) == 0 { return }
    setBits(element &+ UInt(LAYOUT_ELEMENT_MASK), layoutEvent, in: memory)
  }
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    guard let storage = memory.load(Slot(inode &+ storage), .relaxed)?.address else { return }
    if let element = memory.load(Slot(storage &+ cached), .relaxed)?.address {
      remove(element &+ UInt(LAYOUT_ELEMENT_MARKS), in: memory)
    }
    remove(storage &+ cached, in: memory)
    remove(storage &+ another, in: memory)
    remove(inode &+ self.storage, in: memory)
  }
}

// MARK: File locks

/// A layout of an inode's file locks: every close asks whether there are any.
private protocol LocksLayout: Layout {}

extension LocksLayout {
  /// Whether the superblock is watched, and what else an inode carries, is all the same here.
  static var regimes: [LayoutRegime] { [.superblockWatched, .inodeWatched] }

  /// What the path that closes a file has read anyway.
  @inline(__always) static func superblock<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt64 {
    reader.load64(inode &+ UInt(LAYOUT_SB))
  }
  @inline(__always) static func lists<R: LayoutReader>(of inode: UInt, _ reader: R) -> UInt64 {
    let context = UInt(reader.load64(inode &+ UInt(LAYOUT_FLCTX)))
    return context == 0 ? 0 : reader.load64(context &+ UInt(LAYOUT_LOCK_CONTEXT_LISTS))
  }
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    remove(inode &+ UInt(LAYOUT_FLCTX), in: memory)
    clear32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), in: memory)
  }
}

private enum LocksInline: LocksLayout {
  static let facts = LayoutFacts(
    "locks-inline", "File locks: the pointer next to i_readcount is asked at every close.",
    inodeBytes: Int(LAYOUT_SIZE_TODAY), blocks: [Int(LAYOUT_SIZE_LOCK_CONTEXT)])

  @inline(__always)
  static func hook<R: LayoutReader>(_ inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt64 {
    superblock(of: inode, reader) == 0 ? 0 : lists(of: inode, reader)
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    _ = install(inode &+ UInt(LAYOUT_FLCTX), Int(LAYOUT_SIZE_LOCK_CONTEXT), in: memory)
  }
}

private enum LocksFlagged: LocksLayout {
  static let facts = LayoutFacts(
    "locks-flagged", "File locks: a bit in i_opflags says whether the pointer is worth a look.",
    inodeBytes: Int(LAYOUT_SIZE_TODAY), blocks: [Int(LAYOUT_SIZE_LOCK_CONTEXT)])

  @inline(__always)
  static func hook<R: LayoutReader>(_ inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt64 {
    if superblock(of: inode, reader) == 0 { return 0 }
    if reader.load32(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS)) & layoutFlag == 0 { return 0 }
    return lists(of: inode, reader)
  }
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {
    if install(inode &+ UInt(LAYOUT_FLCTX), Int(LAYOUT_SIZE_LOCK_CONTEXT), in: memory) == 0 { return }
    setBits(inode &+ UInt(LAYOUT_MODE_AND_OPFLAGS), layoutFlag, in: memory)
  }
}
