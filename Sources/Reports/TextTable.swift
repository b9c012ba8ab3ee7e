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

  public var text: String {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([titles] + rows).map { row in
      var line = ""
      for column in columns.indices {
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        if column > 0 { line += "  " }
        if case .left = columns[column] { line += row[column] + space } else { line += space + row[column] }
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
