import RaceModel

/// Two benches of the same scenarios.
public struct BenchComparison {
  public struct Change: Sendable {
    public let scenario: String
    public let result: BenchResult
    /// Ratios to the reference; or nanoseconds, where the reference takes too little to hold anything against it.
    public let before: Estimate
    public let now: Estimate
    public let isInNanoseconds: Bool
    /// Slower than before by more than the intervals and the threshold explain.
    public let isRegression: Bool
    public let isImprovement: Bool
  }

  public let changes: [Change]
  /// Measures that one of them has not, or that were measured while the machine was another.
  public let missing: [String]

  /// Nanoseconds of one visit, about a processor's cycle, below which nothing is a change: where a loop happens to lie, and
  /// what the processor's other thread does, decide as much from one process to the next.
  private static let resolution = 0.3

  /// Compares ratios to C11 by hand, since times move several-fold with where a virtual machine's processors lie. Of what takes
  /// the reference less than a cycle, it compares times.
  public init(_ before: BenchDocument, _ now: BenchDocument, threshold: Double) {
    var changes: [Change] = []
    var missing: [String] = []
    let earlier = before.everything
    for bench in now.everything {
      let old = earlier.first { $0.scenario == bench.scenario }
      if let old, !old.isComparable(with: bench) {
        missing.append(
          "\(bench.scenario): the baseline has another site, role, number of inodes or spacing; make it anew with --save"
        )
        continue
      }
      for result in old?.results ?? [] where result.contestant != BenchResult.controlName {
        let isMeasured = bench.results.contains {
          $0.measure == result.measure && $0.racers == result.racers && $0.contestant == result.contestant
        }
        if !isMeasured {
          missing.append(
            "\(bench.scenario), \(result.measure.rawValue), \(result.racers) racers, \(result.contestant): only in the baseline"
          )
        }
      }
      for result in bench.results where result.contestant != BenchResult.controlName {
        guard let ratio = result.ratio else { continue }
        let name = "\(bench.scenario), \(result.measure.rawValue), \(result.racers) racers, \(result.contestant)"
        guard
          let same = old?.results.first(where: {
            $0.measure == result.measure && $0.racers == result.racers && $0.contestant == result.contestant
          }), let then = same.ratio
        else {
          missing.append("\(name): not in the baseline")
          continue
        }
        if result.comparison == .notCompared || same.comparison == .notCompared {
          missing.append("\(name): the machine changed while it was measured")
          continue
        }
        func reference(_ results: [BenchResult]?) -> Double {
          results?.first { $0.measure == result.measure && $0.racers == result.racers && $0.ratio == nil }?.time.median
            ?? 0
        }
        let yardstick = min(reference(old?.results), reference(bench.results))
        let isInNanoseconds = yardstick < Self.resolution
        let (before, now) = isInNanoseconds ? (same.time, result.time) : (then, ratio)
        let isResolved = abs(now.median - before.median) * (isInNanoseconds ? 1 : yardstick) >= Self.resolution
        changes.append(
          Change(
            scenario: bench.scenario, result: result, before: before, now: now, isInNanoseconds: isInNanoseconds,
            isRegression: isResolved && now.low > before.high * (1 + threshold),
            isImprovement: isResolved && now.high < before.low / (1 + threshold)))
      }
    }
    self.changes = changes
    self.missing = missing
  }

  private func text(_ estimate: Estimate, of change: Change) -> String {
    change.isInNanoseconds ? "\(Time.text(estimate.median)) ns" : Number.fixed(estimate.median, 3)
  }

  public var hasRegression: Bool { changes.contains(where: \.isRegression) }

  public var parts: [ReportPart] {
    var table = TextTable([
      .left("against the baseline"), .left("measure"), .left("strategy"), .right("ratio then"), .right("ratio now"),
      .left(""),
    ])
    for change in changes {
      table.add([
        change.scenario, "\(change.result.measure.rawValue), \(change.result.racers)", change.result.contestant,
        text(change.before, of: change), text(change.now, of: change),
        change.isRegression ? "SLOWER" : change.isImprovement ? "faster" : "no difference",
      ])
    }
    return [.table(table)]
      + (missing.isEmpty ? [] : [.text(missing.map { "not compared: \($0)" }.joined(separator: "\n"))])
  }
}

extension BenchFigures {
  /// Whether both are of the same.
  fileprivate func isComparable(with other: BenchFigures) -> Bool {
    site == other.site && role == other.role && inodes == other.inodes && spacing == other.spacing
  }
}
