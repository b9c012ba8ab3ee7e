import AddonMemory
import RaceModel

extension LitmusTest {
  /// Visits every execution that the model allows.
  ///
  /// - Parameters:
  ///   - usesSymmetry: visit only one of executions that differ by an exchange of threads with the same instructions.
  ///   - limit: executions after which to stop.
  ///   - keepsGraphs: keep every execution, to compare them, some 10 KB each.
  ///   - wantsWitness: keep an execution that has the outcome asked about, step by step.
  /// - Throws: what is wrong with the test: a name that is not there.
  public func explore(
    _ model: MemoryModel, usesSymmetry: Bool = false, limit: Int = .max, keepsGraphs: Bool = false,
    wantsWitness: Bool = false
  ) throws(Invalid) -> LitmusResult {
    try explore(
      model, nil, usesSymmetry: usesSymmetry, limit: limit, keepsGraphs: keepsGraphs, wantsWitness: wantsWitness)
  }

  /// Visits a part of them, or all.
  package func explore(
    _ model: MemoryModel, _ part: SearchPart?, usesSymmetry: Bool = false, limit: Int = .max, keepsGraphs: Bool = false,
    wantsWitness: Bool = false
  ) throws(Invalid) -> LitmusResult {
    let compiled = try LitmusCompiler.compile(self)
    if let what = compiled.unsupported {
      throw Invalid(description: "\(name): \(what) is judged under kernel alone")
    }
    let lookups = LitmusOutcome.Lookups()
    var result = LitmusResult()
    if keepsGraphs { result.duplicates = 0 }
    let program = LitmusProgram(compiled, lookups)
    guard !threads.isEmpty, let exploration = Exploration(program, model: model, usesSymmetry: usesSymmetry) else {
      if !threads.isEmpty { throw Invalid(description: "there is no memory for so large a test") }
      return try withoutThreads(compiled, lookups)
    }
    exploration.part = part
    var witness: Guide?
    let nothing = result
    let loadBuffering = model == .kernel ? LoadBuffering(exploration.execution) : nil
    exploration.willRestart = {
      result = nothing
      witness = nil
    }
    result.isExhaustive = exploration.visitAll {
      let state = exploration.execution.state
      result.note(state.pointee.mishaps, state.pointee.end)
      if keepsGraphs, !result.graphs.insert(GraphDigest(exploration.execution.graph.pointee)).inserted {
        result.duplicates = (result.duplicates ?? 0) + 1
      }
      if state.pointee.end == .complete {
        let outcome = program.outcome()
        if result.outcomes[outcome] == nil, asks(outcome) {
          if !result.isObserved, wantsWitness { witness = Guide(exploration.execution.graph.pointee) }
          result.isObserved = true
        }
        result.outcomes[outcome, default: 0] += 1
        loadBuffering?.look(at: exploration.execution.graph.pointee)
      } else if state.pointee.end != .blocked {
        result.crashes += 1
      }
      if lookups.unknown != nil { return .stop }
      return exploration.counts.executions >= limit ? .stop : .goOn
    }
    if let unknown = lookups.unknown { throw Invalid(description: "\(name): \(unknown)") }
    result.executions = exploration.counts.executions
    result.loadBuffering = (loadBuffering?.pairs).map { $0.sorted() } ?? []
    result.blockedRuns = exploration.counts.blockedRuns
    if let witness, let trace = exploration.trace(of: witness, wantsSources: false) {
      result.witness = Counterexample(
        roles: threads.indices.map { "thread \($0)" },
        steps: TraceReading(program, exploration.execution, trace).steps, findings: [], token: "")
    }
    return result
  }

  /// The one execution, in which nothing happens.
  private func withoutThreads(
    _ compiled: CompiledLitmus, _ lookups: LitmusOutcome.Lookups
  ) throws(Invalid) -> LitmusResult {
    var result = LitmusResult()
    let outcome = LitmusOutcome(registers: [], places: compiled.initialOutcome, lookups)
    result.isObserved = asks(outcome)
    if let unknown = lookups.unknown { throw Invalid(description: "\(name): \(unknown)") }
    result.isExhaustive = true
    result.executions = 1
    result.outcomes = [outcome: 1]
    return result
  }
}

extension LitmusResult {
  fileprivate mutating func note(_ mishaps: [Mishap], _ end: ExecutionState.End) {
    if mishaps.contains(where: { $0.kind == .dataRace }) { races += 1 }
    if end == .blocked { deadlocks += 1 }
  }
}
