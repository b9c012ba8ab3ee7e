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
    case .pass: racedInVain(verdict) ? "passes, though no population collided" : "passes"
    case .fail: "fails (\(verdict.record.reporters.joined(separator: ", ")))"
    case .vacuous: "vacuous"
    case .inconclusive: "inconclusive"
    case .crashed: "crashed"
    case .timedOut: "timed out"
    case .interrupted: "interrupted"
    case .invalid: "invalid"
    }
  }

  /// Racers never met, which the scenario allows.
  private static func racedInVain(_ verdict: Verdict) -> Bool {
    let figures = verdict.figures
    return verdict.engine == .stress && figures.yieldIsKnown && figures.populations > 0 && figures.collisions == 0
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

  /// What else is to be said of a verdict: its notes, and loads that may be buffered.
  static func notes(_ verdict: Verdict) -> [String] {
    let loads = verdict.outcome == .pass ? verdict.exploration?.bufferedLoads ?? [] : []
    let named = loads.prefix(mostNamed).map(bufferedLoad)
    let rest = loads.count > named.count ? ["and \(loads.count - named.count) more loads may be buffered"] : []
    let fragile = verdict.outcome == .pass ? verdict.exploration?.fragileDependencies ?? [] : []
    return verdict.notes + fragile.prefix(mostNamed).map(fragileDependency) + named + rest
  }

  private static func fragileDependency(_ dependency: FragileDependency) -> String {
    let way =
      switch dependency.kind {
      case .data: "computes from"
      case .control: "makes by a branch on"
      }
    return "rests on a dependency that a compiler may break: racer \(dependency.store.racer)'s "
      + "\(step(dependency.store)), which it \(way) its \(step(dependency.load)). Without it \(dependency.checker) "
      + "reports"
  }

  private static func step(_ step: Counterexample.Step) -> String {
    let place = step.place.map { " of \(TraceWords.place($0))" } ?? ""
    return TraceWords.verb(step.verb) + place + (step.source.map { " (\($0))" } ?? "")
  }

  private static let mostNamed = 2

  private static func bufferedLoad(_ pair: BufferedLoad) -> String {
    return "not explored: load buffering. Racer \(pair.load.racer)'s \(step(pair.load)) may read what racer "
      + "\(pair.store.racer)'s \(step(pair.store)) writes, though that comes after it: nothing known orders "
      + "what racer \(pair.load.racer) does in between"
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
