/// Colours and weight, on a terminal only.
public struct Style: Sendable {
  let isColoured: Bool
  /// Columns; nil where lines may have any length.
  let width: Int?
  public init(isColoured: Bool, width: Int? = nil) {
    self.isColoured = isColoured
    self.width = width
  }
  private func wrap(_ text: String, _ code: Int) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
  /// What `wrap` puts around text.
  static var colours: Regex<Substring> { /\u{1b}\[[0-9]*m/ }

  /// Lines as long as there is room; commands stay whole, to be copied.
  func fitted(_ text: String) -> String {
    guard let width else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let isCommand = line.drop { $0 == " " }.prefix { $0 != " " }.hasSuffix(":") && line.contains(": addonrace ")
      return isCommand ? String(line) : String(line).folded(to: width)
    }.joined(separator: "\n")
  }

  public func bold(_ text: String) -> String { wrap(text, 1) }
  public func green(_ text: String) -> String { wrap(text, 32) }
  public func red(_ text: String) -> String { wrap(text, 31) }
}
