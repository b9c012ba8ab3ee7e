import AddonMemory

/// What stays the same over one exploration: the memory model, and what of the program the graph must know.
///
/// Unsafe: `twin`, `fragility` and `scratch` belong to the exploration that made it.
package struct Rules {
  package var model: MemoryModel
  /// In vectors of eight racers.
  var clockWidth: Int
  /// By racer: the interchangeable one before it, or -1.
  var twin: UnsafeMutablePointer<Int32>
  package var usesSymmetry: Bool
  var space: AddressSpace
  /// Dependencies on values and branches do not count, as if a compiler had broken them all.
  let breaksDependencies: Bool
  let fragility: UnsafeMutablePointer<Fragility>
  /// For the kernel's dependencies.
  var scratch: VectorClock

  /// Accesses to atomic words never count as data races: true under SC and TSO (`ConsistencyModel`).
  let everyAccessSynchronises: Bool
  let isLinuxKernel: Bool

  /// The number of the block that an address lies in, or -1.
  @inline(__always) func block(of address: UInt64) -> Int { space.block(of: UInt(truncatingIfNeeded: address)) }

  /// Whether two locations are the same up to whose memory they lie in.
  func correspond(_ a: Int32, _ b: Int32) -> Bool { space.areCorresponding(a, b) }
}
