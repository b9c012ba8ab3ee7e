import RaceModel

/// A freed block of the pool. Most addons have up to six words, and every block is at least one line of 64 bytes: so six
/// words are filled and looked at without counting, whatever was asked for.
public struct PoisonedBlock {
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  @inlinable static var wordsAtOnce: Int { 6 }
  @inlinable static var poison: SIMD2<UInt64> { SIMD2(repeating: Poison.freed) }

  @inlinable @inline(__always) public init(_ address: UInt) {
    words = UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  @inlinable var pairs: UnsafeMutablePointer<SIMD2<UInt64>> {
    @inline(__always) get { UnsafeMutableRawPointer(words).assumingMemoryBound(to: SIMD2<UInt64>.self) }
  }

  @inlinable @inline(__always) public func fill(words count: Int) {
    pairs[0] = Self.poison
    pairs[1] = Self.poison
    pairs[2] = Self.poison
    if count > Self.wordsAtOnce { fillRest(count) }
  }

  @inlinable @inline(__always) public func isIntact(words count: Int) -> Bool {
    let difference = (pairs[0] ^ Self.poison) | (pairs[1] ^ Self.poison) | (pairs[2] ^ Self.poison)
    return difference == .zero && (count <= Self.wordsAtOnce || restIsIntact(count))
  }

  @inline(never) @usableFromInline func fillRest(_ count: Int) {
    for word in Self.wordsAtOnce..<count { words[word] = Poison.freed }
  }

  @inline(never) @usableFromInline func restIsIntact(_ count: Int) -> Bool {
    (Self.wordsAtOnce..<count).allSatisfy { words[$0] == Poison.freed }
  }
}
