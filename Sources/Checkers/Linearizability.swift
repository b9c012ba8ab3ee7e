import RaceModel

/// The operations on a slot can be put into an order, each between its begin and its end, in which each did what a slot
/// does: holds nothing at first, takes an addon when it is NULL, shows it until it is detached.
///
/// The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993), with the states that it has been in
/// remembered as Lowe does ("Testing for linearizability", 2017): a set of operations done and what the slot holds then.
/// Under a weak memory model "before" is happens-before.
public struct Linearizability: CatalogChecker {
  public let name = "history"
  public let summary = "A history that is not linearizable: no order of the operations explains their results."
  public init() {}

  public func check(_ evidence: Evidence) -> [Finding] {
    guard evidence.keepsHistory, evidence.historyIsWhole else { return [] }
    var findings: [Finding] = []
    evidence.forEachSlotHistory { inode, slot, entries in
      let initial = evidence.eager ? evidence.initialAddon(entries) : nil
      if isInOrder(evidence.history, entries, from: initial), evidence.precedence.isEmpty { return }
      if OrderSearch(evidence, entries, from: initial).finds { return }
      var finding = Finding(
        checker: name, message: "not linearizable: no order explains these \(entries.count) results",
        round: evidence.round, inode: inode, slot: evidence.slots[slot],
        racers: Set(entries.map { evidence.history[$0].racer }).sorted())
      finding.history = evidence.historyTable(entries)
      findings.append(finding)
    }
    return findings
  }

  /// The common case: the order in which they began explains them.
  private func isInOrder(_ history: [HistoryEntry], _ entries: Range<Int>, from initial: Int?) -> Bool {
    var held = initial
    for index in entries {
      guard let next = history[index].step(from: held) else { return false }
      held = next
    }
    return true
  }
}

extension HistoryEntry {
  /// What the slot holds after this operation; nil where it cannot have answered so with the slot as it was.
  fileprivate func step(from held: Int?) -> Int?? {
    switch kind {
    case .absent: held == nil ? .some(nil) : nil
    case .found: allocation != nil && held == allocation ? .some(held) : nil
    case .attached: held == nil ? .some(allocation) : nil
    case .detached: allocation != nil && held == allocation ? .some(nil) : nil
    }
  }
}

extension Evidence {
  /// Calls `body` with the range of the operations of each slot of each inode that has any. They come sorted: this is one
  /// pass.
  func forEachSlotHistory(_ body: (_ inode: Int, _ slot: Int, _ entries: Range<Int>) -> Void) {
    var start = 0
    while start < history.count {
      let first = history[start]
      var end = start + 1
      while end < history.count, history[end].inode == first.inode, history[end].slot == first.slot { end += 1 }
      body(first.inode, first.slot, start..<end)
      start = end
    }
  }

  /// Every inode was populated before anyone raced: by the one that nobody attached.
  func initialAddon(_ entries: Range<Int>) -> Int? {
    let attached = Set(history[entries].filter { $0.kind == .attached }.compactMap(\.allocation))
    return history[entries].compactMap(\.allocation).first { !attached.contains($0) }
  }

  /// Whether the first of two operations ended before the second began.
  func precedes(_ a: Int, _ b: Int) -> Bool {
    precedence.isEmpty ? history[a].end < history[b].begin : precedence[a][b]
  }

  /// A line an operation, in the order in which they began.
  func historyTable(_ entries: Range<Int>) -> [String] {
    let first = entries.map { history[$0].begin }.min() ?? 0
    let rows = entries.map { index -> [String] in
      let entry = history[index]
      let addon = entry.allocation.map { "allocation \($0)" } ?? "something never allocated"
      let answer =
        switch entry.kind {
        case .found: "found \(addon)"
        case .attached: "attached \(addon)"
        case .detached: "detached \(addon)"
        case .absent: "found NULL"
        }
      let moments =
        precedence.isEmpty
        ? "\(entry.begin - first) to \(entry.end - first)"
        : "event \(entry.begin + 1) to \(max(entry.begin + 1, entry.end))"
      return ["racer \(entry.racer) (\(roles[entry.racer]))", moments, answer]
    }
    return table([["who", precedence.isEmpty ? "from, to (ticks)" : "its events", "answer"]] + rows)
  }

  private func table(_ rows: [[String]]) -> [String] {
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
    }
  }
}

/// Looks for an order of a slot's operations that explains them.
private struct OrderSearch {
  private let evidence: Evidence
  private let entries: [Int]
  private let initial: Int?
  private struct State: Hashable {
    let done: [Bool]
    /// What the slot holds: nothing, or an allocation.
    let held: Int?
  }

  init(_ evidence: Evidence, _ entries: Range<Int>, from initial: Int?) {
    self.evidence = evidence
    self.entries = Array(entries)
    self.initial = initial
  }

  var finds: Bool {
    var done = [Bool](repeating: false, count: entries.count)
    var seen: Set<State> = []
    return search(&done, initial, entries.count, &seen)
  }

  private func search(_ done: inout [Bool], _ held: Int?, _ left: Int, _ seen: inout Set<State>) -> Bool {
    if left == 0 { return true }
    guard seen.insert(State(done: done, held: held)).inserted else { return false }
    for index in entries.indices where !done[index] && isNext(index, done) {
      guard let next = evidence.history[entries[index]].step(from: held) else { continue }
      done[index] = true
      if search(&done, next, left - 1, &seen) { return true }
      done[index] = false
    }
    return false
  }

  /// Whether nothing that has not been done ended before it began.
  private func isNext(_ index: Int, _ done: [Bool]) -> Bool {
    !entries.indices.contains { other in
      !done[other] && other != index && precedesInProgram(entries[other], entries[index])
    }
  }

  private func precedesInProgram(_ a: Int, _ b: Int) -> Bool {
    evidence.history[a].racer == evidence.history[b].racer ? a < b : evidence.precedes(a, b)
  }
}
