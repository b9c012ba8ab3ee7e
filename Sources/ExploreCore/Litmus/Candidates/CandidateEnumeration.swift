import AddonMemory
import RaceModel

extension LitmusTest {
  /// Every execution that the kernel's model allows, by the book: candidates are all combinations of ways through the threads,
  /// of sources for the reads, and of coherence orders, and the model's axioms choose among them. Load buffering is among
  /// them. For tests of litmus size; it shares nothing with the explorer's graphs.
  ///
  /// - Parameter withLoadBuffering: without it, executions with a cycle of program order and reads-from are left out, as on
  ///   graphs.
  /// - Throws: what is wrong with the test, or that it is too large.
  public func enumerateKernelExecutions(withLoadBuffering: Bool = true) throws(Invalid) -> LitmusResult {
    try enumerate(withLoadBuffering: withLoadBuffering) { enumeration throws(ThreadRuns.TooLarge) in
      try enumeration.visitAll()
    }
  }

  fileprivate func enumerate(
    withLoadBuffering: Bool = true, _ visit: (CandidateEnumeration) throws(ThreadRuns.TooLarge) -> Void
  ) throws(Invalid) -> LitmusResult {
    // A name that is not there is found as it is for the explorer.
    let compiled = try LitmusCompiler.compile(self)
    do throws(ThreadRuns.TooLarge) {
      let enumeration = try CandidateEnumeration(self, compiled, withLoadBuffering: withLoadBuffering)
      try visit(enumeration)
      return enumeration.result
    } catch {
      throw Invalid(description: "\(name): it cannot be enumerated: \(error.reason)")
    }
  }
}

extension LitmusFile {
  /// Ways through the threads, in all combinations, of which every state is still shown; and candidates.
  private static let mostCombinations = 100_000
  private static let mostCandidates = 1_000_000

  /// Every execution that the kernel's model allows, by the book, that the filter lets through. Where there are too many to
  /// show, those that end as the condition says, and one that does not; the result says so.
  ///
  /// - Throws: what is wrong with the test, or that it is too large.
  public func enumerateKernelExecutions() throws(LitmusTest.Invalid) -> LitmusResult {
    try test.enumerate { enumeration throws(ThreadRuns.TooLarge) in
      let proposition = condition.proposition
      enumeration.witnessed = proposition
      if enumeration.combinations <= Self.mostCombinations {
        do throws(ThreadRuns.TooLarge) {
          return try enumeration.visitAll(endingAs: filter, mostCandidates: Self.mostCandidates)
        } catch {
          enumeration.startOver()
        }
      }
      try enumeration.visitAll(endingAs: .and(filter, proposition))
      try enumeration.visitFirst(endingAs: .and(filter, .not(proposition)))
    }
  }
}

/// The candidates of one test. Ways through its threads are combined here; combinations that are alike but for the values
/// share a `CandidateSkeleton`, which does the rest.
final class CandidateEnumeration {
  let places: PlaceNumbers
  let initial: [UInt64]
  let withLoadBuffering: Bool
  private let test: LitmusTest
  /// Domains of sections come behind them.
  private let namedPlaces: Int
  private let threads: [ThreadWays]
  /// By thread: by state, its registers.
  private let registers: [[[String: LitmusOutcome.Value]]]
  /// By thread, then by place: what this thread and those behind it may write.
  private let writtenFrom: [[Set<UInt64>]]

  /// Only executions that end so are looked at.
  private var wanted = LitmusCondition.Proposition.always
  /// Of an execution that ends so, a trace is kept; nil: of what the test asks.
  var witnessed: LitmusCondition.Proposition?
  private var stopsAtFirst = false
  private(set) var isStopped = false
  private var candidates = 0
  private var mostCandidates = 0
  /// By the threads' states and the places' values at the end: how many executions end so.
  private var counts: [[UInt64]: Int] = [:]
  private var flags: KernelFlags = []
  private(set) var result = LitmusResult()

  private static let mostValues = 64
  /// As many as take a minute or two. What has more events than a word has bits is rarely small enough, which is said sooner.
  private static let mostCandidates = 20_000_000
  private static let mostCandidatesOfMany = 100_000

  init(
    _ test: LitmusTest, _ compiled: CompiledLitmus, withLoadBuffering: Bool
  ) throws(ThreadRuns.TooLarge) {
    self.test = test
    self.withLoadBuffering = withLoadBuffering
    namedPlaces = compiled.places.count
    places = PlaceNumbers(compiled.places + compiled.domains.filter { !compiled.places.contains($0) })
    let places = places
    let held = compiled.initial.map { value in
      value.kind == .address ? places.address(compiled.places[Int(value.value)]) : value.value
    }
    initial = places.names.indices.map { held.indices.contains($0) ? held[$0] : 0 }
    threads = try Self.ways(test, places, initial, withLoadBuffering: withLoadBuffering).map(ThreadWays.init)
    registers = threads.map { $0.states.map { $0.mapValues(places.outcome) } }
    var later = places.names.map { _ in Set<UInt64>() }
    var writtenFrom = [later]
    for thread in threads.reversed() {
      thread.forEachWrite { later[$0].insert($1) }
      writtenFrom.append(later)
    }
    self.writtenFrom = writtenFrom.reversed()
  }

