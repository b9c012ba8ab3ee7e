/// The memory that explored code works on: what exists from the start, then an arena a racer, one more for what is
/// allocated before and after the race. Addresses are the same in every execution, and no block is ever used twice.
///
/// Plain words live here; the values of *locations* (words that are accessed atomically) live on the graph, and here
/// only their initial ones.
///
/// Unsafe: trivial, so that it can be copied into the graph's rules; `destroy` frees what it points to.
struct AddressSpace {
  let base: UInt
  let size: Int
  /// Bytes that exist from the start.
  let staticSize: Int
  let blockShift: UInt
  let blocksPerArena: Int
  let racers: Int
  /// By byte: the number of the location that begins or continues here in this execution, plus one; 0 for none. Another
  /// execution may use the same block for something else.
  let locationAt: UnsafeMutablePointer<Int32>
  /// By byte: the first of the locations that ever began here, plus one; 0 for none.
  let firstAt: UnsafeMutablePointer<Int32>
  let locations: UnsafeMutablePointer<LocationTable>

  static let largest = 256 << 20

  /// `staticSize` bytes, and arenas of `blocksPerArena` blocks of at most `largestBlock` bytes for each racer.
  init?(staticSize: Int, largestBlock: Int, blocksPerArena: Int, racers: Int) {
    // Sixteen bytes between blocks: what runs over the end of one lies in none.
    var shift: UInt = 5
    while 1 << shift < largestBlock + 16 { shift += 1 }
    let unit = 1 << shift
    let rounded = (max(staticSize, 8) + unit - 1) / unit * unit
    size = rounded + (racers + 1) * blocksPerArena * unit
    guard size * (racers + 4) <= Self.largest else { return nil }
    self.staticSize = rounded
    blockShift = shift
    self.blocksPerArena = blocksPerArena
    self.racers = racers
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    base = UInt(bitPattern: memory)
    locationAt = .allocate(capacity: size)
    locationAt.initialize(repeating: 0, count: size)
    firstAt = .allocate(capacity: size)
    firstAt.initialize(repeating: 0, count: size)
    locations = .allocate(capacity: 1)
    locations.initialize(to: LocationTable())
  }

  func destroy() {
    UnsafeMutableRawPointer(bitPattern: base)?.deallocate()
    locationAt.deallocate()
    firstAt.deallocate()
    locations.deinitialize(count: 1)
    locations.deallocate()
  }
}

// MARK: Blocks

extension AddressSpace {
  @inline(__always) func contains(_ address: UInt, _ bytes: Int) -> Bool {
    address &- base < UInt(size) && address &- base &+ UInt(bytes) <= UInt(size)
  }
  @inline(__always) func offset(_ address: UInt) -> Int { Int(bitPattern: address &- base) }

  /// The number of the block that an address lies in, or -1. What exists from the start counts as blocks too.
  @inline(__always) func block(of address: UInt) -> Int {
    address &- base < UInt(size) ? Int((address &- base) >> blockShift) : -1
  }
  var staticBlocks: Int { staticSize >> Int(blockShift) }
  var blockCount: Int { size >> Int(blockShift) }
  /// The first block of a racer's arena; `racers` stands for the arena of nobody's.
  func firstBlock(of racer: Int) -> Int { staticBlocks + racer * blocksPerArena }
  func address(ofBlock block: Int) -> UInt { base + UInt(block) << blockShift }
  /// Whose arena a block lies in; nil for what exists from the start.
  func owner(ofBlock block: Int) -> Int? {
    block < staticBlocks ? nil : (block - staticBlocks) / blocksPerArena
  }
}

// MARK: Locations

/// Every word that was ever accessed atomically. Grows over an exploration, and never shrinks.
struct LocationTable {
  struct Location {
    var address: UInt
    var size: Int
    /// It is accessed plainly as well, so those accesses are on the graph too.
    var isMixed = false
    /// Another location that began at the same byte in some execution, plus one; 0 for none.
    var nextAt: Int32 = 0
  }
  var all: [Location] = []
}

