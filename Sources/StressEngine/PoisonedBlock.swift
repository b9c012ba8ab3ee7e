import RaceModel

/// A freed block of the pool. Most addons have up to six words, and every block is at least one line of 64 bytes: so six
/// words are filled and looked at without counting, whatever was asked for.
struct PoisonedBlock {
  private let words: UnsafeMutablePointer<UInt64>
  private static let wordsAtOnce = 6
  private static var poison: SIMD2<UInt64> { SIMD2(repeating: Poison.freed) }

  @inline(__always) init(_ address: UInt) {
    words = UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  private var pairs: UnsafeMutablePointer<SIMD2<UInt64>> {
    @inline(__always) get { UnsafeMutableRawPointer(words).assumingMemoryBound(to: SIMD2<UInt64>.self) }
  }

  @inline(__always) func fill(words count: Int) {
    pairs[0] = Self.poison
    pairs[1] = Self.poison
    pairs[2] = Self.poison
    if count > Self.wordsAtOnce { fillRest(count) }
  }

  @inline(__always) func isIntact(words count: Int) -> Bool {
    let difference = (pairs[0] ^ Self.poison) | (pairs[1] ^ Self.poison) | (pairs[2] ^ Self.poison)
    return difference == .zero && (count <= Self.wordsAtOnce || restIsIntact(count))
  }

  @inline(never) private func fillRest(_ count: Int) {
    for word in Self.wordsAtOnce..<count { words[word] = Poison.freed }
  }

  @inline(never) private func restIsIntact(_ count: Int) -> Bool {
    (Self.wordsAtOnce..<count).allSatisfy { words[$0] == Poison.freed }
  }
}
