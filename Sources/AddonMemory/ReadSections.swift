import CAtomics
import CThreads

/// The read-side sections of a group of racers: a word for each racer and domain, on a line pair of its own, which that
/// racer alone writes.
///
/// A word counts sections that have ended in its upper bits, and how deep its racer is inside one in its lowest eight. A
/// grace period looks once at every racer's word and waits for those that are inside to change. Whoever enters after that
/// look sees all that came before the grace period: both sides have a full fence between what they write and what they
/// look at. (Desnoyers, McKenney, Stern, Dagenais, Walpole, "User-level implementations of read-copy update", TPDS 2012,
/// section 5.3; without its two phases, since a count never comes again.)
///
/// Trivial; whoever makes it owns the words. Sendable, since they are only ever accessed atomically.
@frozen public struct ReadSections: @unchecked Sendable {
  public let words: UnsafeMutablePointer<UInt64>
  public let racerCount: Int
  public let domainCount: Int

  /// `words` holds `wordCount(racers:domains:)` zeroes, at a multiple of 128 bytes.
  @inlinable public init(words: UnsafeMutablePointer<UInt64>, racerCount: Int, domainCount: Int) {
    self.words = words
    self.racerCount = racerCount
    self.domainCount = domainCount
  }

  @inlinable public static var wordsApart: Int { 16 }
  @inlinable public static func wordCount(racers: Int, domains: Int) -> Int { racers * domains * wordsApart }

  /// The indices of the words that a grace period is about.
  @inlinable public func words(of gracePeriod: GracePeriod) -> Range<Int> {
    let domains = gracePeriod.domains(of: domainCount)
    return domains.lowerBound * racerCount..<domains.upperBound * racerCount
  }
  @inlinable public static var depth: UInt64 { 0xff }

  @inlinable @inline(__always)
  public func word(of racer: Int, _ domain: ReadDomain) -> UnsafeMutablePointer<UInt64> {
    words + (domain.index &* racerCount &+ racer) &* Self.wordsApart
  }

  /// Sections nest, 255 deep: one that is entered deeper is not counted. A full fence, where it is not inside one already.
  @inlinable @inline(__always) public func enter(_ domain: ReadDomain, as racer: Int) {
    let word = word(of: racer, domain)
    let before = catomics_load_relaxed_64(word)
    if before & Self.depth == Self.depth { return }
    catomics_store_relaxed_64(word, before &+ 1)
    if before & Self.depth == 0 { catomics_fence_seq_cst() }
  }

  /// Releasing.
  @inlinable @inline(__always) public func leave(_ domain: ReadDomain, as racer: Int) {
    let word = word(of: racer, domain)
    let before = catomics_load_relaxed_64(word)
    catomics_store_release_64(word, before & Self.depth == 1 ? before &+ Self.depth : before &- 1)
  }

  /// What the word of this index shows; racer by racer, domain after domain. Acquiring.
  @inlinable @inline(__always) public func look(at index: Int) -> UInt64 {
    catomics_load_acquire_64(words + index &* Self.wordsApart)
  }

  /// Whether the section that a word showed has ended. Acquiring.
  @inlinable @inline(__always) public func hasEnded(_ seen: UInt64, at index: Int) -> Bool {
    seen & Self.depth == 0 || look(at: index) >> 8 != seen >> 8
  }

  /// Waits for a whole grace period. A full fence. Never ends if this racer itself is inside a section of the domain;
  /// gives up when `abandoned` says so.
  @inlinable public func synchronize(_ gracePeriod: GracePeriod, spins: Int, abandoned: () -> Bool) {
    catomics_fence_seq_cst()
    for index in words(of: gracePeriod) {
      let seen = look(at: index)
      var turns = 0
      while !hasEnded(seen, at: index) {
        turns &+= 1
        if turns <= spins {
          cthreads_pause()
        } else {
          if abandoned() { return }
          cthreads_yield()
        }
      }
    }
    catomics_fence_seq_cst()
  }
}
