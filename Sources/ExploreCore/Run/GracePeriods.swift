/// Read-side sections and grace periods, as events: `SectionOrder` says what they mean on the graph.
extension Execution {
  /// A section begins: `word` is the racer's own, and held an even value, `value` - 1.
  package func beginSection(_ racer: Int, word: UInt, value: UInt64) {
    store(racer, word, 8, value, .relaxed, role: .sectionBegin)
  }

  /// A section ends. `value` is even.
  package func endSection(_ racer: Int, word: UInt, value: UInt64) {
    store(racer, word, 8, value, .releases, role: .sectionEnd)
  }

  /// A grace period for the sections of `count` racers, whose words begin at `words`. Waits for those that must end.
  package func gracePeriod(_ racer: Int, words: UInt, count: Int) {
    fence(racer, [.acquires, .releases, .isSequentiallyConsistent], role: .gracePeriodBegin)
    var other = 0
    while other < count {
      _ = waitWhileOdd(racer, words + UInt(8 * other))
      other += 1
    }
    fence(racer, [.acquires, .releases, .isSequentiallyConsistent], role: .gracePeriodEnd)
  }

  /// Loads a word, and waits while it is odd. Acquiring.
  package func waitWhileOdd(_ racer: Int, _ word: UInt) -> UInt64 {
    if state.pointee.isQuiescent { return 0 }
    return update(racer, word, 8, .sectionPoll, operand: 0, .acquires, failure: .acquires)
  }
}
