/// Parts of the search that are given away: to a copy of this process, which goes on from the same state.
///
/// What is given is always what would come last here. So the order of the whole search is known: first what a process
/// visits itself, then the parts that it gave away, the last one first, each in the same way.
extension Exploration {
  /// Graphs with what is left to try from them.
  package typealias Part = [UnsafeMutablePointer<Branch>]

  /// What would come last, if there is more left than that and it is worth the trouble.
  package func lend() -> Part? {
    // While searches take turns, none of them is the last.
    guard turns == 0, !branches.isEmpty else { return nil }
    if let last = aside.popLast() { return last }
    guard let lender = branches.first(where: { !$0.pointee.items.isEmpty }) else { return nil }
    let left = branches.reduce(0) { $0 + $1.pointee.items.count }
    guard left > 1, let item = lender.pointee.items.first,
      item.position < counts.longest * Self.sharePercent / 100
    else { return nil }
    lender.pointee.items.removeFirst()
    let part = takeBranch()
    part.pointee.begin(from: lender.pointee, item)
    return [part]
  }

  /// Alternatives to events beyond this share of an execution lead to few others.
  private static var sharePercent: Int { 70 }

  /// Forgets all but the part, and visits that. Answers whether all of it was visited.
  package func visit(_ part: Part, _ visit: () -> Step) -> Bool {
    for branch in branches + aside.joined() where !part.contains(branch) { release(branch) }
    branches = part
    aside.removeAll()
    clearCounts()
    return visitRest(visit)
  }

  /// The part was visited elsewhere.
  package func release(_ part: Part) { for branch in part { release(branch) } }
}
