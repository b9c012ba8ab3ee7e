import AddonMemory
import CAtomics
import CThreads

/// What happens inside the window. A value of its own: a shape acts here and leaves the strategy alone.
enum Window: UInt8 {
  case none, pipeline, delay, yield, meet
}

/// Where racers announce how far they are: a line pair each, and the flag that ends all waiting.
///
/// All accesses are relaxed: within a round the harness must not order racers, or it would hide from ThreadSanitizer
/// what the strategy leaves unordered.
struct Meeting {
  let progress: UnsafeMutablePointer<UInt64>
  let abandoned: UnsafeMutablePointer<UInt64>
  let racer: Int
  let racerCount: Int
  /// Turns of a spin loop before the processor is given away: none where racers outnumber processors.
  let spins: Int

  static var wordsApart: Int { 16 }

  @inline(__always) func announce(_ ticket: UInt64) {
    catomics_store_relaxed_64(progress + racer &* Self.wordsApart, ticket)
  }

  /// Whether every other racer has announced `ticket` or more.
  @inline(__always) func everyoneReached(_ ticket: UInt64) -> Bool {
    var other = 0
    while other < racerCount {
      if other != racer, catomics_load_relaxed_64(progress + other &* Self.wordsApart) < ticket { return false }
      other &+= 1
    }
    return true
  }

  /// Waits until every other racer has announced `ticket` or more.
  @inline(__always) func wait(for ticket: UInt64) {
    var other = 0
    while other < racerCount {
      if other != racer {
        let word = progress + other &* Self.wordsApart
        if catomics_load_relaxed_64(word) < ticket { waitPatiently(word, ticket) }
      }
      other &+= 1
    }
  }

  @inline(never) func waitPatiently(_ word: UnsafeMutablePointer<UInt64>, _ ticket: UInt64) {
    var turns = 0
    while catomics_load_relaxed_64(word) < ticket {
      turns &+= 1
      if turns <= spins {
        if turns > 64 { cthreads_pause() }
        continue
      }
      if catomics_load_relaxed_64(abandoned) != 0 { return }
      cthreads_yield()
    }
  }
}
