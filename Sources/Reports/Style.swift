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
  public func bold(_ text: String) -> String { wrap(text, 1) }
  public func green(_ text: String) -> String { wrap(text, 32) }
  public func red(_ text: String) -> String { wrap(text, 31) }
}
