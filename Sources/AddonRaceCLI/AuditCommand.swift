import AddonRace
import ArgumentParser
import CThreads

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Races and explores every faulty and every right subject, and lists which checkers reported.",
    discussion: """
      Each entry of the catalog is raced in every shape and explored under every memory model. A line says which \
      checkers reported, after how many populations or executions and how long. Exit status 1 if a fault escapes a \
      checker that must catch it, or something right is accused. Verdicts go to a journal as they come, and to reports; \
      there each is judged by itself: a fault need not be caught in every shape.
      """)

  @Option(help: ArgumentHelp("Seconds at most for each cell.", valueName: "seconds"))
  var time = 0.5
  @Option(
    help: ArgumentHelp("Only entries whose site or strategy contains this.", valueName: "text"),
    completion: Completions.sitesAndStrategies)
  var only: String?
  @OptionGroup var parallel: JobOptions
  @Option(
    name: .customLong("report"), parsing: .singleValue,
    help: ArgumentHelp(
      "Write the verdicts to this file, in the format that its name ends in. May be given more than once.",
      valueName: "file"))
  var reports: [String] = []
  @OptionGroup var journal: JournalOptions
  @Option(help: "What every random decision follows from.")
  var seed: UInt64 = 1

  func validate() throws {
    try ReportOptions.checkEndings(of: reports)
    guard StressLimits.time.contains(time) else {
      throw ValidationError("--time is \(time); it may be 0.001 to 86400.")
    }
  }

  func run() throws {
    cthreads_catch_interrupts(1)
    var audit = Audit()
    audit.seconds = time
    audit.seed = seed
    let harness = AddonRaceCommand.harness
    let entries = harness.registry.subjects.map(\.facts).filter { entry in
      only.map { entry.site.name.contains($0) || entry.strategy.name.contains($0) } ?? true
    }
    if entries.isEmpty { throw ValidationError("No site or strategy contains '\(only ?? "")'.") }
    let reports = try ReportSet(files: reports)
    let kept = try KeptVerdicts(journal, keys: keys(entries, audit))
    let children = Children(harness)
    var verdicts: [Verdict] = []
    var complaints = 0
    var faults = 0
    var waiting = 0
    let explored = explored(entries, audit, kept)
    for (index, entry) in entries.enumerated() {
      // Races begin once nothing is explored beside them.
      var raced: [Verdict] = []
      let row = audit.row(entry, explored: explored[index]) { scenario in
        let verdict = kept.verdict(scenario, .stress) { children.run(scenario, .stress, file: nil, command: $0) }
        raced.append(verdict)
        return verdict
      }
      let ofEntry = raced + explored[index]
      verdicts += ofEntry
      try reports.show(ofEntry)
      if cthreads_interrupted() != 0 { throw ExitCode(ExitStatus.interrupted.code) }
      if let fault = entry.fault {
        faults += 1
        if !fault.shownByHardware { waiting += 1 }
      }
      if row.complaint != nil { complaints += 1 }
      print(text(of: row))
    }
    try reports.end(verdicts)
    try kept.close()
    print(
      "\n\(entries.count) entries, \(faults) of them faulty; \(waiting) faults that x86 hardware cannot show are the "
        + "explorer's; \(complaints) complaints")
    if complaints > 0 { throw ExitCode(ExitStatus.notAsExpected.code) }
  }

  /// Of all verdicts, in the order in which they are told.
  private func keys(_ entries: [SubjectFacts], _ audit: Audit) -> [JournalKey] {
    entries.flatMap { entry in
      Audit.shapes.map { JournalKey(audit.scenario(for: entry, in: $0), .stress, file: nil) }
        + MemoryModel.allCases.map {
          JournalKey(audit.scenario(for: entry, in: Audit.shapes[0]), .explore($0), file: nil)
        }
    }
  }

  /// What exploring says of each entry under each memory model, in the order of the models.
  private func explored(_ entries: [SubjectFacts], _ audit: Audit, _ kept: KeptVerdicts) -> [[Verdict]] {
    let models = MemoryModel.allCases
    let progress = ProgressLine(entries.count * models.count)
    let done = SideBySide<Verdict>(entries.count * models.count, jobs: parallel.count) {
      let children = Children(AddonRaceCommand.harness)
      return { index in
        let entry = entries[index / models.count]
        let scenario = audit.scenario(for: entry, in: Audit.shapes[0])
        let model = models[index % models.count]
        progress.show(scenario.name, model.rawValue)
        defer { progress.finish() }
        return kept.verdict(scenario, .explore(model)) {
          children.run(scenario, .explore(model), file: nil, command: $0)
        }
      }
    }
    return entries.indices.map { entry in models.indices.compactMap { done.take(entry * models.count + $0) } }
  }

  private func text(of row: Audit.Row) -> String {
    let entry = row.entry
    var lines = ["\(entry.site.name) with \(entry.strategy.name)" + (entry.fault.map { ": \($0.defect)" } ?? ": right")]
    if let fault = entry.fault { lines.append("    to be caught by \(fault.caughtBy)") }
    for cell in row.cells + row.explored {
      let name = cell.way + String(repeating: " ", count: max(0, 9 - cell.way.count))
      let who =
        cell.checkers.isEmpty ? cell.outcome.rawValue : cell.checkers.joined(separator: ", ")
      let after =
        cell.executions > 0
        ? "\(Number.grouped(cell.executions)) executions" : "\(Number.grouped(cell.populations)) populations"
      lines.append("    \(name) \(who), after \(after), \(Number.fixed(cell.seconds * 1000, 1)) ms")
    }
    if let complaint = row.complaint { lines.append("    WRONG: \(complaint)") }
    return lines.joined(separator: "\n")
  }
}

/// Verdicts of an audit, each in the journal as soon as it is there, or taken from it.
private struct KeptVerdicts: Sendable {
  private let journal: Journal?

  init(_ options: JournalOptions, keys: [JournalKey]) throws { journal = try Journal(options, nil, keys) }

  /// `make` gets the command that makes it again.
  func verdict(_ scenario: Scenario, _ engine: EngineKind, _ make: (String) -> Verdict) -> Verdict {
    let encoded = EncodedScenario(scenario)
    let key = JournalKey(encoded, engine, file: nil)
    if let known = journal?.verdict(key, AddonRaceCommand.harness) { return known }
    let verdict = make("addonrace audit --only \(scenario.strategy)")
    journal?.add(verdict, key, encoded)
    return verdict
  }

  func close() throws { try journal?.close() }
}
