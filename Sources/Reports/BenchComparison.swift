import BenchModel

/// Two benches of the same scenarios.
public struct BenchComparison {
  public struct Change: Sendable {
    public let scenario: String
    public let result: BenchResult
    /// To the reference.
    public let ratioBefore: Estimate
    public let ratioNow: Estimate
    /// In nanoseconds.
    public let timeBefore: Estimate
    public let timeNow: Estimate
    /// Slower than before by more than the intervals and the threshold explain.
    public let isRegression: Bool
    public let isImprovement: Bool
  }

  public let changes: [Change]
  /// Measures that one of them has not, or that were measured while the machine was another.
  public let missing: [String]

  /// One figure then and now.
  private struct Shift {
    let isSlower: Bool
    let isFaster: Bool
    /// `unit` is nanoseconds; the threshold a part, 0.05 for 5 %.
    init(from before: Estimate, to now: Estimate, unit: Double, _ threshold: Double) {
      let isResolved = abs(now.median - before.median) * unit >= BenchComparison.resolution
      isSlower = isResolved && now.low > before.high * (1 + threshold)
      isFaster = isResolved && now.high < before.low / (1 + threshold)
    }
  }

  /// Nanoseconds of one visit, about a processor's cycle, below which nothing is a change: where a loop happens to lie, and
  /// what the processor's other thread does, decide as much from one process to the next.
  private static let resolution = 0.3

  /// Compares ratios to C11 by hand, since times move several-fold with where a virtual machine's processors lie. Of what takes
  /// the reference less than a cycle, it compares times. What got slower takes more time as well: a ratio alone may also have
  /// moved because the reference did. What was measured with the processors placed differently is not compared.
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
        let placementHeld = result.wasPlacedLike(same)
        if placementHeld == false {
          missing.append("\(name): the processors lie elsewhere than in the baseline; measure again")
          continue
        }
        func reference(_ results: [BenchResult]?) -> Double {
          results?.first { $0.measure == result.measure && $0.racers == result.racers && $0.ratio == nil }?.time.median
            ?? 0
        }
        let yardstick = min(reference(old?.results), reference(bench.results))
        let ratios = Shift(from: then, to: ratio, unit: yardstick, threshold)
        let times = Shift(from: same.time, to: result.time, unit: 1, threshold)
        let witnesses = yardstick < Self.resolution ? [times] : placementHeld == true ? [ratios, times] : [ratios]
        changes.append(
          Change(
            scenario: bench.scenario, result: result, ratioBefore: then, ratioNow: ratio, timeBefore: same.time,
            timeNow: result.time, isRegression: witnesses.allSatisfy(\.isSlower),
            isImprovement: witnesses.allSatisfy(\.isFaster)))
      }
    }
    self.changes = changes
    self.missing = missing
  }

  public var hasRegression: Bool { changes.contains(where: \.isRegression) }

  public var parts: [ReportPart] {
    var table = TextTable([
      .left("against the baseline"), .left("measure"), .left("strategy"), .right("ratio then"), .right("now"),
      .right("time then"), .right("now"), .left(""),
    ])
    for change in changes {
      table.add([
        change.scenario, "\(change.result.measure.rawValue), \(change.result.racers)", change.result.contestant,
        Number.fixed(change.ratioBefore.median, 3), Number.fixed(change.ratioNow.median, 3),
        "\(Time.text(change.timeBefore.median)) ns", "\(Time.text(change.timeNow.median)) ns",
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
