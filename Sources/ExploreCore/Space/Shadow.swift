/// Who accessed each byte plainly, and when: finds accesses that conflict and that nothing orders.
///
/// A moment of a racer is the number of its events by then, plus one; it comes before something whose clock has reached
/// it. Of writes the last is kept, of reads each racer's last. (Flanagan, Freund, "FastTrack", PLDI 2009.)
///
/// Unsafe: trivial; `destroy` frees what it points to. Offsets are in bytes among all that are watched.
struct Shadow {
  private let size: Int
  private let racers: Int
  /// By byte: racer + 1 in the upper half, moment in the lower; 0 for none. With `unwritten`: it was allocated then, and nobody
  /// has written there.
  private let writes: UnsafeMutablePointer<UInt32>
  /// By racer, then by byte: the moment, or 0.
  private let reads: UnsafeMutablePointer<UInt16>

  /// Nil where there is no address space for it.
  init?(size: Int, racers: Int) {
    self.size = size
    self.racers = racers
    guard let writes = SparseMemory.map((size + 8) * 4), let reads = SparseMemory.map((size * racers + 8) * 2) else {
      return nil
    }
    self.writes = writes.assumingMemoryBound(to: UInt32.self)
    self.reads = reads.assumingMemoryBound(to: UInt16.self)
  }

  func destroy() {
    SparseMemory.unmap(writes, (size + 8) * 4)
    SparseMemory.unmap(reads, (size * racers + 8) * 2)
  }

  private static let unwritten: UInt32 = 1 << 31

  /// Forgets all accesses to a stretch, and takes it as written by a racer at a moment, or by nobody; or as only allocated.
  @inline(__always)
  func start(_ offset: Int, _ bytes: Int, writer racer: Int?, moment: Int32, isUnwritten: Bool = false) {
    let epoch = (racer.map { Self.epoch($0, moment) } ?? 0) | (isUnwritten ? Self.unwritten : 0)
    if bytes & 7 == 0, bytes <= Self.short { return startWords(offset, bytes, epoch) }
    (writes + offset).update(repeating: epoch, count: bytes)
    for racer in 0..<racers { (reads + racer * size + offset).update(repeating: 0, count: bytes) }
  }

  /// Up to so many bytes, most addons are: eight at a time is faster than to ask the C library.
  static var short: Int { 128 }

  @inline(__always) private func startWords(_ offset: Int, _ bytes: Int, _ epoch: UInt32) {
    for word in stride(from: offset, to: offset + bytes, by: 8) {
      UnsafeMutableRawPointer(writes + word).storeBytes(of: SIMD8(repeating: epoch), as: SIMD8<UInt32>.self)
    }
    for racer in 0..<racers {
      let moments = reads + racer * size
      for word in stride(from: offset, to: offset + bytes, by: 8) {
        UnsafeMutableRawPointer(moments + word).storeBytes(of: SIMD8(repeating: 0), as: SIMD8<UInt16>.self)
      }
    }
  }

  /// Whether nobody has written any of these bytes since they were allocated.
  @inline(__always) func isUnwritten(_ offset: Int, _ bytes: Int) -> Bool {
    for byte in offset..<offset + bytes where writes[byte] & Self.unwritten == 0 { return false }
    return true
  }

  private static func epoch(_ racer: Int, _ moment: Int32) -> UInt32 {
    UInt32(racer + 1) << 16 | UInt32(truncatingIfNeeded: moment) & 0xffff
  }

  /// The racer whose last write of one of these bytes is not ordered before.
  @inline(__always)
  func unorderedWriter(_ offset: Int, _ bytes: Int, by racer: Int, isBefore: (Int, Int32) -> Bool) -> Int? {
    if bytes == 8 {
      let epochs = UnsafeRawPointer(writes + offset).loadUnaligned(as: SIMD8<UInt32>.self)
      if epochs == SIMD8(repeating: epochs[0]) { return unordered(epochs[0], racer, isBefore) }
    }
    for byte in offset..<offset + bytes {
      if let other = unordered(writes[byte], racer, isBefore) { return other }
    }
    return nil
  }

  @inline(__always)
  private func unordered(_ epoch: UInt32, _ racer: Int, _ isBefore: (Int, Int32) -> Bool) -> Int? {
    let writer = Int((epoch & ~Self.unwritten) >> 16) - 1
    if writer < 0 { return nil }
    return writer == racer || isBefore(writer, Int32(epoch & 0xffff)) ? nil : writer
  }

  /// A racer with a read of one of these bytes that is not ordered before.
  @inline(__always)
  func unorderedReader(_ offset: Int, _ bytes: Int, by racer: Int, isBefore: (Int, Int32) -> Bool) -> Int? {
    for reader in 0..<racers where reader != racer {
      let moments = reads + reader * size + offset
      if bytes == 8 {
        let all = UnsafeRawPointer(moments).loadUnaligned(as: SIMD8<UInt16>.self)
        if all == SIMD8(repeating: 0) { continue }
      }
      for byte in 0..<bytes where moments[byte] != 0 && !isBefore(reader, Int32(moments[byte])) { return reader }
    }
    return nil
  }

  @inline(__always) func noteWrite(_ offset: Int, _ bytes: Int, by racer: Int, at moment: Int32) {
    let epoch = Self.epoch(racer, moment)
    if bytes == 8 {
      UnsafeMutableRawPointer(writes + offset).storeBytes(
        of: SIMD8(repeating: epoch), as: SIMD8<UInt32>.self)
    } else {
      (writes + offset).update(repeating: epoch, count: bytes)
    }
  }

  @inline(__always) func noteRead(_ offset: Int, _ bytes: Int, by racer: Int, at moment: Int32) {
    let moments = reads + racer * size + offset
    let moment = UInt16(truncatingIfNeeded: moment)
    if bytes == 8 {
      UnsafeMutableRawPointer(moments).storeBytes(of: SIMD8(repeating: moment), as: SIMD8<UInt16>.self)
    } else {
      moments.update(repeating: moment, count: bytes)
    }
  }

  /// Whether a racer was the last to write each of these bytes; `orNobody`: as far as anybody has told.
  @inline(__always) func isWritten(_ offset: Int, _ bytes: Int, by racer: Int, orNobody: Bool) -> Bool {
    for byte in offset..<offset + bytes {
      let writer = Int((writes[byte] & ~Self.unwritten) >> 16) - 1
      if writer != racer, writer >= 0 || !orNobody { return false }
    }
    return true
  }

  /// Whether anyone accessed the stretch plainly, but for the writes of its allocation by `racer` at a moment.
  func wasAccessed(_ offset: Int, _ bytes: Int, since start: (racer: Int, moment: Int32)?) -> Bool {
    let ordinary = start.map { Self.epoch($0.racer, $0.moment) } ?? 0
    for byte in offset..<offset + bytes {
      if writes[byte] & ~Self.unwritten != ordinary, writes[byte] != 0 { return true }
      for racer in 0..<racers where reads[racer * size + byte] != 0 { return true }
    }
    return false
  }
}
