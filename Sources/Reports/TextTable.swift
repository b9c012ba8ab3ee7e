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

/// Colours and weight, on a terminal only.
public struct Style: Sendable {
  let isColoured: Bool
  public init(isColoured: Bool) { self.isColoured = isColoured }
  private func wrap(_ text: String, _ code: Int) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
  public func bold(_ text: String) -> String { wrap(text, 1) }
  public func green(_ text: String) -> String { wrap(text, 32) }
  public func red(_ text: String) -> String { wrap(text, 31) }
}

/// Numbers for people.
public enum Number {
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = (value * scale).rounded()
    guard rounded.isFinite, abs(rounded) < 1e15 else { return "\(value)" }
    let whole = Int(rounded)
    let unit = Int(scale)
    guard digits > 0 else { return "\(whole)" }
    let fraction = String(abs(whole) % unit)
    return "\(whole < 0 ? "-" : "")\(abs(whole) / unit)."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  public static func percent(_ value: Double) -> String { fixed(value * 100, 1) + " %" }

  /// 1234567 as 1,234,567.
  public static func grouped(_ value: Int) -> String {
    var digits = String(abs(value))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}
