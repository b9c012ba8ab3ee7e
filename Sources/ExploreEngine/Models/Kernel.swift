/// The kernel's model, as far as graphs of this kind reach: C11 without its out-of-thin-air reads, and with the kernel's
/// *address dependencies*. A load that returns the address of a block orders its racer's later accesses into that block
/// (`ExecutionGraph.floor`, and the heap's checks of plain accesses); a full compare-exchange is a strong fence when it
/// writes, and nothing when it does not.
///
/// What differs from LKMM (tools/memory-model) is listed, each with a litmus test, in the article "Memory models".
enum Kernel {
  static func isConsistent(_ graph: ExecutionGraph) -> Bool { C11.isConsistent(graph) }
}
