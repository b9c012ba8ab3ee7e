/// Where something to try stands in the tree of runs, whose root is the first execution, and in which what a run left to try
/// hangs below it. The tree is the same in every process, in whatever order it is visited.
struct Lineage {
  /// Runs above it, up to `levels`; what lies deeper belongs to the subtree that begins there.
  var level: Int32 = 0
  var levels: Int32 = 0
  /// A hash of the way there, down to that level.
  var path: UInt64 = 0
  private var children: UInt64 = 0

  init(levels: Int32 = 0) { self.levels = levels }

  /// Of one more thing to try after the run that this is of.
  mutating func child() -> Lineage {
    guard level < levels else { return self }
    children += 1
    var child = Lineage(levels: levels)
    child.level = level + 1
    child.path = Self.mix(path &+ children &* 0x9e37_79b9_7f4a_7c15)
    return child
  }

  /// SplitMix64's.
  private static func mix(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// A part of the search: some of the subtrees that begin so many runs below the first execution, and of what is above them
/// its share. Runs above are made for every part, since they lead to the subtrees, and belong to one. So the parts, wherever
/// they are visited, add up to the whole exactly.
package struct SearchPart: Sendable {
  package let level: Int
  package let parts: Int
  private let owns: @Sendable (Int) -> Bool

  /// `owns`: of the parts by number, from 0, which are visited.
  package init(level: Int, parts: Int, owns: @escaping @Sendable (Int) -> Bool) {
    self.level = level
    self.parts = parts
    self.owns = owns
  }

  func owns(_ lineage: Lineage) -> Bool { owns(Int(lineage.path % UInt64(parts))) }

  /// Whether there is something below that is visited here.
  func leads(to lineage: Lineage) -> Bool { lineage.level < lineage.levels || owns(lineage) }
}

extension Exploration {
  /// How many subtrees begin so many runs below the first execution; or as many as were seen before `isEnough` said to stop.
  package func subtrees(at level: Int) -> Int {
    part = SearchPart(level: level, parts: 1) { _ in false }
    defer { part = nil }
    subtreesLeftOut = 0
    _ = visitAll { .goOn }
    return subtreesLeftOut
  }
}
