/// The kernel's model, as far as graphs of this kind reach: C11 without its out-of-thin-air reads, and with the kernel's
/// *address dependencies*. A load that returns the address of a block orders its racer's later accesses into that block
/// (`ExecutionGraph.coherenceLowerBound`, and the checks of plain accesses); a full compare-exchange is one between two
/// strong fences when it writes, and nothing when it does not.
///
/// What differs from LKMM (tools/memory-model) is listed, each with a litmus test, in the article "Memory models".
struct Kernel: ConsistencyModel {
  var keepsDependencies: Bool { true }
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    C11().isConsistent(graph, new: new, search)
  }
}
