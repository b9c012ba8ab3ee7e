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
    let badge = style.badge(verdicts.allSatisfy(\.asExpected))
    var lines = ["\(badge) \(style.bold(first.name.safe)): \(first.scenario.question.safe)"]
    for verdict in verdicts { lines += self.lines(of: verdict) }
    // One execution explains; those of the other models look the same.
    if let shown = verdicts.first(where: { (explains || !$0.asExpected) && $0.counterexample != nil }) {
      lines += explanation(shown)
    } else if let known = verdicts.first(where: { $0.counterexample != nil }) {
      lines += replay(known)
    }
    for verdict in verdicts where !verdict.asExpected {
      lines.append(Sentence.indented("again: \(verdict.command)"))
    }
    return lines.joined(separator: "\n")
  }

  private func lines(of verdict: Verdict) -> [String] {
    let name = (verdict.engine.model?.rawValue ?? "?").padded(to: 7)
    let badge = verdict.asExpected ? "" : style.red("NOT OK ")
    var lines = [Sentence.indented("\(name) \(badge)\(outcome(verdict))")]
    if let finding = verdict.findings.first {
      let when = verdict.exploration?.firstFinding.map { "execution \($0): " } ?? ""
      lines.append(Sentence.indented("        \(finding.checker): \(when)\(Sentence.finding(finding))"))
    }
    lines += (Sentence.notes(verdict).map { "note: \($0)" } + Sentence.disagreement(verdict)).map {
      Sentence.indented("        \($0)")
    }
    return lines
  }

  private func outcome(_ verdict: Verdict) -> String {
    guard let figures = verdict.exploration, verdict.outcome == .pass else { return Sentence.outcome(verdict) }
    let all = figures.executions == 1 ? "the one execution" : "all \(Number.grouped(figures.executions)) executions"
    let holds = "holds in \(all)" + (figures.usedSymmetry ? " (identical racers counted once)" : "")
    return verdict.asExpected ? holds : "\(holds), expected: \(verdict.expected)"
  }

  /// The execution that shows the finding, step by step.
  func explanation(_ verdict: Verdict) -> [String] {
    guard let counterexample = verdict.counterexample else { return [] }
    let model = verdict.record.counterexampleModel?.rawValue ?? ""
    var lines = [Sentence.indented("An execution that shows it, under \(model), as short as was found:")]
    let margin = Sentence.indented("  ")
    lines += TraceText(counterexample).lines(within: style.width.map { $0 - margin.count }).map { margin + $0 }
    return lines + replay(verdict)
  }

  private func replay(_ verdict: Verdict) -> [String] {
    guard let command = ReplayCommandText(verdict).text else { return [] }
    return [Sentence.indented("replay: \(command)")]
  }

  // MARK: Figures

  /// What no exploration of these looked into.
  static func unexplored(_ verdicts: [Verdict]) -> String? {
    let models = MemoryModel.allCases.filter { model in
      verdicts.contains {
        $0.engine.model == model && $0.outcome == .pass && $0.exploration?.leavesOutLoadBuffering == true
      }
    }
    if models.isEmpty { return nil }
    return
      "not explored under \(models.map(\.rawValue).joined(separator: " and ")): load buffering (a load that reads what its "
      + "own racer causes)"
  }

  /// A program that is brought starts its own.
  private func racers(_ verdict: Verdict) -> String {
    let count = verdict.scenario.exploredRoles.count
    return count == 0 ? "-" : "\(count)"
  }

  func figures(_ verdicts: [Verdict]) -> String {
    var table = TextTable([
      .left("scenario"), .left("model"), .right("racers"), .left("verdict"), .right("executions"), .left(""),
      .right("fully checked"), .right("first finding"), .right("blocked runs"), .right("pruned graphs"),
      .right("events"), .right("thousand/s"), .right("MB"), .right("time (s)"),
    ])
    for verdict in verdicts {
      let figures = verdict.exploration ?? ExplorationFigures()
      table.add([
        verdict.name, verdict.engine.model?.rawValue ?? "", racers(verdict),
        verdict.outcome.rawValue, Number.grouped(figures.executions),
        figures.isExhaustive ? (figures.usedSymmetry ? "all (identical racers once)" : "all") : "not all",
        Number.grouped(figures.judged), figures.firstFinding.map { Number.grouped($0) } ?? "-",
        Number.grouped(figures.blockedRuns), Number.grouped(figures.prunedGraphs), "\(figures.longest)",
        Number.fixed(figures.executionsPerSecond / 1000, 1), Number.fixed(Double(figures.peakBytes) / 1e6, 1),
        Number.fixed(figures.seconds, 3),
      ])
    }
    return table.text(
      within: style.width,
      dropping: [
        "MB", "events", "pruned graphs", "fully checked", "", "blocked runs", "racers", "thousand/s", "first finding",
      ])
  }
}

/// The command that shows a verdict's counterexample again.
public struct ReplayCommandText {
  public let text: String?

  public init(_ verdict: Verdict) {
    guard let counterexample = verdict.counterexample, !counterexample.token.isEmpty, let file = verdict.file else {
      text = nil
      return
    }
    guard let code = verdict.scenario.code else {
      text =
        "addonrace replay \(ShellWord.quoted(file)) --strategy \(ShellWord.quoted(verdict.scenario.strategy)) "
        + counterexample.token
      return
    }
    let isScenario = CandidateSource.Language(path: file) == nil
    let words = (isScenario ? [file] : code.sources).map(ShellWord.quoted)
    // The sources come first, so that flags for the compiler can come last.
    text = (["addonrace", "replay"] + words + [counterexample.token] + (isScenario ? [] : code.words))
      .joined(separator: " ")
  }
}

extension CandidateSource {
  /// As a command line has it, but for the sources.
  public var words: [String] {
    var words: [String] = []
    if let compiler { words += ["--compiler", ShellWord.quoted(compiler)] }
    if let optimisation { words += ["--optimise", "\(optimisation)"] }
    for name in accepted { words += ["--accept", ShellWord.quoted(name)] }
    return words + (flags.isEmpty ? [] : ["--"] + flags.map(ShellWord.quoted))
  }
}

/// A word of a command that a person can paste into a shell.
public enum ShellWord {
  public static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=,:@%".contains($0)) }
    return isPlain
      ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
