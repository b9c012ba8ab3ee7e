/// What a report is made of. As text it goes to a terminal; as a page it has its plots too.
public enum ReportPart: Sendable {
  case heading(String)
  /// Of a part of what the last heading is about.
  case subheading(String)
  case text(String)
  case table(TextTable)
  case plot(Plot)
}

extension [ReportPart] {
  public var text: String { text(within: nil) }

  /// For a terminal of so many columns: sentences are folded, tables are not.
  public func text(within width: Int?) -> String {
    let style = Style(isColoured: false, width: width)
    return compactMap { part in
      switch part {
      case .heading(let text), .subheading(let text), .text(let text): style.fitted(text)
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
      case .subheading(let text): "### \(text)"
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
