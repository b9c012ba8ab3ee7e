/// The decisions that lead to one execution: for each racer's events in order what a read reads, the place of a write,
/// the outcome of a choice. With the program they are the whole execution.
package final class Guide {
  package enum Decision: Equatable {
    case initial
    case source(racer: Int, index: Int)
    /// The place of a write in coherence order, or which of several outcomes.
    case place(Int)
    case outcome(Int)
    case nothing
  }
  package let decisions: [[Decision]]
  /// Words whose plain accesses are among the events: an exploration that has not met them yet would not put them there.
  package let mixedWords: [MixedWord]
  /// A read that is told something else than what its source wrote.
  let promise: Promise?

  package init(_ decisions: [[Decision]], mixedWords: [MixedWord] = [], promise: Promise? = nil) {
    self.decisions = decisions
    self.mixedWords = mixedWords
    self.promise = promise
  }

  /// What a read is told before anybody has written it, and the write that is to come.
  package struct Promise {
    /// By racer and number.
    let read: (racer: Int, index: Int32)
    let write: (racer: Int, index: Int32)
    let value: UInt64
  }

  package var withoutPromise: Guide { Guide(decisions, mixedWords: mixedWords) }

  func promise(_ racer: Int, _ index: Int) -> UInt64? {
    guard let promise, promise.read == (racer, Int32(index)) else { return nil }
    return promise.value
  }

  /// Those of a graph.
  package convenience init(_ graph: ExecutionGraph, promise: Promise? = nil) {
    self.init(Self.decisions(graph), promise: promise)
  }

  private static func decisions(_ graph: ExecutionGraph) -> [[Decision]] {
    (0..<graph.racers).map { racer in
      var list: [Decision] = []
      var id = graph.first[racer]
      while id >= 0 {
        let event = graph.events[Int(id)]
        switch event.kind {
        case .read where event.readsFrom < 0: list.append(.initial)
        case .read:
          let source = graph.events[Int(event.readsFrom)]
          list.append(.source(racer: Int(source.racer), index: Int(source.index)))
        case .write: list.append(.place(Int(event.coPosition)))
        case .choice where event.choice == .program: list.append(.place(Int(event.value)))
        case .choice: list.append(.outcome(Int(event.value)))
        case .fence: list.append(.nothing)
        }
        id = event.poNext
      }
      return list
    }
  }

  private func decision(_ racer: Int, _ index: Int) -> Decision {
    index < decisions[racer].count ? decisions[racer][index] : .nothing
  }

  /// Whether what the racer reads next is there.
  func isReady(_ racer: Int, _ racers: UnsafeMutablePointer<RacerProgress>) -> Bool {
    let index = Int(racers[racer].done)
    guard case .source(let other, let otherIndex) = decision(racer, index) else { return true }
    return other < decisions.count && Int(racers[other].done) > otherIndex
  }

  func source(_ racer: Int, _ index: Int) -> (racer: Int, index: Int32)? {
    guard case .source(let other, let otherIndex) = decision(racer, index) else { return nil }
    return (other, Int32(otherIndex))
  }

  func place(_ racer: Int, _ index: Int) -> Int32 {
    if case .place(let place) = decision(racer, index) { Int32(place) } else { .max }
  }

  func outcome(_ racer: Int, _ index: Int) -> UInt64 {
    switch decision(racer, index) {
    case .outcome(let outcome), .place(let outcome): UInt64(outcome)
    default: 0
    }
  }
}
