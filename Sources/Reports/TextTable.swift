/// Columns of text, aligned.
public struct TextTable: Sendable {
  public enum Column: Sendable {
    case left(String)
    case right(String)
    var title: String {
      switch self {
      case .left(let title), .right(let title): title
      }
    }
    var isRight: Bool { if case .right = self { true } else { false } }
  }

  let columns: [Column]
  private(set) var rows: [[String]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  public mutating func add(_ row: [String]) { rows.append(row) }

  /// Without columns of these titles, in their order, until it fits.
  func text(within width: Int?, dropping titles: [String]) -> String {
    var table = self
    for title in titles {
      guard let width, let line = table.text.split(separator: "\n").map({ String($0).columns }).max(), line > width
      else { break }
      guard let column = table.columns.firstIndex(where: { $0.title == title }) else { continue }
      table = table.without(column)
    }
    return table.text
  }

  private func without(_ column: Int) -> TextTable {
    func kept<Value>(_ values: [Value]) -> [Value] {
      values.enumerated().filter { $0.offset != column }.map(\.element)
    }
    var table = TextTable(kept(columns))
    table.rows = rows.map(kept)
    return table
  }

  public var text: String {
    let titles = columns.map(\.title)
    let rows = rows.map { row in row.map { $0.safe } }
    let widths = columns.indices.map { column in
      ([titles] + rows).map { $0[column].columns }.max() ?? 0
    }
    return ([titles] + rows).map { row in
      var line = ""
      for column in columns.indices {
        let space = String(repeating: " ", count: widths[column] - row[column].columns)
        if column > 0 { line += "  " }
        if case .left = columns[column] { line += row[column] + space } else { line += space + row[column] }
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
