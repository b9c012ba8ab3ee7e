import AddonMemory

/// A memory model: which execution graphs are consistent. Coherence, and that what is read comes before the read, hold of
/// every graph by construction (`ExecutionGraph.coherenceLowerBound`).
package protocol ConsistencyModel: Sendable {
  /// Accesses to atomic words never count as data races, and a read learns all that came before the write that it reads:
  /// as on machines, which keep every store behind what came before it.
  var everyAccessSynchronises: Bool { get }
  /// The kernel's: an address that was loaded orders later accesses through it, releases are A-cumulative, and barriers of
  /// reads or of writes order nothing else.
  var isLinuxKernel: Bool { get }
  /// Whether the graph is consistent, given that it was without the `new` events.
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool
}

extension ConsistencyModel {
  package var everyAccessSynchronises: Bool { false }
  package var isLinuxKernel: Bool { false }
}

extension MemoryModel {
  /// Every model, one a line.
  package var consistency: any ConsistencyModel {
    switch self {
    case .sc: SequentialConsistency()
    case .tso: TotalStoreOrder()
    case .c11: C11()
    case .kernel: Kernel()
    }
  }
}