  /// What a place may hold follows from what is written, which follows from what is read: until nothing comes new. Each write
  /// happens once, so that a value has no more writes behind it than there are.
  private static func ways(
    _ test: LitmusTest, _ places: PlaceNumbers, _ initial: [UInt64], withLoadBuffering: Bool
  ) throws(ThreadRuns.TooLarge) -> [[ThreadRun]] {
    var values = initial.map { [$0] }
    // A value may also come out of itself, round a circle of threads: any number could, and those that the test names and 1
    // stand for all. Whether there is such a circle is left to the model.
    if withLoadBuffering, test.threads.count(where: \.writesRegisters) > 1 {
      let constants = test.threads.reduce(into: Set([1])) { $0.formUnion($1.constants) }.subtracting([0]).sorted()
      for place in values.indices { values[place] += constants.filter { !values[place].contains($0) } }
    }
    let writes = test.threads.reduce(0) { $0 + $1.mostWrites }
    var rounds = 0
    while true {
      var runs: [[ThreadRun]] = []
      var isNew = false
      let before = values
      for (number, thread) in test.threads.enumerated() {
        let ways = try ThreadRuns(thread, thread: number, places, before)
        runs.append(ways.runs)
        for written in ways.written.sorted(by: { ($0.place, $0.value) < ($1.place, $1.value) })
        where !values[written.place].contains(written.value) {
          values[written.place].append(written.value)
          isNew = true
        }
      }
      rounds += 1
      if !isNew || rounds > writes { return runs }
      if values.contains(where: { $0.count > mostValues }) {
        throw ThreadRuns.TooLarge(reason: "a place may hold more than \(mostValues) values")
      }
    }
  }

  /// Of ways through the threads.
  var combinations: Int {
    threads.reduce(1) { product, thread in
      let (value, isTooMuch) = product.multipliedReportingOverflow(by: thread.count)
      return isTooMuch ? .max : value
    }
  }

  // MARK: Visiting

  func startOver() {
    flags = []
    result = LitmusResult()
    candidates = 0
  }

  func visitAll(
    endingAs wanted: LitmusCondition.Proposition = .always, mostCandidates: Int = mostCandidates
  ) throws(ThreadRuns.TooLarge) {
    self.mostCandidates = mostCandidates
    try visit(wanted, stopsAtFirst: false)
    result.isExhaustive = true
  }

  func visitFirst(endingAs wanted: LitmusCondition.Proposition) throws(ThreadRuns.TooLarge) {
    try visit(wanted, stopsAtFirst: true)
    result.isOfCondition = true
  }

  private func visit(_ wanted: LitmusCondition.Proposition, stopsAtFirst: Bool) throws(ThreadRuns.TooLarge) {
    self.wanted = wanted
    self.stopsAtFirst = stopsAtFirst
    isStopped = false
    counts = [:]
    try choose([])
    for (end, count) in counts { result.outcomes[outcome(end), default: 0] += count }
  }

  /// Chooses a skeleton of each thread.
  private func choose(_ chosen: [ThreadWays.Skeleton]) throws(ThreadRuns.TooLarge) {
    guard chosen.count == threads.count else {
      for skeleton in threads[chosen.count].skeletons where !isStopped { try choose(chosen + [skeleton]) }
      return
    }
    let events = places.names.count + chosen.reduce(0) { $0 + $1.events.count }
    if events <= UInt64.capacity { return try CandidateSkeleton<UInt64>(chosen, self).visit() }
    if events <= WideBits<SIMD4<UInt64>>.capacity {
      return try CandidateSkeleton<WideBits<SIMD4<UInt64>>>(chosen, self).visit()
    }
    throw ThreadRuns.TooLarge(reason: "it has more than \(WideBits<SIMD4<UInt64>>.capacity) events")
  }

  func mayStillWrite(_ value: UInt64, to place: Int, from thread: Int) -> Bool {
    writtenFrom[thread][place].contains(value)
  }

  // MARK: Ends

  /// Whether an execution may end as it is wanted, if its first threads end in these states.
  func isWanted(_ states: ArraySlice<Int>) -> Bool {
    wanted.truth { name in
      guard case .register(let thread, let register) = name, states.indices.contains(thread) else { return nil }
      return registers[thread][states[thread]][register] ?? .number(0)
    } ?? true
  }

  func isWanted(_ end: [UInt64]) -> Bool {
    if case .always = wanted { return true }
    return wanted.holds(outcome(end))
  }

  /// Of one candidate. What it ends with, by the threads' states and by places.
  func end(_ states: [Int], _ finals: (Int) -> UInt64) -> [UInt64] {
    states.map { UInt64($0) } + (0..<namedPlaces).map(finals)
  }

  func countCandidate(of events: Int) throws(ThreadRuns.TooLarge) {
    candidates += 1
    let most = events > UInt64.capacity ? min(Self.mostCandidatesOfMany, mostCandidates) : mostCandidates
    if candidates > most { throw ThreadRuns.TooLarge(reason: "it has more than \(most) candidate executions") }
  }

  func note(_ end: [UInt64], isRacy: Bool, _ flags: KernelFlags, trace: () -> Counterexample) {
    result.executions += 1
    if !flags.isSubset(of: self.flags) {
      self.flags.formUnion(flags)
      result.flags = self.flags.names
    }
    if isRacy { result.races += 1 }
    if stopsAtFirst { isStopped = true }
    if let count = counts[end] {
      counts[end] = count + 1
      return
    }
    counts[end] = 1
    if result.isObserved { return }
    let outcome = outcome(end)
    if witnessed?.holds(outcome) ?? test.asks(outcome) {
      result.isObserved = true
      result.witness = trace()
    }
  }

  private func outcome(_ end: [UInt64]) -> LitmusOutcome {
    var finals: [String: LitmusOutcome.Value] = [:]
    for place in 0..<namedPlaces { finals[places.names[place]] = places.outcome(end[threads.count + place]) }
    return LitmusOutcome(registers: registers.indices.map { registers[$0][Int(end[$0])] }, places: finals)
  }
}
