import RaceModel

/// A freed block of the pool. Blocks are at least one line of 64 bytes, so the first line is filled and looked at whole,
/// whatever was asked for.
struct PoisonedBlock {
  private let words: UnsafeMutablePointer<UInt64>
  private static let wordsOfLine = 8
  private static var poison: SIMD8<UInt64> { SIMD8(repeating: Poison.freed) }

  @inline(__always) init(_ address: UInt) {
    words = UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  private var firstLine: UnsafeMutablePointer<SIMD8<UInt64>> {
    @inline(__always) get { UnsafeMutableRawPointer(words).assumingMemoryBound(to: SIMD8<UInt64>.self) }
  }

  @inline(__always) func fill(words count: Int) {
    firstLine.pointee = Self.poison
    if count > Self.wordsOfLine { fillRest(count) }
  }

  @inline(__always) func isIntact(words count: Int) -> Bool {
    let difference = firstLine.pointee ^ Self.poison
    return difference == .zero && (count <= Self.wordsOfLine || restIsIntact(count))
  }

  @inline(never) private func fillRest(_ count: Int) {
    for word in Self.wordsOfLine..<count { words[word] = Poison.freed }
  }

  @inline(never) private func restIsIntact(_ count: Int) -> Bool {
    (Self.wordsOfLine..<count).allSatisfy { words[$0] == Poison.freed }
  }
}
