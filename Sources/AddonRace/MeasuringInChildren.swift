import BenchEngine
import BenchModel
import CThreads
import Candidates
import Foundation
import Machine
import RaceModel
import Subjects

extension Children {
  /// Seconds in which a child that measures has to come on.
  private static let patience = 120.0

  /// Measures a scenario in as many processes as its bench asks for, one after the other, and pools what they say. After an
  /// interrupt there is what came to its end; nil if nothing did.
  ///
  /// - Throws: `EngineError` where the scenario cannot be measured, `ChildDeath` where a process died of it.
  public func measure(_ scenario: Scenario, along axis: BenchAxis? = nil) throws -> BenchOutcome? {
    let processes = (scenario.bench ?? BenchOptions()).processes
    var outcomes: [BenchOutcome] = []
    for number in 1...processes where cthreads_interrupted() == 0 {
      let place = processes == 1 ? "" : ", process \(number) of \(processes)"
      let outcome = try measureInOne(scenario, axis) { what, share in
        benchProgress(what + place, (Double(number - 1) + share) / Double(processes))
      }
      // Of an interrupted process there is but a part: better than nothing.
      if cthreads_interrupted() == 0 || outcomes.isEmpty { outcomes.append(outcome) }
    }
    return BenchOutcome(pooling: outcomes)
  }

  private func measureInOne(
    _ scenario: Scenario, _ axis: BenchAxis?, telling progress: (String, Double) -> Void
  ) throws -> BenchOutcome {
    let child = try ChildProcess()
    var steps: UInt64 = 0
    var lastStep = MonotonicClock.now()
    let end = try child.perform(Job(.measure(along: axis), scenario)) {
      if child.page[.steps] != steps {
        steps = child.page[.steps]
        lastStep = MonotonicClock.now()
        progress(child.page.text, Double(child.page[.millionths]) / 1e6)
      }
      return MonotonicClock.now() - lastStep <= Self.patience
    }
    if let measured = child.answers(Measured.self).first { return try measured.outcome }
    throw ChildDeath(
      description: end == .killed
        ? "no progress for \(Int(Self.patience)) s; killed (\(child.page.text))"
        : child.causeOfDeath + ", " + (steps == 0 ? child.page.phase.words : "after \(child.page.text)")
          + (child.lastWords.map { "; standard error: \($0)" } ?? ""))
  }
}

extension Bench {
  /// A bench of a scenario: of its site's strategies, or of the code that it brings, which has to be built.
  public init(of scenario: Scenario, _ registry: Registry = .linux) {
    self.init(registry.measured)
    guard scenario.code != nil else { return }
    contest = { (scenario, options, codes) throws(EngineError) in
      try MeasuredCandidate(scenario).contest(options, beside: codes)
    }
  }
}

/// A process that was to measure, and left no figures.
public struct ChildDeath: Error, CustomStringConvertible {
  public let description: String
}

/// What a child answers that measured.
enum Measured: Codable {
  case figures(BenchOutcome)
  case refused(String)

  /// Measures, and keeps the page up to date.
  init(_ registry: Registry, _ scenario: Scenario, _ axis: BenchAxis?, _ page: SharedPage) {
    page[.phase] = SharedPage.Phase.measuring.rawValue
    var bench = Bench(of: scenario, registry)
    bench.isInterrupted = { cthreads_interrupted() != 0 }
    bench.progress = { measure, racers, share in
      page.text = "\(measure), \(Number.counted(racers, "racer"))"
      // What is measured again, because the machine changed, is not less done than before.
      page[.millionths] = max(page[.millionths], UInt64(min(max(share, 0), 1) * 1e6))
      page[.steps] += 1
    }
    do throws(EngineError) {
      self = .figures(try bench.measure(scenario, along: axis))
    } catch {
      self = .refused(error.description)
    }
  }

  var outcome: BenchOutcome {
    get throws(EngineError) {
      switch self {
      case .figures(let outcome): outcome
      case .refused(let why): throw EngineError(why)
      }
    }
  }
}
