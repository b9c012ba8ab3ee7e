/// What a report is made of. As text it goes to a terminal; as a page it has its plots too.
public enum ReportPart: Sendable {
  case heading(String)
  case text(String)
  case table(TextTable)
  case plot(Plot)
}

extension [ReportPart] {
  /// For a terminal.
  public var text: String {
    compactMap { part in
      switch part {
      case .heading(let text), .text(let text): text
      case .table(let table): table.text
      case .plot: nil
      }
    }.joined(separator: "\n\n")
  }

  /// Tables stand in it as a terminal shows them.
  public var markdown: String {
    compactMap { part in
      switch part {
      case .heading(let text): "## \(text)"
      case .text(let text): text
      case .table(let table): "```\n\(table.text)\n```"
      case .plot: nil
      }
    }.joined(separator: "\n\n")
  }

  public var plots: [Plot] {
    compactMap { part in if case .plot(let plot) = part { plot } else { nil } }
  }
}