extension AddressSpace {
  @inline(__always) func address(of location: Int32) -> UInt {
    location < 0 ? 0 : locations.pointee.all[Int(location)].address
  }

  /// The location of an access, made at its first; nil where the access overlaps one of another size or place.
  @inline(__always) func location(at address: UInt, size: Int) -> Int32? {
    let found = locationAt[offset(address)]
    if found > 0 {
      let location = locations.pointee.all[Int(found - 1)]
      return location.address == address && location.size == size ? found - 1 : nil
    }
    return meetLocation(at: address, size: size)
  }

  /// The first access in this execution.
  private func meetLocation(at address: UInt, size: Int) -> Int32? {
    let start = offset(address)
    for byte in start..<start + size where locationAt[byte] != 0 { return nil }
    let number = knownLocation(at: address, size: size) ?? makeLocation(at: address, size: size)
    for byte in start..<start + size { locationAt[byte] = number + 1 }
    return number
  }

  /// The location of this place and size, if any execution had it.
  @inline(__always) func knownLocation(at address: UInt, size: Int) -> Int32? {
    var number = firstAt[offset(address)]
    while number > 0 {
      let location = locations.pointee.all[Int(number - 1)]
      if location.size == size { return number - 1 }
      number = location.nextAt
    }
    return nil
  }

  @inline(never) private func makeLocation(at address: UInt, size: Int) -> Int32 {
    var location = LocationTable.Location(address: address, size: size)
    location.nextAt = firstAt[offset(address)]
    locations.pointee.all.append(location)
    firstAt[offset(address)] = Int32(locations.pointee.all.count)
    return Int32(locations.pointee.all.count) - 1
  }

  /// A block is handed out: what another execution had there is not there.
  @inline(__always) func forgetLocations(_ offset: Int, _ bytes: Int) {
    (locationAt + offset).update(repeating: 0, count: bytes)
  }

  /// The location that covers a byte, or -1.
  @inline(__always) func existingLocation(at address: UInt) -> Int32 { locationAt[offset(address)] - 1 }

  /// A location that covers one of these bytes.
  @inline(__always) func firstLocation(in address: UInt, _ size: Int) -> Int32? {
    let start = offset(address)
    if size == 8 {
      let all = UnsafeRawPointer(locationAt + start).loadUnaligned(as: SIMD8<Int32>.self)
      if all == SIMD8(repeating: 0) { return nil }
    }
    for byte in start..<start + size where locationAt[byte] != 0 { return locationAt[byte] - 1 }
    return nil
  }

  /// Whether two locations are at the same place of two arenas.
  func areCorresponding(_ a: Int32, _ b: Int32) -> Bool {
    let (one, other) = (offset(address(of: a)) - staticSize, offset(address(of: b)) - staticSize)
    let arena = blocksPerArena << Int(blockShift)
    return one >= 0 && other >= 0 && one % arena == other % arena
  }
}

extension AddressSpace {
  /// A value as it is shown: an address of this space as if the space began at a round number, so that it is the same
  /// whenever and wherever the execution is run.
  func portable(_ value: UInt64) -> UInt64 {
    contains(UInt(truncatingIfNeeded: value), 1) ? 0x10_0000_0000 + UInt64(offset(UInt(value))) : value
  }
}

// MARK: Contents

extension AddressSpace {
  @inline(__always) func read(_ address: UInt, _ size: Int) -> UInt64 {
    let pointer = UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
    switch size {
    case 1: return UInt64(pointer.load(as: UInt8.self))
    case 2: return UInt64(pointer.loadUnaligned(as: UInt16.self))
    case 4: return UInt64(pointer.loadUnaligned(as: UInt32.self))
    default: return pointer.loadUnaligned(as: UInt64.self)
    }
  }

  @inline(__always) func write(_ address: UInt, _ size: Int, _ value: UInt64) {
    let pointer = UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
    switch size {
    case 1: pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
    case 2: pointer.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
    case 4: pointer.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
    default: pointer.storeBytes(of: value, as: UInt64.self)
    }
  }
}
