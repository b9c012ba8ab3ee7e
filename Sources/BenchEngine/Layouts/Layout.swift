import AddonMemory
import Addons
import BenchModel
import CAtomics
import CLayouts

/// Where an inode keeps what is attached to it: how a hook finds it, and what the first watch has to make.
protocol Layout: SendableMetatype {
  static var facts: LayoutFacts { get }
  /// The regimes that differ for its hook.
  static var regimes: [LayoutRegime] { get }

  /// What the kernel does on every event, whether or not anybody watches.
  static func hook<R: LayoutReader>(_ inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt64
  /// Another feature attaches its own.
  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory)
  /// Makes sure that the inode is watched. Racers may do so at once.
  static func watch(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory)
  /// Frees what hangs off the inode.
  static func release(_ inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory)
}

extension Layout {
  static var regimes: [LayoutRegime] { LayoutRegime.allCases }
  static func attachAnother(to inode: UInt, _ shared: LayoutShared, in memory: HardwareMemory) {}
}

/// What hooks load with: the machine's own loads, or ones that are counted.
protocol LayoutReader {
  func load32(_ address: UInt) -> UInt32
  func load64(_ address: UInt) -> UInt64
}

/// As `READ_ONCE`: relaxed.
struct MachineReader: LayoutReader {
  @inline(__always) func load32(_ address: UInt) -> UInt32 {
    catomics_load_relaxed_32(UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped)
  }
  @inline(__always) func load64(_ address: UInt) -> UInt64 {
    catomics_load_relaxed_64(UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped)
  }
}

/// Counts loads, and the cache lines that they touch.
final class LineCounter: LayoutReader {
  static let line: UInt = 64
  private(set) var loads = 0
  private(set) var lines: Set<UInt> = []

  func load32(_ address: UInt) -> UInt32 {
    count(address)
    return MachineReader().load32(address)
  }
  func load64(_ address: UInt) -> UInt64 {
    count(address)
    return MachineReader().load64(address)
  }
  private func count(_ address: UInt) {
    loads += 1
    lines.insert(address / Self.line)
  }
}

/// What all inodes share: a superblock with its info, V6's table, V7's map. On lines that nobody writes meanwhile.
struct LayoutShared: @unchecked Sendable {
  private let block: UnsafeMutableRawPointer
  private let table: UnsafeMutableRawPointer
  /// Bits that a hash is shifted by.
  private let shift: UInt64

