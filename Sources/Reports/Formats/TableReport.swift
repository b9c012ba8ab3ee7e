import Machine
import RaceModel

/// For people: a line for each scenario as it comes, `ok` or `NOT OK` first, with what was found and the command to see it
/// again; at the end the figures. Of many scenarios only what is not as expected is told in full, and the end sums up by
/// folder.
public struct TableReport: ReportFormat {
  public static let name = "table"
  public static let extensions = ["txt"]
  private let style: Style
  private let explains: Bool
  private var isBrief = false
  private var hasFigures = true
  public init(_ medium: ReportMedium) {
    style = Style(isColoured: medium.isColoured, width: medium.width)
    explains = medium.explains
  }

  public func briefly(withFigures: Bool) -> any ReportFormat {
    var report = self
    report.isBrief = true
    report.hasFigures = withFigures
    return report
  }

  public func scenario(_ verdicts: [Verdict]) -> String? {
    guard let first = verdicts.first else { return nil }
    if isBrief, !explains, verdicts.allSatisfy(\.asExpected) { return style.fitted(line(verdicts)) }
    let text =
      first.engine == .stress
      ? verdicts.map(raced).joined(separator: "\n") : ExplorationTable(style, explains: explains).scenario(verdicts)
    return text.map(style.fitted)
  }

  /// "ok     relaxed-failure: holds under sc, tso, kernel; fails (data-race) under c11".
  private func line(_ verdicts: [Verdict]) -> String {
    var outcomes: [(what: String, models: [String])] = []
    for verdict in verdicts {
      let what = verdict.engine.model != nil && verdict.outcome == .pass ? "holds" : Sentence.word(verdict)
      let model = verdict.engine.model.map { [$0.rawValue] } ?? []
      if let index = outcomes.firstIndex(where: { $0.what == what }) {
        outcomes[index].models += model
      } else {
        outcomes.append((what, model))
      }
    }
    let text = outcomes.map { what, models in
      models.isEmpty || outcomes.count == 1 ? what : "\(what) under \(models.joined(separator: ", "))"
    }
    return "\(style.badge(true)) \(style.bold(verdicts[0].name.safe)): \(text.joined(separator: "; "))"
  }

  private func raced(_ verdict: Verdict) -> String {
    var lines = [
      "\(style.badge(verdict.asExpected)) \(style.bold(verdict.name.safe)): \(Sentence.outcome(verdict))",
      Sentence.indented(verdict.scenario.question.safe),
    ]
    if verdict.asExpected, !explains {
      if let first = verdict.findings.first { lines.append(Sentence.indented(Sentence.finding(first))) }
      lines += Sentence.notes(verdict).map { Sentence.indented("note: \($0)") }
    } else {
      lines += details(verdict)
    }
    return lines.joined(separator: "\n")
  }

