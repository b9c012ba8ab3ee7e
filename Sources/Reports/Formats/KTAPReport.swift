import RaceModel

/// The kernel's test protocol, version 1 (Documentation/dev-tools/ktap.rst): a test for each scenario, with a subtest for
/// each memory model.
public struct KTAPReport: ReportFormat {
  public static let name = "ktap"
  public static let extensions = ["ktap", "tap"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    var scenarios: [[Verdict]] = []
    for verdict in verdicts {
      if let last = scenarios.last?.last, last.engine != .stress, verdict.engine != .stress,
        last.file == verdict.file, last.scenario.name == verdict.scenario.name
      {
        scenarios[scenarios.count - 1].append(verdict)
      } else {
        scenarios.append([verdict])
      }
    }
    var lines = ["KTAP version 1", "1..\(scenarios.count)"]
    for (number, scenario) in scenarios.enumerated() {
      if scenario.count == 1 {
        lines += diagnostics(scenario[0]) + [result(scenario[0], number + 1, scenario[0].title)]
        continue
      }
      lines += ["  KTAP version 1", "  1..\(scenario.count)"]
      for (index, verdict) in scenario.enumerated() {
        lines += (diagnostics(verdict) + [result(verdict, index + 1, verdict.engine.model?.rawValue ?? "")])
          .map { "  " + $0 }
      }
      let isOK = scenario.allSatisfy { $0.asExpected }
      lines.append("\(isOK ? "ok" : "not ok") \(number + 1) \(safe(scenario[0].scenario.name))")
    }
    try write(lines.joined(separator: "\n"))
  }

  private func result(_ verdict: Verdict, _ number: Int, _ name: String) -> String {
    let directive: String? =
      switch verdict.outcome {
      case .vacuous: "SKIP vacuous"
      case .interrupted: "SKIP interrupted"
      case .inconclusive, .timedOut: "TIMEOUT \(verdict.outcome.rawValue)"
      case .crashed, .invalid:
        verdict.asExpected ? "XFAIL \(verdict.outcome.rawValue)" : "ERROR \(verdict.outcome.rawValue)"
      case .fail: verdict.asExpected ? "XFAIL \(verdict.record.reporters.joined(separator: ", "))" : nil
      case .pass: nil
      }
    let isOK = verdict.asExpected || verdict.outcome == .vacuous || verdict.outcome == .interrupted
    return "\(isOK ? "ok" : "not ok") \(number) \(safe(name))" + (directive.map { " # \($0)" } ?? "")
  }

  /// What is not as expected, in full.
  private func diagnostics(_ verdict: Verdict) -> [String] {
    verdict.asExpected ? [] : verdict.lines.map { "# \($0)" }
  }

  /// A name has no `#`, which begins a directive.
  private func safe(_ name: String) -> String { name.replacing("#", with: "") }
}
