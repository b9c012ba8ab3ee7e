import AddonMemory
import RaceModel

/// The part of the table report that shows explorations: a line for each memory model, the execution that explains the
/// first finding, and the figures.
struct ExplorationTable {
  private let style: Style
  private let explains: Bool
  init(_ style: Style, explains: Bool) {
    self.style = style
    self.explains = explains
  }

  func scenario(_ verdicts: [Verdict]) -> String? {
    guard let first = verdicts.first else { return nil }
    let badge = verdicts.allSatisfy(\.asExpected) ? style.green("AS EXPECTED") : style.red("UNEXPECTED ")
    var lines = ["\(badge) \(style.bold(first.scenario.name))  \(first.scenario.question)"]
    for verdict in verdicts { lines += self.lines(of: verdict) }
    // One execution explains; those of the other models look the same.
    if let shown = verdicts.first(where: { (explains || !$0.asExpected) && $0.counterexample != nil }) {
      lines += explanation(shown)
    } else if let known = verdicts.first(where: { $0.counterexample != nil }) {
      lines += replay(known)
    }
    for verdict in verdicts where !verdict.asExpected {
      lines.append(indented("again: \(verdict.command)"))
    }
    return lines.joined(separator: "\n")
  }

  private func indented(_ line: String) -> String { "            \(line)" }

  private func lines(of verdict: Verdict) -> [String] {
    let name = (verdict.memoryModel?.rawValue ?? "?").padded(to: 7)
    var text = "\(name) \(word(verdict))"
    if let figures = verdict.exploration, verdict.outcome == .pass {
      text += "  \(Number.grouped(figures.executions)) execution\(figures.executions == 1 ? "" : "s")"
      if figures.usedSymmetry { text += " up to symmetry" }
    }
    if let finding = verdict.findings.first {
      let when = verdict.exploration?.firstFinding.map { "execution \($0)" } ?? ""
      text += "  \(finding.checker), \(when): \(TableReport.sentence(finding))"
    }
    var lines = [indented(text)]
    for note in verdict.notes where verdict.outcome != .pass || !note.isEmpty {
      lines.append(indented("        note: \(note)"))
    }
    if !verdict.asExpected { lines.append(indented("        expected: \(verdict.expected)")) }
    return lines
  }

  private func word(_ verdict: Verdict) -> String {
    let word =
      switch verdict.outcome {
      case .pass: "holds"
      case .fail: "fails"
      default: verdict.outcome.rawValue
      }
    return verdict.asExpected ? style.green(word.padded(to: 5)) : style.red(word.padded(to: 5))
  }

  /// The execution that shows the finding, step by step.
  func explanation(_ verdict: Verdict) -> [String] {
    guard let counterexample = verdict.counterexample else { return [] }
    let model = verdict.memoryModel?.rawValue ?? ""
    var lines = [indented("An execution that shows it, under \(model), as short as was found:")]
    lines += TraceText(counterexample).lines.map { indented("  \($0)") }
    return lines + replay(verdict)
  }

  private func replay(_ verdict: Verdict) -> [String] {
    guard let counterexample = verdict.counterexample, let file = verdict.file else { return [] }
    let strategy = verdict.command.contains("--strategy") ? "--strategy \(verdict.scenario.strategy) " : ""
    return [indented("replay: addonrace replay \(file) \(strategy)\(counterexample.token)")]
  }

  // MARK: Figures

  func figures(_ verdicts: [Verdict]) -> String {
    var table = TextTable([
      .left("scenario"), .left("model"), .right("racers"), .left("verdict"), .right("executions"), .left(""),
      .right("judged"), .right("first finding"), .right("abandoned"), .right("discarded"), .right("events"),
      .right("k/s"), .right("MB"), .right("s"),
    ])
    for verdict in verdicts {
      let figures = verdict.exploration ?? ExplorationFigures()
      table.add([
        verdict.scenario.name, verdict.memoryModel?.rawValue ?? "", "\(verdict.scenario.exploredRoles.count)",
        verdict.outcome.rawValue, Number.grouped(figures.executions),
        figures.isExhaustive ? (figures.usedSymmetry ? "all, up to symmetry" : "all") : "not all",
        Number.grouped(figures.judged), figures.firstFinding.map { Number.grouped($0) } ?? "-",
        Number.grouped(figures.abandoned), Number.grouped(figures.discarded), "\(figures.longest)",
        Number.fixed(figures.executionsPerSecond / 1000, 1), Number.fixed(Double(figures.peakBytes) / 1e6, 1),
        Number.fixed(figures.seconds, 3),
      ])
    }
    return table.text
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
