import RaceModel

/// A table for a page, a comment or a step's summary: a row for each scenario, a column for each engine; below what is not as
/// expected, folded.
public struct MarkdownReport: ReportFormat {
  public static let name = "markdown"
  public static let extensions = ["md"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    let engines = verdicts.map(column).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var lines = ["| | scenario | " + engines.joined(separator: " | ") + " |"]
    lines.append("|---|---|" + String(repeating: "---|", count: engines.count))
    var rows: [(key: String, verdicts: [Verdict])] = []
    for verdict in verdicts {
      let key = (verdict.file ?? "") + "\n" + verdict.scenario.name
      if let index = rows.lastIndex(where: { $0.key == key }) {
        rows[index].verdicts.append(verdict)
      } else {
        rows.append((key, [verdict]))
      }
    }
    for row in rows {
      let isOK = row.verdicts.allSatisfy { $0.asExpected }
      let cells = engines.map { engine in
        row.verdicts.first { column($0) == engine }.map { escaped(Sentence.outcome($0)) } ?? ""
      }
      let name = escaped(row.verdicts[0].name)
      lines.append("| \(isOK ? "ok" : "**NOT OK**") | \(name) | " + cells.joined(separator: " | ") + " |")
    }
    let unexpected = verdicts.filter { !$0.asExpected }
    lines += [
      "", "\(verdicts.count) verdicts, \(unexpected.count) not as expected. \(Product.name) \(Product.build).",
    ]
    for verdict in unexpected {
      lines += ["", "<details><summary>\(XMLNode.escaped(verdict.title))</summary>", ""]
      lines += verdict.lines.map { "    \($0)" } + ["", "</details>"]
    }
    try write(lines.joined(separator: "\n"))
  }

  private func column(_ verdict: Verdict) -> String { verdict.engine.model?.rawValue ?? "race" }

  private func escaped(_ text: String) -> String {
    XMLNode.escaped(text).replacing("|", with: "\\|").replacing("\n", with: " ")
  }
}
