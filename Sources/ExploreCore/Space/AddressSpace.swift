import Glibc

/// The memory that explored code works on, made of regions:
///
/// - *statics*: objects that exist from the start, zeroed before each execution;
/// - the *heap*: blocks of any size, from an arena a racer and one more for what is allocated before and after the race;
///   addresses are a function of what their racer allocated before, and no block is ever used twice;
/// - *images*: memory that was there before, as a loaded program's data; put back before each execution;
/// - *stacks*, which belong to one racer each;
/// - *outside*: everything else, which nobody may touch.
///
/// Plain words live here; the values of *locations* (words that are accessed atomically) live on the graph, and here only
/// their initial ones.
///
/// Unsafe: trivial, so that it can be copied into the graph's rules; `destroy` frees what it points to.
public struct AddressSpace {
  /// Statics, then an arena for each racer, then one for nobody.
  package let base: UInt
  let size: Int
  let staticSize: Int
  /// Of these the first are used.
  let staticUsed: Int
  let arenaBytes: Int
  package let blocksPerRacer: Int
  package let racers: Int
  /// Bytes of all regions that are watched: those of others come after the reserve.
  let watchedSize: Int
  /// By word of 8 bytes: the number of the block that it belongs to, plus one; 0 for none.
  private let blockAt: UnsafeMutablePointer<Int32>
  /// By number: the heap's, each racer's in a row, then the static objects.
  package let blocks: UnsafeMutablePointer<Block>
  /// By byte: the number of the location that begins or continues here in this execution, plus one; 0 for none. Another
  /// execution may use the same memory for something else.
  let locationAt: UnsafeMutablePointer<Int32>
  /// By byte: the first of the locations that ever began here, plus one; 0 for none.
  let firstAt: UnsafeMutablePointer<Int32>
  let locations: UnsafeMutablePointer<LocationTable>
  let others: UnsafeMutablePointer<OtherRegions>

  /// What a space has room for.
  public struct Layout {
    /// Bytes of each object that exists from the start.
    public var statics: [Int]
    /// The most bytes, and the most blocks, that one racer allocates.
    public var heapBytes = 0
    public var blocksPerRacer = 1
    /// Memory that was there before: address and bytes.
    public var images: [(address: UInt, bytes: Int)] = []
    /// Address and bytes of each racer's stack, where accesses to it are told of.
    public var stacks: [(address: UInt, bytes: Int)] = []
    /// Bytes of the stack that each racer's fiber has, and whether accesses to those are told of.
    public var fiberStackBytes = 64 << 10
    public var watchesFiberStacks = false

    public init(statics: [Int], heapBytes: Int = 0, blocksPerRacer: Int = 1) {
      self.statics = statics
      self.heapBytes = heapBytes
      self.blocksPerRacer = blocksPerRacer
    }
  }

  /// Bytes between blocks: what runs over the end of one lies in none.
  package static let gap = 16
  private static let mostBytes = 1 << 36

  /// Nil where there is no address space for it.
  init?(_ layout: Layout, racers: Int) {
    var places: [Int] = []
    var top = Self.gap
    for bytes in layout.statics {
      places.append(top)
      top += Self.rounded(bytes) + Self.gap
    }
    staticUsed = top
    staticSize = (top + 4095) & ~4095
    arenaBytes = (layout.heapBytes + layout.blocksPerRacer * 2 * Self.gap + 4095) & ~4095
    blocksPerRacer = layout.blocksPerRacer
    self.racers = racers
    size = staticSize + (racers + 1) * arenaBytes
    let otherBytes = (layout.images + layout.stacks).reduce(0) { $0 + OtherRegions.watched($1.bytes) }
    watchedSize = size + otherBytes
    let blockCount = (racers + 1) * blocksPerRacer + layout.statics.count
    guard watchedSize * (racers + 8) < Self.mostBytes,
      let memory = SparseMemory.map(size), let blockAt = SparseMemory.map(size / 8 * 4),
      let locationAt = SparseMemory.map(watchedSize * 4), let firstAt = SparseMemory.map(watchedSize * 4),
      let blocks = SparseMemory.map(blockCount * MemoryLayout<Block>.stride)
    else { return nil }
    base = UInt(bitPattern: memory)
    self.blockAt = blockAt.assumingMemoryBound(to: Int32.self)
    self.locationAt = locationAt.assumingMemoryBound(to: Int32.self)
    self.firstAt = firstAt.assumingMemoryBound(to: Int32.self)
    self.blocks = blocks.bindMemory(to: Block.self, capacity: blockCount)
    locations = .allocate(capacity: 1)
    locations.initialize(to: LocationTable())
    others = .allocate(capacity: 1)
    others.initialize(to: OtherRegions(layout, from: size))
    for number in 0..<blockCount { (self.blocks + number).initialize(to: Block()) }
    for (object, place) in places.enumerated() {
      let number = heapBlocks + object
      self.blocks[number] = Block(
        state: .live, address: base + UInt(place), size: layout.statics[object], racer: racers)
      setBlock(number, base + UInt(place), layout.statics[object])
    }
  }

