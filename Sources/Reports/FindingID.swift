import Machine
import RaceModel

/// A finding's name from run to run: what found it, where, and under which model. The same defect has the same id on another
/// machine, with another seed, and whatever was allocated on the way.
public struct FindingID: Hashable, Sendable, CustomStringConvertible {
  /// Sixteen hexadecimal digits.
  public let description: String

  /// Where it is are site or code, strategy and slot. (The lines of source are known of a finding that was explained, and
  /// whether it was must not change its name.)
  public init(_ finding: Finding, in verdict: Verdict) {
    var hash = StableHash()
    hash.add(finding.checker)
    hash.add(verdict.engine.model?.rawValue ?? verdict.engine.name)
    hash.add(verdict.scenario.site)
    hash.add(verdict.scenario.strategy)
    hash.add(finding.slot ?? "")
    for source in verdict.scenario.code?.sources ?? [] { hash.add(source) }
    description = hash.digits
  }
}

extension Counterexample {
  /// Whether it shows this finding, and not only another of the same run.
  func explains(_ finding: Finding) -> Bool { findings.contains { $0.checker == finding.checker } }
}
