/// A vector clock: how many events of each racer come before something. Entries of 16 bits, in vectors of eight.
package struct VectorClock {
  typealias Vector = SIMD8<UInt16>
  package let entries: UnsafeMutablePointer<UInt16>
  /// Vectors of eight entries.
  let width: Int

  @inline(__always) init(_ entries: UnsafeMutablePointer<UInt16>, width: Int) {
    self.entries = entries
    self.width = width
  }

  @inline(__always) private var vectors: UnsafeMutablePointer<Vector> {
    UnsafeMutableRawPointer(entries).assumingMemoryBound(to: Vector.self)
  }

  @inline(__always) func clear() {
    for index in 0..<width { vectors[index] = Vector(repeating: 0) }
  }

  @inline(__always) func copy(_ other: VectorClock) {
    for index in 0..<width { vectors[index] = other.vectors[index] }
  }

  /// The pointwise maximum.
  @inline(__always) func join(_ other: VectorClock) {
    for index in 0..<width { vectors[index] = pointwiseMax(vectors[index], other.vectors[index]) }
  }

  /// Whether the racer's event of this index comes before.
  @inline(__always) package func covers(_ racer: Int, _ index: Int32) -> Bool { Int32(entries[racer]) > index }

  @inline(__always) package func covers(_ event: Event) -> Bool { covers(Int(event.racer), event.index) }

  @inline(__always) subscript(racer: Int) -> Int32 {
    get { Int32(entries[racer]) }
    nonmutating set { entries[racer] = UInt16(truncatingIfNeeded: newValue) }
  }

  static func make(width: Int) -> VectorClock {
    let entries = UnsafeMutableRawPointer.allocate(
      byteCount: width * MemoryLayout<Vector>.stride, alignment: MemoryLayout<Vector>.alignment)
    let clock = VectorClock(entries.bindMemory(to: UInt16.self, capacity: width * 8), width: width)
    clock.clear()
    return clock
  }

  func destroy() { entries.deallocate() }
}
