import RaceModel

/// A counterexample as text: one column a racer, time downwards, with the line of source on the left.
public struct TraceText {
  private let counterexample: Counterexample
  public init(_ counterexample: Counterexample) { self.counterexample = counterexample }

  public var lines: [String] { lines(within: nil) }

  /// Where columns do not fit, one column, with the racer before each step.
  public func lines(within width: Int?) -> [String] {
    let lines = inColumns
    guard let width, let widest = lines.map(\.columns).max(), widest > width else { return lines }
    return inOneColumn.map { $0.folded(to: width) }
  }

  private var inOneColumn: [String] {
    let numberWidth = "\(counterexample.steps.count)".count
    let names = counterexample.roles.enumerated().map { "racer \($0) (\($1))" }
    let nameWidth = min(counterexample.steps.map { names[$0.racer].columns }.max() ?? 0, Self.widestPadded)
    return counterexample.steps.enumerated().flatMap { index, step in
      let number = "\(index + 1)"
      let margin = String(repeating: " ", count: numberWidth - number.count)
      let line = margin + number + "  " + names[step.racer].padded(to: nameWidth) + "  " + text(of: step)
      return [line] + (step.source.map { [String(repeating: " ", count: numberWidth + 2) + "at " + $0] } ?? [])
    } + counterexample.findings.map(TraceWords.finding)
  }

  /// A longer name moves its own steps alone.
  private static let widestPadded = 20

  private var inColumns: [String] {
    let racers = counterexample.roles.indices.filter { racer in
      counterexample.steps.contains { $0.racer == racer }
    }
    let numberWidth = "\(counterexample.steps.count)".count
    let sourceWidth = counterexample.steps.map { $0.source?.columns ?? 0 }.max() ?? 0
    let cells = counterexample.steps.map { text(of: $0) }
    let titles = racers.map { "racer \($0) (\(counterexample.roles[$0]))" }
    let widths = racers.enumerated().map { index, racer in
      let texts = zip(counterexample.steps, cells).filter { $0.0.racer == racer }.map(\.1.columns)
      return max(titles[index].columns, texts.max() ?? 0)
    }
    func line(_ number: String, _ source: String, _ columns: [String]) -> String {
      var text = ""
      // Between the last word and the next one: a line does not end in spaces.
      var blanks = numberWidth - number.count
      func add(_ word: String, _ width: Int) {
        if word.isEmpty {
          blanks += width
        } else {
          text += String(repeating: " ", count: blanks) + word
          blanks = width - word.columns
        }
        blanks += 2
      }
      add(number, number.count)
      if sourceWidth > 0 { add(source, sourceWidth) }
      for (column, width) in zip(columns, widths) { add(column, width) }
      return text
    }
    var lines = [line("", "", titles)]
    for (index, step) in counterexample.steps.enumerated() {
      let columns = racers.map { $0 == step.racer ? cells[index] : "" }
      lines.append(line("\(index + 1)", step.source ?? "", columns))
    }
    return lines + counterexample.findings.map(TraceWords.finding)
  }

  private func text(of step: Counterexample.Step) -> String {
    var text = TraceWords.step(step)
    if let source = step.readsFrom { text += " [of \(source + 1)]" }
    if step.isStale { text += " STALE" }
    if step.isMarked { text += " <<<" }
    return text
  }
}

/// A counterexample as a Graphviz graph: a column a racer; program order, reads-from and coherence order as edges.
public struct TraceGraph {
  private let counterexample: Counterexample
  public init(_ counterexample: Counterexample) { self.counterexample = counterexample }

  public var text: String {
    var lines = ["digraph execution {", "  node [shape=box, fontname=monospace];"]
    for (racer, role) in counterexample.roles.enumerated() {
      lines.append("  subgraph cluster_\(racer) {")
      lines.append("    label=\(quoted("racer \(racer) (\(role))"));")
      let own = counterexample.steps.indices.filter { counterexample.steps[$0].racer == racer }
      for index in own { lines.append("    \(node(index)) [label=\(quoted(label(index)))\(style(index))];") }
      for (a, b) in zip(own, own.dropFirst()) { lines.append("    \(node(a)) -> \(node(b)) [weight=10];") }
      lines.append("  }")
    }
    for (index, step) in counterexample.steps.enumerated() {
      if let source = step.readsFrom {
        lines.append("  \(node(source)) -> \(node(index)) [color=forestgreen, label=rf, constraint=false];")
      }
      if let earlier = step.overwrites {
        lines.append("  \(node(earlier)) -> \(node(index)) [color=orange, label=co, constraint=false];")
      }
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  private func node(_ index: Int) -> String { "step\(index + 1)" }

  private func label(_ index: Int) -> String {
    let step = counterexample.steps[index]
    return "\(index + 1): \(TraceWords.step(step))" + (step.source.map { "\\n\($0)" } ?? "")
  }

  private func style(_ index: Int) -> String {
    let step = counterexample.steps[index]
    return step.isMarked ? ", color=red, penwidth=2" : step.isStale ? ", style=dashed" : ""
  }

  private func quoted(_ text: String) -> String { "\"\(text.split(separator: "\"").joined(separator: "'"))\"" }
}
