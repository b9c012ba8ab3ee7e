/// Every word that was ever accessed atomically. Grows over an exploration, and never shrinks.
struct LocationTable {
  struct Location {
    var address: UInt
    var size: Int
    /// It has plain accesses as well: those are on the graph too.
    var isMixed = false
    /// Another location that began at the same byte in some execution, plus one; 0 for none.
    var nextAt: Int32 = 0
  }
  var all: [Location] = []
}

/// A word with plain and atomic accesses, by its place among all watched bytes.
package struct MixedWord: Hashable, Sendable {
  package let offset: Int
  package let size: Int

  package init(offset: Int, size: Int) {
    self.offset = offset
    self.size = size
  }
}

extension AddressSpace {
  /// From now on, plain accesses to the word are on the graph. False where there is no such place.
  func watch(_ word: MixedWord) -> Bool {
    guard let address = address(ofOffset: word.offset), contains(address, word.size) else { return false }
    let location = knownLocation(at: address, size: word.size) ?? makeLocation(at: address, size: word.size)
    locations.pointee.all[Int(location)].isMixed = true
    return true
  }

  /// Those of a graph that has plain accesses to them.
  func mixedWords(of graph: ExecutionGraph) -> [MixedWord] {
    var words: Set<MixedWord> = []
    for id in 0..<graph.count {
      let event = graph.events[id]
      guard event.location >= 0, event.ordering.contains(.isPlain) else { continue }
      let location = locations.pointee.all[Int(event.location)]
      words.insert(MixedWord(offset: offset(location.address), size: location.size))
    }
    return words.sorted { ($0.offset, $0.size) < ($1.offset, $1.size) }
  }

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
  @inline(__always) package func knownLocation(at address: UInt, size: Int) -> Int32? {
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
    if bytes & 7 != 0 || bytes > Shadow.short { return (locationAt + offset).update(repeating: 0, count: bytes) }
    for word in stride(from: offset, to: offset + bytes, by: 8) {
      UnsafeMutableRawPointer(locationAt + word).storeBytes(of: SIMD8(repeating: 0), as: SIMD8<Int32>.self)
    }
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
    return one >= 0 && other >= 0 && max(one, other) < size - staticSize && one % arenaBytes == other % arenaBytes
  }
}
