import AddonMemory
import Addons
import Checkers
import RaceModel

/// Races every entry of the catalog in every shape and says who caught what: the test of the checkers themselves.
public struct Audit: Sendable {
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

  /// What became of one entry in one shape, or under one memory model.
  public struct Cell: Sendable {
    /// The shape's or the model's name.
    public let way: String
    public let outcome: Outcome
    /// Checkers that reported.
    public let checkers: [String]
    public let populations: Int
    /// Of an exploration: executions visited.
    public let executions: Int
    public let seconds: Double
  }

  public struct Row: Sendable {
    public let entry: SubjectFacts
    /// By shape.
    public let cells: [Cell]
    /// By memory model.
    public let explored: [Cell]

    /// What is wrong with either half of the row.
    public var complaint: String? {
      let complaints = [racedComplaint, exploredComplaint].compactMap { $0 }
      return complaints.isEmpty ? nil : complaints.joined(separator: "; ")
    }

    /// A fault that escaped in a model in which it is one, or something right that was accused.
    private var exploredComplaint: String? {
      let wrong = explored.compactMap { cell -> String? in
        guard let model = MemoryModel(rawValue: cell.way) else { return nil }
        guard let fault = entry.fault, !entry.rightIn.contains(model) else {
          let isRight = cell.outcome == .pass || !entry.rightIn.contains(model)
          return isRight ? nil : "right in \(cell.way), and accused by \(cell.checkers.joined(separator: ", "))"
        }
        // The strategy is not right there either, and what shows first is not the site's fault alone.
        if entry.strategy.fault == nil, !entry.strategy.rightIn.contains(model) {
          return cell.outcome == .pass ? "escaped in \(cell.way)" : nil
        }
        let missing = fault.exploredBy.filter { !cell.checkers.contains($0) }
        if !missing.isEmpty { return "escaped in \(cell.way) from \(missing.joined(separator: ", "))" }
        let others = Set(cell.checkers).subtracting(fault.exploredBy).subtracting(fault.mayBeExploredBy)
        return others.isEmpty ? nil : "also reported in \(cell.way) by \(others.sorted().joined(separator: ", "))"
      }
      return wrong.isEmpty ? nil : wrong.joined(separator: "; ")
    }

    /// What is wrong with this row: a fault that hardware can show and nothing caught as it should be, or a right one
    /// that was accused.
    private var racedComplaint: String? {
      guard let fault = entry.fault else {
        let accused = cells.filter { $0.outcome != .pass && $0.outcome != .vacuous }
        guard !accused.isEmpty else { return nil }
        return "right, and accused: " + accused.map { "\($0.way) \($0.outcome.rawValue)" }.joined(separator: ", ")
      }
      switch fault.caught {
      case .byCrash:
        return cells.contains { $0.outcome == .crashed } ? nil : "did not crash in any shape"
      case .byWatchdog:
        return cells.contains { $0.outcome == .timedOut } ? nil : "came to an end in every shape"
      case .by(let names):
        let reported = Set(cells.flatMap(\.checkers))
        let missing = names.filter { !reported.contains($0) }
        if !missing.isEmpty { return "escaped from \(missing.joined(separator: ", "))" }
        let wrong = reported.subtracting(names).subtracting(fault.may)
        return wrong.isEmpty ? nil : "also reported by \(wrong.sorted().joined(separator: ", "))"
      case .byChance(let names):
        let wrong = Set(cells.flatMap(\.checkers)).subtracting(names).subtracting(fault.may)
        return wrong.isEmpty ? nil : "also reported by \(wrong.sorted().joined(separator: ", "))"
      case .byThreadSanitizer, .byExploration:
        let accused = cells.filter { $0.outcome == .fail && $0.checkers.contains { $0 != DataRace.checkerName } }
        return accused.isEmpty
          ? nil : "hardware cannot show it, and it was reported: \(accused.flatMap(\.checkers))"
      }
    }
  }

