import RaceModel

/// A finding's name from run to run: what found it, where, and under which model. The same defect has the same id on another
/// machine, with another seed, and whatever was allocated on the way.
public struct FindingID: Hashable, Sendable, CustomStringConvertible {
  /// Sixteen hexadecimal digits.
  public let description: String

  /// Where it is are site or code, strategy and slot. (The lines of source are known of a finding that was explained, and
  /// whether it was must not change its name.)
  public init(_ finding: Finding, in verdict: Verdict) {
    var hash = FNV1a()
    hash.add(finding.checker)
    hash.add(verdict.engine.model?.rawValue ?? verdict.engine.name)
    hash.add(verdict.scenario.site)
    hash.add(verdict.scenario.strategy)
    hash.add(finding.slot ?? "")
    for source in verdict.scenario.code?.sources ?? [] { hash.add(source) }
    let digits = String(hash.value, radix: 16)
    description = String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Counterexample {
  /// Whether it shows this finding, and not only another of the same run.
  func explains(_ finding: Finding) -> Bool { findings.contains { $0.checker == finding.checker } }
}

/// The hash of Fowler, Noll and Vo, of 64 bits. (The standard library's differs from run to run.)
private struct FNV1a {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Texts are told apart: each ends with a byte that is in no text.
  mutating func add(_ text: String) {
    for byte in Array(text.utf8) + [0xff] { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }
}
