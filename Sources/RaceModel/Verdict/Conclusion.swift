/// Says what the record of a run amounts to.
struct Conclusion {
  private let record: RunRecord
  private let scenario: Scenario
  private let facts: SubjectFacts?

  init(_ record: RunRecord, _ scenario: Scenario, _ facts: SubjectFacts?) {
    self.record = record
    self.scenario = scenario
    self.facts = facts
  }

  var outcome: (Outcome, notes: [String]) {
    let (outcome, reason) = outcomeAndReason
    return (outcome, warnings + [reason].compactMap { $0 } + record.notes)
  }

  private var outcomeAndReason: (Outcome, String?) {
    switch record.end {
    case .refused(let why): return (.invalid, why)
    case .died(let how): return (.crashed, how)
    case .killed(let how): return (.timedOut, how)
    case .none: return (.crashed, "the run did not report how it ended")
    case .engine(let end):
      if !record.findings.isEmpty { return (.fail, nil) }
      switch end {
      case .timedOut(let why): return (.timedOut, why)
      case .interrupted: return (.interrupted, interruption)
      case .budget(let what): return (.inconclusive, coverage(what))
      case .enough, .time, .stopped, .exhausted: return vacuity.map { (.vacuous, $0) } ?? (.pass, nil)
      }
    }
  }

  private var warnings: [String] {
    var warnings: [String] = []
    if let part = record.exploration?.part {
      warnings.append("part \(part) of the exploration: `addonrace merge` adds the parts up")
    }
    if let why = record.exploration?.symmetryRefusal {
      warnings.append("symmetry is off: \(why)")
    }
    if record.figures.calibration.changed {
      warnings.append("timing changed during the run: do not compare these figures")
    }
    let kept = Dictionary(grouping: record.findings, by: \.checker).mapValues(\.count)
    for (checker, count) in record.counts.sorted(by: { $0.key < $1.key }) where count > kept[checker] ?? 0 {
      warnings.append("\(checker): \(count) findings, of which \(kept[checker] ?? 0) are shown")
    }
    return warnings
  }

  // MARK: Explorations

  private var interruption: String? {
    guard let figures = record.exploration else { return nil }
    let rest = figures.estimate.map { " of about \(Coverage.scientific($0)) or more" } ?? ""
    return "after \(figures.executions) executions\(rest), none of which shows a finding"
  }

  private func coverage(_ budget: String) -> String { Coverage.sentence(budget, record.exploration) }

  // MARK: Whether it tested anything

  private var vacuity: String? {
    let refuses = scenario.faults.allocationFailure != nil
    if record.engine != .stress {
      return refuses && !record.sawRefusal ? "no allocation failed, though the scenario makes some fail" : nil
    }
    let figures = record.figures
    if figures.rounds == 0 { return "no round was finished" }
    if refuses, figures.refusals == 0 { return "no allocation failed, though the scenario makes some fail" }
    let detaching = scenario.racers.map(\.role).filter { facts?.role(named: $0)?.detaches == true }
    if !detaching.isEmpty, figures.detaches == 0 {
      return "nothing was ever detached, though the scenario names \(detaching.joined(separator: " and "))"
    }
    if !figures.yieldIsKnown, scenario.stress.minimumYield == nil { return nil }
    let floor = scenario.stress.yieldFloor
    guard figures.yield < floor || (figures.populations == 0 && floor > 0) else { return nil }
    if figures.populations == 0 { return "no slot was ever populated" }
    return
      "\(percent(figures.yield)) of the populations collided; the scenario requires \(percent(floor)) (minimum-yield)"
  }

  /// Rounded down, so that what is too little looks it.
  private func percent(_ share: Double) -> String {
    let tenths = Int(share * 1000 + 1e-6)
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
  }
}

/// How much of an exploration was done, in words.
public enum Coverage {
  public static func sentence(_ budget: String, _ figures: ExplorationFigures?) -> String {
    guard let figures else { return "the budget of \(budget) is spent" }
    var text = "the budget of \(budget) is spent after \(figures.executions) executions"
    if let estimate = figures.estimate {
      text += " of about \(scientific(estimate)) or more: \(share(Double(figures.executions) / max(estimate, 1)))"
    }
    if figures.samples > 0 { text += "; then \(figures.samples) random ones, which is a sample and not exhaustive" }
    return text
  }

  /// At most so many percent, to a tenth, rounded up.
  private static func share(_ share: Double) -> String {
    let thousandths = (share * 1000).rounded(.up)
    if share < 0.001 { return "less than 0.1 %" }
    return "at most \(thousandths / 10) %"
  }

  /// Large numbers as 3.2e9, rounded.
  public static func scientific(_ value: Double) -> String {
    if value < 1e6 { return "\(Int(value))" }
    var (mantissa, exponent) = (value, 0)
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    let rounded = (mantissa * 10).rounded() / 10
    return rounded >= 10 ? "1.0e\(exponent + 1)" : "\(rounded)e\(exponent)"
  }
}