  init(inodes: Int) {
    block = .allocate(byteCount: 256, alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
    let buckets = (8...62).first { 1 << $0 >= inodes } ?? 8
    shift = 64 - UInt64(buckets)
    table = .allocate(byteCount: 8 << buckets, alignment: 64)
    table.initializeMemory(as: UInt64.self, repeating: 0, count: 1 << buckets)
    superblock.storeBytes(of: UInt64(LAYOUT_OWN_ADDONS), toByteOffset: Int(LAYOUT_SUPERBLOCK_OFFSET), as: UInt64.self)
  }

  func deallocate() {
    block.deallocate()
    table.deallocate()
  }

  private var superblock: UnsafeMutableRawPointer { block }
  var superblockAddress: UInt { UInt(bitPattern: superblock) }
  private var info: UnsafeMutableRawPointer { block + 64 }
  /// V7's map, as elements know it.
  var map: UInt64 { UInt64(UInt(bitPattern: block + 128)) }

  /// Whether something on the superblock is watched.
  func setWatched(_ isWatched: Bool) {
    superblock.storeBytes(
      of: isWatched ? UInt64(UInt(bitPattern: info)) : 0, toByteOffset: Int(LAYOUT_SUPERBLOCK_INFO), as: UInt64.self)
    info.storeBytes(of: isWatched ? 1 : 0, toByteOffset: Int(LAYOUT_INFO_WATCHED), as: UInt64.self)
  }

  /// The bucket of V6's table that an inode belongs to.
  @inline(__always) func bucket(of inode: UInt) -> UInt {
    UInt(bitPattern: table) &+ UInt((UInt64(inode) &* 0x9e37_79b9_7f4a_7c15) >> shift) &* 8
  }

  /// Whether the address is in what all share, and so in the first cache.
  func contains(line: UInt) -> Bool {
    let first = UInt(bitPattern: block) / LineCounter.line
    return (first..<first + 4).contains(line)
  }
}

/// The bit of a mask that an event asks for.
let layoutEvent: UInt32 = 1 << 5
/// The bit of i_opflags that says that there is something behind a pointer: i_mode and i_opflags are one word here.
let layoutFlag: UInt32 = 1 << 24

/// A layout whose hook is fsnotify's: the superblock, the mask, the marks.
protocol EventLayout: Layout {
  /// The events that somebody watches on the inode.
  static func mask<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt32
  /// The connector of an inode that is watched.
  static func connector<R: LayoutReader>(of inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt
}

extension EventLayout {
  @inline(__always)
  static func hook<R: LayoutReader>(_ inode: UInt, _ shared: LayoutShared, _ reader: R) -> UInt64 {
    let superblock = UInt(reader.load64(inode &+ UInt(LAYOUT_SB)))
    let info = UInt(reader.load64(superblock &+ UInt(LAYOUT_SUPERBLOCK_INFO)))
    if info == 0 || reader.load64(info &+ UInt(LAYOUT_INFO_WATCHED)) == 0 { return 0 }
    if mask(of: inode, shared, reader) & layoutEvent == 0 { return 0 }
    return reader.load64(connector(of: inode, shared, reader) &+ UInt(LAYOUT_CONNECTOR_LIST))
  }
}

// MARK: What the first watch does

/// Zeroed memory, but for one word.
struct ZeroedBlock: Maker {
  let kind: AddonKind
  private let offset: UInt
  private let value: UInt64
  init(_ bytes: Int, with value: UInt64 = 0, at offset: Int = 0) {
    kind = AddonKind(size: (bytes + 7) / 8 * 8, zeroed: true)
    self.offset = UInt(offset)
    self.value = value
  }
  @inline(__always) func initialise<M: Memory>(_ addon: Addon, in memory: M) {
    if value != 0 { memory.write(addon.word64(at: offset), value) }
  }
}

/// Makes sure that a pointer leads to a block, by the catalog's compare-exchange. 0 where there is no memory.
@inline(__always) func install(_ pointer: UInt, _ block: ZeroedBlock, in memory: HardwareMemory) -> UInt {
  let inode = Inode(address: pointer, shared: 0)
  let populated = try? CompareExchange.populate(Slot(pointer), of: inode, in: memory, block)
  return populated?.addon?.address ?? 0
}
@inline(__always) func install(_ pointer: UInt, _ bytes: Int, in memory: HardwareMemory) -> UInt {
  install(pointer, ZeroedBlock(bytes), in: memory)
}

/// Takes the block off a pointer, and frees it; answers where it was.
@inline(__always) func remove(_ pointer: UInt, in memory: HardwareMemory) {
  if let addon = memory.exchange(Slot(pointer), nil, .relaxed) { memory.free(addon) }
}

/// The connector with its list, for marks to hang off.
@inline(__always) func installConnector(_ pointer: UInt, of inode: UInt, in memory: HardwareMemory) -> UInt {
  let block = ZeroedBlock(Int(LAYOUT_SIZE_CONNECTOR), with: UInt64(inode), at: Int(LAYOUT_CONNECTOR_INODE))
  return install(pointer, block, in: memory)
}

@inline(__always) func setBits(_ word: UInt, _ bits: UInt32, in memory: HardwareMemory) {
  if memory.load(Word32(word), .relaxed) & bits != bits { memory.fetchOr(Word32(word), bits, .relaxed) }
}

@inline(__always) func clear32(_ word: UInt, in memory: HardwareMemory) { memory.store(Word32(word), 0, .relaxed) }
