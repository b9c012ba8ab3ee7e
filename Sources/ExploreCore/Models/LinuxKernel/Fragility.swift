/// Whether what is visited rests on dependencies that a compiler may break: of values and of branches. (An address that was
/// loaded is hard to come by otherwise.) And where the model's axioms were not computed.
struct Fragility {
  /// A graph was inconsistent because of such dependencies alone, or may have been.
  private(set) var isSeen = false
  /// An order was asked for in an execution of more events than there is room for.
  var sawTooLong = false
  private var attempts = 0
  private static let mostAttempts = 256

  /// Looks at an inconsistent graph.
  mutating func look(_ graph: ExecutionGraph) {
    if isSeen || graph.rules.breaksDependencies || !(0..<graph.count).contains(where: { graph.events[$0].isFragile }) {
      return
    }
    attempts += 1
    isSeen = attempts == Self.mostAttempts || KernelGraph(graph, keeping: { _ in false }).isConsistent()
  }
}

extension Event {
  /// It is a write that depends on what was computed, or on a branch.
  var isFragile: Bool { kind == .write && dependencies.data | dependencies.control != 0 }
}

extension ExecutionGraph {
  /// Writes whose dependencies, on values and branches, are each enough to make the execution inconsistent, which is
  /// consistent without any; all that have some, where no one is.
  package var decisiveWrites: [Int] {
    let fragile = (0..<count).filter { events[$0].isFragile }
    let decisive = fragile.filter { write in !KernelGraph(self, keeping: { $0 == write }).isConsistent() }
    return decisive.isEmpty ? fragile : decisive
  }
}
