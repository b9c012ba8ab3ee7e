import CAtomics

/// Measures one compare-exchange round trip between the first two racers, on their own threads and processors, after
/// they have met.
public struct RoundTrip {
  private static let trips = 500
  private static let repetitions = 5
  private let word: UnsafeMutablePointer<UInt64>
  private let abandoned: UnsafeMutablePointer<UInt64>

  /// `word` is zero at first. The trips end where `abandoned` is not zero any more.
  public init(word: UnsafeMutablePointer<UInt64>, abandoned: UnsafeMutablePointer<UInt64>) {
    self.word = word
    self.abandoned = abandoned
  }

  /// Nanoseconds, the median of a few; both racers call it, and both are answered.
  public func measure(as racer: Int, from base: inout UInt64) -> Double {
    var times: [Double] = []
    for _ in 0..<Self.repetitions {
      let start = MonotonicClock.now()
      for _ in 0..<Self.trips {
        let mine = base + UInt64(racer)
        while catomics_compare_exchange_acq_rel_acquire_64(word, mine, mine + 1) != mine {
          if catomics_load_relaxed_64(abandoned) != 0 { return 0 }
        }
        base += 2
      }
      times.append((MonotonicClock.now() - start) / Double(Self.trips) * 1e9)
    }
    return times.sorted()[times.count / 2]
  }
}