  func destroy() {
    let blockCount = heapBlocks + others.pointee.staticCount
    SparseMemory.unmap(UnsafeMutableRawPointer(bitPattern: base), size)
    SparseMemory.unmap(blockAt, size / 8 * 4)
    SparseMemory.unmap(locationAt, watchedSize * 4)
    SparseMemory.unmap(firstAt, watchedSize * 4)
    SparseMemory.unmap(blocks, blockCount * MemoryLayout<Block>.stride)
    locations.deinitialize(count: 1)
    locations.deallocate()
    others.pointee.destroy()
    others.deinitialize(count: 1)
    others.deallocate()
  }

  private static func rounded(_ bytes: Int) -> Int { max(16, (bytes + 15) & ~15) }
}

/// Zeroed memory that costs nothing until it is touched.
enum SparseMemory {
  static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let map = mmap(nil, max(bytes, 4096), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    return map == MAP_FAILED ? nil : map
  }

  static func unmap(_ pointer: UnsafeMutableRawPointer?, _ bytes: Int) {
    if let pointer { munmap(pointer, max(bytes, 4096)) }
  }
}

// MARK: Places

extension AddressSpace {
  /// Whether an access lies in statics or heap, images or stacks.
  @inline(__always) package func contains(_ address: UInt, _ bytes: Int) -> Bool {
    if address &- base < UInt(size) { return address &- base &+ UInt(bytes) <= UInt(size) }
    return others.pointee.isEmpty ? false : others.pointee.offset(of: address, bytes) != nil
  }

  /// Where an address that the space contains lies among all watched bytes.
  @inline(__always) func offset(_ address: UInt) -> Int {
    if address &- base < UInt(size) { return Int(bitPattern: address &- base) }
    return others.pointee.offset(of: address, 1) ?? 0
  }

  /// The address of a watched byte.
  func address(ofOffset offset: Int) -> UInt? {
    if (0..<size).contains(offset) { return base + UInt(offset) }
    return others.pointee.address(ofOffset: offset)
  }

  /// The address of the static object of this number.
  package func staticAddress(_ object: Int) -> UInt { blocks[heapBlocks + object].address }

  var heapBlocks: Int { (racers + 1) * blocksPerRacer }
  @inline(__always) package func isHeapBlock(_ block: Int) -> Bool { block >= 0 && block < heapBlocks }
  /// The number of the static object that a block is, if it is one.
  package func staticObject(ofBlock block: Int) -> Int? { block >= heapBlocks ? block - heapBlocks : nil }
  /// The first block of a racer's arena; `racers` stands for the arena of nobody's.
  package func firstBlock(of racer: Int) -> Int { racer * blocksPerRacer }
  /// Whose arena a heap block lies in.
  package func owner(ofBlock block: Int) -> Int { block / blocksPerRacer }

  /// The number of the block that an address lies in, a static object's too, or -1.
  @inline(__always) package func block(of address: UInt) -> Int {
    address &- base < UInt(size) ? Int(blockAt[Int((address &- base) >> 3)]) &- 1 : -1
  }

