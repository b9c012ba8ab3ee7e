import RaceModel

// MARK: More reads than labels

extension Exploration {
  /// Runs the execution again, for as long as there are reads that have had no labels. A race is one if no run knows of
  /// anything that orders the two.
  func learnDependencies() {
    let state = execution.state
    defer { state.pointee.onlyLearns = false }
    while let labels = state.pointee.labels, !state.pointee.needsRestart,
      state.pointee.end == .complete || state.pointee.end == .blocked
    {
      let sawRace = state.pointee.mishaps.contains { $0.kind == .dataRace }
      guard labels.wantsAnotherWindow(sawRace: sawRace) else { return }
      state.pointee.onlyLearns = !sawRace
      let (mishaps, trace, end) = (state.pointee.mishaps, state.pointee.trace, state.pointee.end)
      state.pointee.trace = nil
      state.pointee.labels?.begin(window: labels.window + 1)
      runAsLabelled()
      let found = state.pointee.mishaps
      state.pointee.mishaps = mishaps.filter { mishap in
        mishap.kind != .dataRace || found.contains { $0.message == mishap.message && $0.address == mishap.address }
      }
      state.pointee.trace = trace
      if state.pointee.end != end { return }
    }
  }
}