  public var seconds = 0.5
  public var seed: UInt64 = 1
  public init() {}

  /// The scenario that is raced for an entry in a shape.
  public func scenario(for entry: SubjectFacts, in shape: Shape) -> Scenario {
    var scenario = Scenario(
      name: "\(entry.site.name) with \(entry.strategy.name)", question: entry.site.summary, site: entry.site.name,
      strategy: entry.strategy.name, racers: entry.racers)
    // As many as its fault needs.
    if entry.fault != nil { scenario.explore.racers = entry.racers }
    scenario.stress.shape = shape.shape
    scenario.stress.widening = shape.widening
    scenario.stress.start = shape.start
    scenario.stress.time = seconds
    scenario.stress.seed = seed
    scenario.stress.collisions = 20_000
    // One racer that allocates and one that looks collide only now and then.
    let looking = entry.roles.filter(\.looksOnly).map(\.name)
    let allocating = entry.racers.filter { !looking.contains($0.role) }.reduce(0) { $0 + $1.count }
    // Nor do racers whose slot is NULL again when the next one comes, and who takes what came with the inode does not allocate.
    if entry.site.eager || allocating < 2 || entry.keepsHistory || entry.limits.allocationsPerCreation > 0 {
      scenario.stress.minimumYield = 0
    }
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
    if let fault = entry.fault, case .byWatchdog = fault.caught { scenario.stress.watchdog = 1 }
    for model in MemoryModel.allCases { scenario.expect.explore[model] = entry.explored(in: model) }
    return scenario
  }

  /// Races one entry in every shape; `race` does it, in a child or here. `explored` are the verdicts on it under each memory
  /// model.
  public func row(_ entry: SubjectFacts, explored: [Verdict], race: (Scenario) -> Verdict) -> Row {
    Row(
      entry: entry, cells: Self.shapes.map { cell($0.name, race(scenario(for: entry, in: $0))) },
      explored: explored.map { cell($0.engine.model?.rawValue ?? "", $0) })
  }

  private func cell(_ way: String, _ verdict: Verdict) -> Cell {
    Cell(
      way: way, outcome: verdict.outcome, checkers: verdict.record.reporters, populations: verdict.figures.populations,
      executions: verdict.exploration?.executions ?? 0,
      seconds: verdict.exploration?.seconds ?? verdict.figures.seconds)
  }
}

extension SubjectFacts {
  /// What exploration is expected to say of the pair in a model.
  public func explored(in model: MemoryModel) -> ExpectedVerdict {
    guard let fault, !rightIn.contains(model) else { return .verdict(.pass) }
    return .fail(checkers: fault.exploredBy, may: fault.mayBeExploredBy)
  }
}

extension Fault {
  /// The checkers that must report it where every execution is explored.
  public var exploredBy: [String] {
    if let explored { return explored }
    return switch caught {
    case .by(let names), .byChance(let names): names
    case .byCrash: [Crash.checkerName]
    case .byWatchdog: [ProgressChecker.checkerName]
    case .byThreadSanitizer: [DataRace.checkerName]
    case .byExploration(let names): names
    }
  }

  /// Those that may report it as well: what follows from the defect in some execution or other.
  public var mayBeExploredBy: [String] {
    (checkers + may + [DataRace.checkerName, NoUseAfterFree().name, Agreement().name])
      .filter { !exploredBy.contains($0) }
  }

  /// Who catches it, in words.
  public var caughtBy: String {
    switch caught {
    case .by(let names): names.joined(separator: ", ")
    case .byChance(let names): names.joined(separator: ", ") + " (rarely, but for sure where it is explored)"
    case .byCrash: "a crash of the process"
    case .byWatchdog: "the watchdog, and \(ProgressChecker.checkerName) where it is explored"
    case .byThreadSanitizer: "\(DataRace.checkerName) (under ThreadSanitizer; x86 hardware cannot show it)"
    case .byExploration: "exploration alone (x86 hardware cannot show it)"
    }
  }
}
