/// Turns evidence into findings. A checker knows no engine and no strategy.
public protocol Checker: Sendable {
  /// In kebab-case, as scenario files name it.
  var name: String { get }
  /// What it finds, in one sentence.
  var summary: String { get }
  func check(_ evidence: Evidence) -> [Finding]
}
