/// What is explored: racers' code, and what is there before they start.
///
/// Subclassed by clients: a site's visits, a litmus program. `race` runs on fibers that may be dropped in the middle, so
/// it holds nothing but trivial values across operations.
open class ExploredProgram {
  public let racerCount: Int
  public let layout: AddressSpace.Layout
  /// By racer: one that runs the same code and comes right before it, or -1.
  public let twins: [Int]
  /// What runs it; the exploration sets it once. (Not a variable of the class: clients ask at each access, and each time it
  /// would be checked that nobody writes it meanwhile.)
  package final var execution: Execution { executions[0] }
  final let executions = UnsafeMutablePointer<Execution>.allocate(capacity: 1)

  public init(racerCount: Int, layout: AddressSpace.Layout, twins: [Int]) {
    self.racerCount = racerCount
    self.layout = layout
    self.twins = twins
  }

  deinit { executions.deallocate() }

  /// Before each run, at quiescence.
  open func prepare() {}
  open func race(_ racer: Int) {}
  /// After each run, however it ended, at quiescence.
  open func runEnded() {}
  /// Nobody vouches that it does the same again after the same reads: if it does not, that ends the exploration.
  open var mayDiffer: Bool { false }
  /// It is native code that passes labels of values on, and tells them of each access.
  open var passesLabels: Bool { false }
  /// Dependencies on values and branches do not count, as if a compiler had broken them all.
  open var breaksDependencies: Bool { false }
  /// For people.
  open func name(of racer: Int) -> String { "racer \(racer)" }
  /// The address of a static object.
  package final func address(ofStatic object: Int) -> UInt { execution.space.staticAddress(object) }
}
