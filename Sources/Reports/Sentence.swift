import RaceModel

/// Sentences about verdicts and findings.
enum Sentence {
  static func indented(_ line: String) -> String { "       \(line)" }

  /// "passes", "fails (agreement), as expected", "crashed, expected: pass".
  static func outcome(_ verdict: Verdict) -> String {
    let word = self.word(verdict)
    if verdict.outcome == .invalid || verdict.outcome == .interrupted { return word }
    guard verdict.asExpected else { return "\(word), expected: \(verdict.expected)" }
    return verdict.outcome == .pass ? word : "\(word), as expected"
  }

  static func word(_ verdict: Verdict) -> String {
    switch verdict.outcome {
    case .pass: "passes"
    case .fail: "fails (\(verdict.record.reporters.joined(separator: ", ")))"
    case .vacuous: "vacuous"
    case .inconclusive: "inconclusive"
    case .crashed: "crashed"
    case .timedOut: "timed out"
    case .interrupted: "interrupted"
    case .invalid: "invalid"
    }
  }

  /// Who was expected and did not report, and who was not and did.
  static func disagreement(_ verdict: Verdict) -> [String] {
    guard !verdict.asExpected, verdict.outcome == .fail, case .fail = verdict.expected else { return [] }
    let reporters = Set(verdict.record.reporters)
    let missing = verdict.expected.missing(among: reporters)
    let unexpected = verdict.expected.unexpected(
      among: reporters, accompanied: Set(verdict.record.accompanying))
    var lines: [String] = []
    if !missing.isEmpty { lines.append("expected to report, and did not: \(missing.joined(separator: ", "))") }
    if !unexpected.isEmpty { lines.append("not expected to report, and did: \(unexpected.joined(separator: ", "))") }
    return lines
  }

  static func finding(_ finding: Finding) -> String {
    var place: [String] = []
    if let round = finding.round { place.append("round \(round)") }
    if let inode = finding.inode { place.append("inode \(inode)") }
    if let slot = finding.slot { place.append(slot) }
    if !finding.racers.isEmpty {
      let racers = finding.racers.map(String.init).joined(separator: ", ")
      place.append(finding.racers.count == 1 ? "racer \(racers)" : "racers \(racers)")
    }
    return finding.message + (place.isEmpty ? "" : " (\(place.joined(separator: ", ")))")
  }
}

extension Style {
  /// Six columns, whatever it says.
  func badge(_ isOK: Bool) -> String { isOK ? green("ok    ") : red("NOT OK") }
}
