/// A model, and the storage that its checks need again and again.
final class ConsistencyCheck {
  private let model: any ConsistencyModel
  private let search = CycleSearch()

  init(_ model: any ConsistencyModel) { self.model = model }

  /// Whether the graph is consistent, given that it was without the `new` events.
  func isConsistent(_ graph: ExecutionGraph, _ new: [Int]) -> Bool { model.isConsistent(graph, new: new, search) }
}
