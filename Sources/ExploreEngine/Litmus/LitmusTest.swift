import AddonMemory

/// A small program and a question about its outcome: the way to test a memory model, and this explorer.
///
///     let storeBuffering = LitmusTest(
///       "SB",
///       threads: [
///         [.store("x", 1, .relaxed), .load("y", into: "r", .relaxed)],
///         [.store("y", 1, .relaxed), .load("x", into: "r", .relaxed)],
///       ],
///       asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 })
///     storeBuffering.explore(.sc).isObserved   // false
///     storeBuffering.explore(.tso).isObserved  // true
///
/// Places are words of 64 bits, named at their first use, zero at first; each is an object of its own, so that a load
/// *through* a register that holds its address depends on the load of that register. Registers are each thread's own,
/// zero at first.
public struct LitmusTest: Sendable {
  /// What is stored or compared.
  public enum Value: Sendable, Hashable, ExpressibleByIntegerLiteral {
    case constant(UInt64)
    case register(String)
    /// Of a place: never zero.
    case address(String)
    public init(integerLiteral value: UInt64) { self = .constant(value) }
  }

  public indirect enum Instruction: Sendable, Hashable {
    case load(String, into: String, LoadOrdering)
    case store(String, Value, StoreOrdering)
    case exchange(String, Value, into: String, UpdateOrdering)
    case fetchAdd(String, Value, into: String, UpdateOrdering)
    /// The register gets the value that was found.
    case compareExchange(String, Value, Value, into: String, UpdateOrdering, failure: LoadOrdering)
    case fence(FenceOrdering)
    /// Plain accesses.
    case read(String, into: String)
    case write(String, Value)
    /// Loads from the place whose address the first register holds; does nothing if it holds 0.
    case loadThrough(String, into: String, LoadOrdering)
    /// As `loadThrough`, plainly.
    case readThrough(String, into: String)
    /// The instructions only if the register holds the value.
    case when(String, is: UInt64, [Instruction])
    /// Loads again and again, until the place holds the value.
    case await(String, is: UInt64, LoadOrdering)
    case lock(String)
    case unlock(String)
    /// A read-side section, and a grace period of its domain, of which there is one. Sections do not nest here.
    case beginSection, endSection
    case synchronize
  }

  public let name: String
  public let threads: [[Instruction]]
  /// Whether an outcome is the one that the test asks about.
  public let asks: @Sendable (LitmusOutcome) -> Bool

  public init(
    _ name: String, threads: [[Instruction]], asks: @escaping @Sendable (LitmusOutcome) -> Bool = { _ in false }
  ) {
    self.name = name
    self.threads = threads
    self.asks = asks
  }

  /// Visits every execution that the model allows.
  ///
  /// - Parameters:
  ///   - usesSymmetry: visit only one of executions that differ by an exchange of threads with the same instructions.
  ///   - limit: executions after which to stop.
  public func explore(_ model: MemoryModel, usesSymmetry: Bool = false, limit: Int = .max) -> LitmusResult {
    let program = LitmusProgram(self)
    var result = LitmusResult()
    guard let exploration = Exploration(program, model: model, usesSymmetry: usesSymmetry) else { return result }
    var outcomes: [LitmusOutcome: Int] = [:]
    var graphs = Set<GraphDigest>()
    result.isExhaustive = exploration.visitAll {
      let state = exploration.execution.state
      let mishaps = state.pointee.mishaps
      if mishaps.contains(where: { $0.kind == .dataRace }) { result.races += 1 }
      if mishaps.contains(where: { $0.kind == .stuck }) { result.stuck += 1 }
      if !graphs.insert(GraphDigest(exploration.execution.graph.pointee)).inserted { result.duplicates += 1 }
      if state.pointee.end == .complete { outcomes[program.outcome(), default: 0] += 1 }
      return exploration.counts.executions >= limit ? .stop : .goOn
    }
    result.executions = exploration.counts.executions
    result.abandoned = exploration.counts.abandoned
    result.outcomes = outcomes
    result.graphs = graphs
    result.isObserved = outcomes.keys.contains(where: asks)
    return result
  }
}

/// How one execution of a litmus test ended.
public struct LitmusOutcome: Hashable, Sendable {
  /// By thread, then by name.
  public var registers: [[String: UInt64]]
  public var places: [String: UInt64]
  public init(registers: [[String: UInt64]], places: [String: UInt64]) {
    self.registers = registers
    self.places = places
  }
  /// A register of a thread; 0 if it was never written.
  public subscript(thread: Int, register: String) -> UInt64 { registers[thread][register] ?? 0 }
  /// A place at the end.
  public subscript(place: String) -> UInt64 { places[place] ?? 0 }
}

public struct LitmusResult: Sendable {
  /// Whether an outcome was the one asked about.
  public var isObserved = false
  /// Whether every execution was visited.
  public var isExhaustive = false
  public var executions = 0
  /// Runs that were no execution.
  public var abandoned = 0
  /// Executions visited before: none, if the explorer is optimal.
  public var duplicates = 0
  /// Executions with a data race.
  public var races = 0
  /// Executions in which somebody waits for ever.
  public var stuck = 0
  /// The executions themselves.
  var graphs = Set<GraphDigest>()
  /// How many executions ended in each way.
  public var outcomes: [LitmusOutcome: Int] = [:]
}

/// An execution graph as a value: equal for the same executions, whatever the order in which events were added.
struct GraphDigest: Hashable {
  /// An event without the value: what it is, and what it reads or overwrites, by racer and number.
  struct Point: Hashable {
    var racer: Int
    var index: Int
    var kind: Int
    var location: Int
    var source: [Int]
    var earlier: [Int]
    var outcome: UInt64
  }
  var points: Set<Point> = []

  init(_ graph: ExecutionGraph) {
    func name(_ id: Int32) -> [Int] {
      id < 0 ? [] : [Int(graph.events[Int(id)].racer), Int(graph.events[Int(id)].index)]
    }
    for id in 0..<graph.count {
      let event = graph.events[id]
      points.insert(
        Point(
          racer: Int(event.racer), index: Int(event.index), kind: Int(event.kind.rawValue),
          location: Int(event.location), source: event.kind == .read ? name(event.source) : [],
          earlier: event.kind == .write ? name(event.earlier) : [],
          outcome: event.kind == .choice ? event.value : 0))
    }
  }

  /// The same with racers renamed.
  func renamed(_ names: [Int]) -> GraphDigest {
    var copy = self
    copy.points = Set(
      points.map { point in
        var point = point
        point.racer = names[point.racer]
        if !point.source.isEmpty { point.source[0] = names[point.source[0]] }
        if !point.earlier.isEmpty { point.earlier[0] = names[point.earlier[0]] }
        return point
      })
    return copy
  }
}