  /// The heap block that begins at an address and was handed out in this execution.
  package func block(at address: UInt) -> Int? {
    let block = block(of: address)
    guard isHeapBlock(block), blocks[block].address == address, blocks[block].state != .unused else { return nil }
    return block
  }

  /// The block that ends a little before an address in none: what somebody has run over the end of.
  func blockBefore(_ address: UInt) -> Int? {
    for distance in stride(from: UInt(8), through: UInt(4 * Self.gap), by: 8) {
      let block = block(of: address &- distance)
      if block >= 0 { return block }
    }
    return nil
  }

  private func setBlock(_ number: Int, _ address: UInt, _ bytes: Int) {
    let first = Int((address - base) >> 3)
    (blockAt + first).update(repeating: Int32(number + 1), count: max(1, (bytes + 7) >> 3))
  }
}

// MARK: Heap

/// A block of the heap, or a static object.
package struct Block {
  package enum State { case unused, live, freed }
  package var state = State.unused
  package var address: UInt = 0
  package var size = 0
  /// Who allocated it; the number of racers stands for nobody.
  package var racer = 0
  /// Its racer's moment then.
  var moment: Int32 = 0
  /// Another racer has accessed it.
  var isShared = false
  /// Nobody judges what is done to it: it belongs to code that does not tell all that it does.
  package var isUnjudged = false
  /// For whoever runs the program: its ledger entry.
  package var note: UInt64 = 0
}

extension AddressSpace {
  /// The next block of a racer's arena, of which it has used `count` blocks and `bytes`; nil where it is full.
  func makeBlock(_ racer: Int, count: Int, bytes: inout Int, size: Int, moment: Int32) -> Int? {
    let start = bytes + Self.gap
    let end = start + Self.rounded(size)
    guard count < blocksPerRacer, end <= arenaBytes else { return nil }
    bytes = end
    let address = base + UInt(staticSize + racer * arenaBytes + start)
    let number = firstBlock(of: racer) + count
    blocks[number] = Block(state: .live, address: address, size: size, racer: racer, moment: moment)
    setBlock(number, address, size)
    return number
  }

  /// Before an execution: none of the racer's blocks of the one before is there.
  func forgetBlocks(of racer: Int, count: Int) {
    let first = firstBlock(of: racer)
    for number in first..<first + count {
      let block = blocks[number]
      (blockAt + Int((block.address - base) >> 3)).update(repeating: 0, count: max(1, (block.size + 7) >> 3))
      blocks[number].state = .unused
    }
  }
}

extension AddressSpace {
  /// A value as it is shown: an address of this space as if the space began at a round number, so that it is the same
  /// whenever and wherever the execution is run.
  package func portable(_ value: UInt64) -> UInt64 {
    UInt(truncatingIfNeeded: value) &- base < UInt(size) ? 0x10_0000_0000 + (value - UInt64(base)) : value
  }
}

// MARK: Contents

extension AddressSpace {
  @inline(__always) package func read(_ address: UInt, _ size: Int) -> UInt64 {
    let pointer = UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
    switch size {
    case 1: return UInt64(pointer.load(as: UInt8.self))
    case 2: return UInt64(pointer.loadUnaligned(as: UInt16.self))
    case 4: return UInt64(pointer.loadUnaligned(as: UInt32.self))
    default: return pointer.loadUnaligned(as: UInt64.self)
    }
  }

  @inline(__always) package func write(_ address: UInt, _ size: Int, _ value: UInt64) {
    let pointer = UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
    switch size {
    case 1: pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
    case 2: pointer.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
    case 4: pointer.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
    default: pointer.storeBytes(of: value, as: UInt64.self)
    }
  }

  /// Before an execution: statics are zero, images as they were at first, and nobody has accessed any of them.
  func reset(_ shadow: Shadow) {
    UnsafeMutableRawPointer(bitPattern: base)?.initializeMemory(as: UInt8.self, repeating: 0, count: staticUsed)
    shadow.start(0, staticUsed, writer: nil, moment: 0)
    if others.pointee.isEmpty { return }
    others.pointee.putBack { offset, bytes in
      shadow.start(offset, bytes, writer: nil, moment: 0)
      forgetLocations(offset, bytes)
    }
  }
}
