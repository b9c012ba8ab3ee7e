/// A dependency that a verdict rests on, and that a compiler may break: where it does, a checker reports.
public struct FragileDependency: Sendable, Equatable, Codable {
  public enum Kind: String, Sendable, Codable {
    /// The store's value is computed from what was loaded.
    case data
    /// A branch on what was loaded stands around the store.
    case control
  }

  public var store: Counterexample.Step
  public var load: Counterexample.Step
  public var kind: Kind
  /// Who reports without it.
  public var checker: String

  public init(store: Counterexample.Step, load: Counterexample.Step, kind: Kind, checker: String) {
    self.store = store
    self.load = load
    self.kind = kind
    self.checker = checker
  }
}