  private func details(_ verdict: Verdict) -> [String] {
    var lines = Sentence.disagreement(verdict).map(Sentence.indented)
    for (number, finding) in verdict.findings.enumerated() {
      // One history a checker: the others look the same.
      let isFirst = !verdict.findings.prefix(number).contains { $0.checker == finding.checker }
      lines.append(Sentence.indented("\(style.bold(finding.checker)): \(Sentence.finding(finding))"))
      if isFirst { lines += finding.history.map { Sentence.indented("    \($0)") } }
    }
    for note in Sentence.notes(verdict) { lines.append(Sentence.indented("note: \(note)")) }
    if verdict.counterexample != nil { lines += ExplorationTable(style, explains: true).explanation(verdict) }
    lines.append(Sentence.indented("again: \(verdict.command)"))
    return lines
  }

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    guard !verdicts.isEmpty else { return }
    let begun = verdicts.filter { $0.outcome != .invalid }
    let raced = begun.filter { $0.engine == .stress }
    let explored = begun.filter { $0.engine != .stress }
    var parts: [String] = []
    let measured = raced.filter { $0.figures.calibration.processors > 0 || $0.figures.rounds > 0 }
    if hasFigures, !measured.isEmpty { parts.append("\n" + figures(measured)) }
    // Litmus tests have none.
    let counted = explored.filter { $0.exploration != nil || $0.outcome != .pass }
    if hasFigures, !counted.isEmpty {
      parts.append("\n" + ExplorationTable(style, explains: explains).figures(counted))
    }
    if isBrief { parts.append("\n" + folders(verdicts).text + "\n") }
    let unexplored = ExplorationTable.unexplored(explored).map { [$0] } ?? []
    parts += ([origin(raced)] + notJudged(verdicts) + unexplored + [summary(verdicts)]).map(style.fitted)
    try write(parts.joined(separator: "\n"))
  }

  /// A row for each folder: how many of its verdicts are as expected, and how long they took.
  private func folders(_ verdicts: [Verdict]) -> TextTable {
    var table = TextTable([
      .left("folder"), .right("verdicts"), .right("as expected"), .right("not"), .right("time (s)"),
    ])
    var folders: [(name: String, verdicts: [Verdict])] = []
    for verdict in verdicts {
      let path = (verdict.file ?? "").split(separator: "/", omittingEmptySubsequences: false).dropLast()
      let name = path.isEmpty ? "." : path.joined(separator: "/")
      if let index = folders.firstIndex(where: { $0.name == name }) {
        folders[index].verdicts.append(verdict)
      } else {
        folders.append((name, [verdict]))
      }
    }
    for folder in folders {
      let expected = folder.verdicts.filter(\.asExpected).count
      table.add([
        folder.name, "\(folder.verdicts.count)", "\(expected)", "\(folder.verdicts.count - expected)",
        Number.fixed(folder.verdicts.reduce(0) { $0 + $1.seconds }, 1),
      ])
    }
    return table
  }

  /// Who could not judge, and why: once for all scenarios that it is true of.
  private func notJudged(_ verdicts: [Verdict]) -> [String] {
    var scenarios: [(what: String, names: [String])] = []
    for verdict in verdicts {
      for one in verdict.record.notJudged {
        let what = "\(one.checker) (\(one.reason))"
        if let index = scenarios.firstIndex(where: { $0.what == what }) {
          scenarios[index].names.append(verdict.name)
        } else {
          scenarios.append((what, [verdict.name]))
        }
      }
    }
    return scenarios.map { what, names in
      "not judged: \(what)"
        + (names.count < verdicts.count && names.count <= 3 ? " in \(names.joined(separator: ", "))" : "")
    }
  }

  // MARK: Figures

  private func figures(_ verdicts: [Verdict]) -> String {
    var table = TextTable([
      .left("scenario"), .left("shape"), .right("racers"), .right("populations"), .right("populations (M/s)"),
      .right("yield"), .right("collisions (M/s)"), .right("losers/slot"), .right("won by racer"),
      .right("winner changes"), .right("allocated"), .right("freed"), .right("time (s)"),
    ])
    for verdict in verdicts {
      let figures = verdict.figures
      let scenario = verdict.scenario
      var shape = scenario.stress.shape.rawValue
      if scenario.stress.shape == .widened { shape = scenario.stress.widening.rawValue }
      if let visits = figures.visitsInFlight { shape += " \(visits)" }
      if let delay = figures.delay { shape += " \(delay)" }
      if scenario.stress.start == .adaptive { shape += ", adaptive" }
      if figures.threads != nil { shape = "\(scenario.stress.shape.rawValue), whole program" }
      table.add([
        verdict.name, shape, "\(figures.threads ?? scenario.racerCount)", Number.grouped(figures.populations),
        Number.fixed(figures.populationsPerSecond / 1e6, 2),
        Number.percent(figures.yield), Number.fixed(figures.collisionsPerSecond / 1e6, 2),
        Number.fixed(figures.losersPerSlot, 2), shares(figures), Number.fixed(figures.winnerChangeRate, 2),
        Number.grouped(figures.allocations), Number.grouped(figures.frees), Number.fixed(figures.seconds, 3),
      ])
    }
    return table.text(
      within: style.width,
      dropping: [
        "winner changes", "losers/slot", "allocated", "freed", "won by racer", "populations (M/s)", "racers", "shape",
      ])
  }

  /// Percent of the populations, by racer; of many racers the least and the most.
  private func shares(_ figures: Figures) -> String {
    guard figures.populations > 0, !figures.winsByRacer.isEmpty else { return "-" }
    let shares = figures.winsByRacer.map { Number.fixed(Double($0) / Double(figures.populations) * 100, 0) }
    if shares.count <= 5 { return shares.joined(separator: "/") + " %" }
    let sorted = figures.winsByRacer.sorted().map { Double($0) / Double(figures.populations) * 100 }
    return "\(Number.fixed(sorted.first ?? 0, 1)) to \(Number.fixed(sorted.last ?? 0, 1)) %"
  }

  /// What figures rest on: the machine, the seed of what was raced, and the tool.
  private func origin(_ raced: [Verdict]) -> String {
    let seeds = Set(raced.map(\.scenario.stress.seed))
    let seed = seeds.count == 1 ? seeds.first.map { "seed \($0)" } : nil
    return [machine(raced).map { "machine: \($0)" }, seed, "\(Product.name) \(Product.build)"].compactMap { $0 }
      .joined(separator: "; ")
  }

  private func machine(_ verdicts: [Verdict]) -> String? {
    let calibrations = verdicts.map(\.figures.calibration).filter { $0.processors > 0 }
    guard let first = calibrations.first else { return nil }
    let times = calibrations.flatMap { [$0.roundTripBefore, $0.roundTripAfter] }.compactMap { $0 }.sorted()
    var text =
      "\(Number.counted(first.processors, "processor")) used, load "
      + "\(Number.fixed(first.load, 2)), \(first.build.rawValue) build"
    if let least = times.first, let most = times.last {
      text +=
        ", compare-exchange round trip \(Number.fixed(times[times.count / 2], 0)) ns"
        + " (\(Number.fixed(least, 0)) to \(Number.fixed(most, 0)))"
    }
    return text
  }

  private func summary(_ verdicts: [Verdict]) -> String {
    let unexpected = verdicts.filter { !$0.asExpected }
    let noun = verdicts.contains { $0.engine != .stress } ? "verdict" : "scenario"
    let text =
      "\(Number.counted(verdicts.count, noun)): \(verdicts.count - unexpected.count) as expected"
    if unexpected.isEmpty { return style.green(text) }
    let names = unexpected.map { verdict in
      verdict.name.safe + (verdict.engine.model.map { " (\($0.rawValue))" } ?? "")
    }
    return style.red("\(text), \(unexpected.count) not: \(names.joined(separator: ", "))")
  }
}
