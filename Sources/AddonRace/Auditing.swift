import Addons
import Checkers
import RaceModel
import StressEngine

/// Races every entry of the catalog in every shape and says who caught what: the test of the checkers themselves.
public struct Audit {
  /// One way to race.
  public struct Shape: Sendable {
    public let name: String
    let shape: RaceShape
    let widening: Widening
    let start: Start
  }

  public static let shapes = [
    Shape(name: "natural", shape: .natural, widening: .pipeline, start: .free),
    Shape(name: "pipeline", shape: .widened, widening: .pipeline, start: .free),
    Shape(name: "delay", shape: .widened, widening: .delay, start: .adaptive),
    Shape(name: "forced", shape: .forced, widening: .pipeline, start: .free),
  ]

  /// What became of one entry in one shape.
  public struct Cell: Sendable {
    public let shape: String
    public let outcome: Outcome
    /// Checkers that reported.
    public let checkers: [String]
    public let populations: Int
    public let seconds: Double
    public let command: String
  }

  public struct Row: Sendable {
    public let entry: CatalogEntry
    public let cells: [Cell]

    /// What is wrong with this row: a fault that hardware can show and nothing caught as it should be, or a right one
    /// that was accused.
    public var complaint: String? {
      guard let fault = entry.fault else {
        let accused = cells.filter { $0.outcome != .pass && $0.outcome != .vacuous }
        guard !accused.isEmpty else { return nil }
        return "right, and accused: " + accused.map { "\($0.shape) \($0.outcome.rawValue)" }.joined(separator: ", ")
      }
      switch fault.caught {
      case .byCrash:
        return cells.contains { $0.outcome == .crashed } ? nil : "did not crash in any shape"
      case .by(let names):
        let reported = Set(cells.flatMap(\.checkers))
        let missing = names.filter { !reported.contains($0) }
        if !missing.isEmpty { return "escaped from \(missing.joined(separator: ", "))" }
        let wrong = reported.subtracting(names).subtracting(fault.may)
        return wrong.isEmpty ? nil : "also reported by \(wrong.sorted().joined(separator: ", "))"
      case .byThreadSanitizer, .byExploration:
        let accused = cells.filter { $0.outcome == .fail && $0.checkers.contains { $0 != DataRace.name } }
        return accused.isEmpty
          ? nil : "hardware cannot show it, and it was reported: \(accused.flatMap(\.checkers))"
      }
    }
  }

  public var seconds = 0.5
  public var seed: UInt64 = 1
  public init() {}

  /// The scenario that is raced for an entry in a shape.
  public func scenario(for entry: CatalogEntry, in shape: Shape) -> Scenario {
    var scenario = Scenario(
      name: "\(entry.site.name) with \(entry.strategy.name)", question: entry.site.summary, site: entry.site.name,
      strategy: entry.strategy.name, racers: entry.racers)
    scenario.stress.shape = shape.shape
    scenario.stress.widening = shape.widening
    scenario.stress.start = shape.start
    scenario.stress.time = seconds
    scenario.stress.seed = seed
    scenario.stress.collisions = 20_000
    // One racer that allocates and one that looks collide only now and then.
    let allocating = entry.racers.filter { $0.role != "read" }.reduce(0) { $0 + $1.count }
    if entry.site.eager || allocating < 2 { scenario.stress.minimumYield = 0 }
    switch entry.fault?.failures {
    case .all: scenario.faults.allocationFailure = AllocationFailure(.every(1))
    case .someOfOneRacer:
      scenario.faults.allocationFailure = AllocationFailure(.every(2))
      scenario.faults.allocationFailure?.racer = 1
    case nil, .some(.none): break
    }
    if let fault = entry.fault, case .by(let names) = fault.caught {
      scenario.expect.stress = .fail(checkers: names, may: fault.may)
    }
    return scenario
  }

  /// Races one entry in every shape; `run` does it, in a child or here.
  public func row(_ entry: CatalogEntry, run: (Scenario) -> Verdict) -> Row {
    let cells = Self.shapes.map { shape in
      let scenario = scenario(for: entry, in: shape)
      let verdict = run(scenario)
      var checkers: [String] = []
      for finding in verdict.findings where !checkers.contains(finding.checker) { checkers.append(finding.checker) }
      return Cell(
        shape: shape.name, outcome: verdict.outcome, checkers: checkers,
        populations: verdict.figures.populations, seconds: verdict.figures.seconds, command: verdict.command)
    }
    return Row(entry: entry, cells: cells)
  }
}

extension Fault {
  /// Who catches it, in words.
  public var caughtBy: String {
    switch caught {
    case .by(let names): names.joined(separator: ", ")
    case .byCrash: "the end of the process"
    case .byThreadSanitizer: "\(DataRace.name) (under ThreadSanitizer; x86 hardware cannot show it)"
    case .byExploration: "exploration alone (x86 hardware cannot show it)"
    }
  }
}
