/// x86-TSO: a store may be overtaken by later loads of its own racer, and by nothing else.
///
/// Consistent when each location is coherent and *global happens-before* has no cycle: coherence order, from-reads,
/// reads-from between racers, and program order without the pairs of a store and a later load that no fence, update or
/// sequentially consistent store separates. (Owens, Sarkar, Sewell, "A better x86 memory model: x86-TSO", TPHOLs 2009;
/// in this form "Herding cats", section 4.)
struct TotalStoreOrder: ConsistencyModel {
  var everyAccessSynchronises: Bool { true }
  func isConsistent(_ graph: ExecutionGraph, new: [Int], _ search: CycleSearch) -> Bool {
    // Coherence: program order on one location, and communication.
    let isIncoherent = search.findsCycle(in: graph, through: new) { event, id, visit in
      graph.forEachCommunication(before: id, event, visit)
      guard event.isAccess else { return }
      var earlier = event.poPrevious
      while earlier >= 0 {
        let other = graph.events[Int(earlier)]
        if other.isAccess, other.location == event.location {
          visit(Int(earlier))
          break
        }
        earlier = other.poPrevious
      }
    }
    if isIncoherent { return false }
    return !search.findsCycle(in: graph, through: new) { event, id, visit in
      if event.kind == .read {
        if event.readsFrom >= 0, graph.events[Int(event.readsFrom)].racer != event.racer { visit(Int(event.readsFrom)) }
      } else {
        graph.forEachCommunication(before: id, event, visit)
      }
      Self.forEachBeforeInPreservedOrder(graph, event, visit)
    }
  }

  /// The nearest events that the racer's own order keeps before this one; those before them follow. A racer starts after
  /// all that its creator did, and has left nothing in its store buffer when its end is waited for.
  private static func forEachBeforeInPreservedOrder(_ graph: ExecutionGraph, _ event: Event, _ visit: (Int) -> Void) {
    if isTransparent(event) { return }
    let overtakesStores = event.kind == .read && !event.isSuccessfulRMW
    walk(graph, from: event.poPrevious, of: Int(event.racer), overtakesStores, visit)
    if event.role == .join {
      let target = Int(event.value)
      walk(graph, from: graph.last[target], of: target, false, visit)
    }
  }

  private static func walk(
    _ graph: ExecutionGraph, from last: Int32, of racer: Int, _ overtakesStores: Bool, _ visit: (Int) -> Void
  ) {
    var earlier = last
    while earlier >= 0 {
      let other = graph.events[Int(earlier)]
      let isLoad = other.kind == .read && !other.isSuccessfulRMW
      let isBufferedStore = other.kind == .write && !drains(other)
      // A load may overtake the store that begins its section, but not what comes before the section.
      if overtakesStores, other.beginsSection { graph.forEachGracePeriod(before: Int(earlier), visit) }
      if !isTransparent(other), !(overtakesStores && isBufferedStore) {
        visit(Int(earlier))
        // Loads are in order among themselves, and so are stores; what waits for both has to see both.
        if overtakesStores || !isLoad { return }
      }
      earlier = other.poPrevious
    }
    let birth = graph.births[racer]
    if birth >= 0 { visit(Int(birth)) }
  }

  /// Only a full fence keeps a load behind a store; other fences order nothing that is not in order anyway.
  private static func isTransparent(_ event: Event) -> Bool {
    event.kind == .choice
      || event.kind == .fence && !event.ordering.contains(.isSequentiallyConsistent) && event.role != .create
        && event.role != .join
  }

  /// Whether nothing that comes later overtakes this store.
  private static func drains(_ write: Event) -> Bool {
    write.isSuccessfulRMW || write.ordering.contains(.isSequentiallyConsistent)
  }
}
