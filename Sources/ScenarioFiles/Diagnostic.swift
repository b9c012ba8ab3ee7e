/// What is wrong with a scenario file, where, and what to do about it.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
  public var file: String
  /// From 1; nil where the whole file is meant.
  public var line: Int?
  public var column: Int?
  public var message: String
  public var remedy: String?

  public init(file: String, line: Int? = nil, column: Int? = nil, message: String, remedy: String? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.remedy = remedy
  }

  public var description: String {
    var text = file
    if let line { text += ":\(line)" }
    if let column { text += ":\(column)" }
    text += ": error: \(message)"
    if let remedy { text += "\n    \(remedy)" }
    return text
  }
}

/// Everything that is wrong with a scenario file.
public struct InvalidScenario: Error, Sendable, CustomStringConvertible {
  public var diagnostics: [Diagnostic]
  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
