/// Load buffering that a model allows, and that is not explored: a load that may read what a store writes, though the store
/// comes about by what the load's own racer does later.
public struct BufferedLoad: Sendable, Hashable, Codable {
  /// As in an execution without it.
  public var load: Counterexample.Step
  public var store: Counterexample.Step

  public init(load: Counterexample.Step, store: Counterexample.Step) {
    self.load = load
    self.store = store
  }

  /// Whether two are of the same lines, whoever runs them.
  public func isLike(_ other: BufferedLoad) -> Bool {
    load.isLike(other.load) && store.isLike(other.store)
  }
}

extension Counterexample.Step {
  fileprivate func isLike(_ other: Self) -> Bool {
    verb == other.verb && place == other.place && ordering == other.ordering && source == other.source
  }
}
