/// The Linux-kernel memory model (tools/memory-model, 6.12 and later), without load buffering: what a read reads always
/// comes first. Its axioms are in `LinuxKernelModel`.
///
/// They are many relations to compute. Most executions are consistent by less: if memory were multi-copy atomic and every
/// fence, acquire, release and dependency kept its order, and nothing goes round in a circle then, nothing does in any
/// relation of the kernel's model, since each of those is made of such steps.
struct Kernel: ConsistencyModel {
  var isLinuxKernel: Bool { true }

  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    let isMultiCopyAtomic = !search.findsCycle(in: graph, through: new) { event, id, visit in
      Self.forEachCommunication(graph, before: id, event, visit)
      Self.forEachKeptInOrder(graph, before: event, visit)
    }
    if isMultiCopyAtomic || KernelGraph(graph).isConsistent() { return true }
    graph.rules.fragility.pointee.look(graph)
    return false
  }

  /// rf between racers, co and fr. Of a read of the racer's own write, what that write depends on.
  private static func forEachCommunication(
    _ graph: ExecutionGraph, before id: Int, _ event: Event, _ visit: (Int) -> Void
  ) {
    guard event.kind == .read, event.readsFrom >= 0 else {
      return graph.forEachCommunication(before: id, event, visit)
    }
    let source = graph.events[Int(event.readsFrom)]
    if source.racer != event.racer { return visit(Int(event.readsFrom)) }
    if source.isSuccessfulRMW { visit(Int(source.poPrevious)) }
    graph.forEachDependency(of: source, visit)
  }

  /// The events of the same racer that come before this one for every other.
  private static func forEachKeptInOrder(
    _ graph: ExecutionGraph, before event: Event, _ visit: (Int) -> Void
  ) {
    if event.kind == .choice || event.kind == .fence && !event.isStrong { return }
    if event.isAccess, event.readKind != .sectionPoll { graph.forEachDependency(of: event, visit) }
    walk(graph, from: event.poPrevious, of: Int(event.racer), event, visit)
    if event.role == .join {
      let target = Int(event.value)
      walk(graph, from: graph.last[target], of: target, event, visit)
    }
  }

  /// Back through a racer's events, to the nearest that orders all before it.
  private static func walk(
    _ graph: ExecutionGraph, from last: Int32, of racer: Int, _ event: Event, _ visit: (Int) -> Void
  ) {
    let comesAfterAll = event.isStrong || event.kind == .write && event.ordering.contains(.releases)
    var (sawAcquire, sawRelease) = (false, false)
    var earlier = last
    while earlier >= 0 {
      let other = graph.events[Int(earlier)]
      if other.isStrong, other.kind != .read || !other.isFullRMW { return visit(Int(earlier)) }
      switch other.kind {
      case .choice: break
      case .fence:
        if other.ordering.contains(.acquires) { sawAcquire = true }
        if other.ordering.contains(.releases) { sawRelease = true }
      case .read, .write:
        let isOrdered =
          comesAfterAll || other.beginsSection
          || other.kind == .read && (other.ordering.contains(.acquires) || other.readKind == .sectionPoll)
          || sawAcquire && other.kind == .read || sawRelease && event.kind == .write
          || event.kind == .write && other.location == event.location
          || event.readKind == .lockAttempt && other.kind == .write && other.ordering.contains(.releases)
        if isOrdered { visit(Int(earlier)) }
      }
      earlier = other.poPrevious
    }
    let birth = graph.births[racer]
    if birth >= 0 { visit(Int(birth)) }
  }
}

extension ExecutionGraph {
  /// The reads that an access depends on in whatever way.
  fileprivate func forEachDependency(of event: Event, _ visit: (Int) -> Void) {
    forEachAddressDependency(
      upTo: event.poPrevious, on: rules.space.address(of: event.location), event.dependencies, visit)
    if event.kind == .write {
      forEachEvent(of: event.dependencies.data | event.dependencies.control, upTo: event.poPrevious, visit)
    }
  }
}

extension Event {
  /// Everything before it and everything after it are in order: a full barrier, a sequentially consistent access, either
  /// half of an update between full barriers, the beginning and the end of racers.
  fileprivate var isStrong: Bool {
    ordering.contains(.isSequentiallyConsistent) || isFullRMW || role == .create || role == .join
  }
}
