import AddonRace
import ArgumentParser
import CThreads
import Foundation

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures what strategies cost, next to each other and to C11 by hand.",
    discussion: """
      Of each scenario that has a 'bench' section: the fast path, the first allocation alone, and racers that contend; or \
      where the inode's fields lie, if it has a 'layout' section in there. Samples of all contestants are taken in turn, so \
      that what the machine does meanwhile it does to all of them, and in several processes, since each has its memory \
      elsewhere; a difference is one only beyond the intervals, and beyond what one differs from itself. Exit status 1 if \
      something is slower than the baseline, 2 if nothing could be compared, 3 if a process that measured died.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, csv }

  @Argument(help: "Scenario files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
  var paths: [String] = []
  @Option(
    help: ArgumentHelp(
      "Strategies to compare instead of the scenario's, as compare-exchange,lock-and-flag.", valueName: "names"),
    completion: Completions.strategies)
  var strategies: String?
  @Option(help: ArgumentHelp("Numbers of racers that contend, as 2,4,8.", valueName: "n,..."))
  var racers: String?
  @OptionGroup(title: "Overriding the scenarios")
  var settings: SettingOptions<BenchSection>
  @OptionGroup(title: "Code of your own")
  var code: CodeOptions
  @Option(help: ArgumentHelp("Keep the figures as a baseline of this name.", valueName: "name"))
  var save: String?
  @Option(help: ArgumentHelp("Compare with the baseline of this name.", valueName: "name"))
  var compare: String?
  @Option(help: ArgumentHelp("By how much more than a baseline, in percent, is a regression.", valueName: "percent"))
  var threshold = 5.0
  @Option(help: ArgumentHelp("Where baselines are.", valueName: "folder"))
  var baselines = ".addonrace/bench"
  @Option(help: "Measure along an axis instead: \(BenchAxis.allCases.map(\.rawValue).joined(separator: ", ")).")
  var sweep: BenchAxis?
  @Option(help: ArgumentHelp("Write a page of tables and plots as well; gnuplot draws them.", valueName: "file"))
  var html: String?
  @Option(help: "How the figures are shown.")
  var format = Format.table
  @Option(name: .shortAndLong, help: ArgumentHelp("Write to this file instead.", valueName: "file"))
  var output: String?
  @Option(
    name: .customLong("report"), parsing: .singleValue,
    help: ArgumentHelp(
      "Write a report to this file too, in the format that its name ends in: \(BenchReportFile.endings.joined(separator: ", ")). May be given more than once.",
      valueName: "file"))
  var reports: [String] = []
  @OptionGroup var journal: JournalOptions

  func validate() throws {
    if paths.isEmpty { throw ValidationError("No scenario was named. Try: addonrace bench scenarios/bench") }
    if sweep != nil, save != nil || compare != nil {
      throw ValidationError(
        "A sweep is not kept as a baseline, nor compared with one; leave --sweep, or the other, out.")
    }
    for path in reports { try BenchReportFile.check(path) }
    for name in [save, compare].compactMap(\.self) { try BaselineStore.check(name) }
    _ = try settings.values(for: .bench)
    for count in try racerCounts() ?? [] where !BenchLimits.racers.contains(count) {
      throw ValidationError(
        "--racers is \(count); it may be \(BenchLimits.racers.lowerBound) to \(BenchLimits.racers.upperBound).")
    }
    for name in strategyNames() ?? [] {
      try Invocation(strategy: name).checkStrategy(AddonRaceCommand.harness.vocabulary)
    }
  }

  private func racerCounts() throws -> [Int]? {
    try racers?.split(separator: ",").map { part in
      guard let count = Int(part) else { throw ValidationError("--racers is '\(racers ?? "")'; write it as 2,4,8.") }
      return count
    }
  }

  private func strategyNames() -> [String]? { strategies?.split(separator: ",").map(String.init) }

  func run() throws {
    let store = BaselineStore(folder: baselines)
    // Before anything is measured: a name that does not exist is not worth a minute, nor is a page that cannot be drawn.
    let baseline = try compare.map { try store.read($0, machine: .here) }
    if save != nil { try store.prepare() }
    let page = try html.map { try PageFile($0) }
    let sink = try ReportSink(output)
    let files = try reports.map { try BenchReportFile($0) }
    let kept = try BenchJournal(journal)
    for warning in BenchMachine.here.warnings { StandardError.print("WARNING: \(warning)") }
    cthreads_catch_interrupts(1)
    var document = BenchDocument(machine: .here)
    var parts: [ReportPart] = []
    var status = ExitStatus.asExpected
    let all = ScenarioFinder(AddonRaceCommand.harness.vocabulary, first: "bench", code: code.source).find(paths)
    let progress = ProgressLine(all.count)
    for found in all {
      do {
        let more = try measure(found, into: &document, kept, progress)
        if format == .table, !more.isEmpty { try sink.print(more.text(within: sink.width) + "\n") }
        parts += more
      } catch let error as BenchFailure {
        StandardError.print("error: \(error)")
        status = max(status, error.status)
      }
      if cthreads_interrupted() != 0 { break }
    }
    switch format {
    case .table: break
    case .json: try sink.print(document.json)
    case .csv: try sink.print(document.csv)
    }
    if let save, cthreads_interrupted() == 0, status == .asExpected { try store.write(document, as: save) }
    if let baseline, !document.everything.isEmpty {
      let comparison = BenchComparison(baseline, document, threshold: threshold / 100)
      if format == .table { try sink.print(comparison.parts.text) } else { StandardError.print(comparison.parts.text) }
      parts += [.heading("Against the baseline '\(compare ?? "")'")] + comparison.parts
      if comparison.hasRegression { status = max(status, .notAsExpected) }
      if comparison.changes.isEmpty { status = max(status, .undecided) }
    }
    try sink.close()
    for file in files { try file.write(document, parts) }
    try kept?.close()
    if parts.isEmpty { page?.discard() } else { try page?.write(parts) }
    if cthreads_interrupted() != 0 { status = .interrupted }
    throw ExitCode(status.code)
  }

  /// One scenario's figures, into the document, and as they are shown.
  private func measure(
    _ found: FoundScenario, into document: inout BenchDocument, _ kept: BenchJournal?, _ progress: ProgressLine
  ) throws -> [ReportPart] {
    defer { progress.finish() }
    guard let scenario = try prepare(found) else { return [] }
    guard case .scenario(_, let file) = found else { return [] }
    let key = BenchJournal.key(scenario, file, sweep)
    if let outcome = kept?.outcome(key) {
      document.add(outcome)
      return outcome.parts
    }
    let children = Children(AddonRaceCommand.harness)
    children.benchProgress = { progress.show(scenario.name, $0, share: $1) }
    do {
      guard let outcome = try children.measure(scenario, along: sweep) else { return [] }
      document.add(outcome)
      // Of an interrupted one there is but a part.
      if cthreads_interrupted() == 0 { kept?.add(outcome, key) }
      return outcome.parts
    } catch let error as EngineError {
      throw BenchFailure("\(scenario.name): \(error)", .invalid)
    } catch let error as ChildDeath {
      throw BenchFailure("\(scenario.name): \(error)", .died)
    }
  }

  /// Code that was named is measured as it is raced, whether or not a scenario says how.
  private func built(_ scenario: Scenario) throws -> Scenario {
    do throws(EngineError) {
      var built = try AddonRaceCommand.harness.built(scenario, for: .racing)
      if built.bench == nil { built.bench = BenchOptions() }
      return built
    } catch {
      throw BenchFailure("\(error)", .invalid)
    }
  }

  /// Nil where a folder's scenario has no bench section.
  private func prepare(_ found: FoundScenario) throws -> Scenario? {
    switch found {
    case .invalid(let error, _), .missing(let error): throw BenchFailure("\(error)", .invalid)
    case .scenario(var scenario, let file):
      if scenario.code != nil, scenario.bench != nil || paths.contains(file) { scenario = try built(scenario) }
      guard var options = scenario.bench else {
        if !paths.contains(file) { return nil }
        throw BenchFailure(
          "\(file) has no bench section\n    add 'bench: {racers: [2]}', or bench scenarios/bench", .invalid)
      }
      if let counts = try racerCounts() { options.racers = counts }
      if let names = strategyNames() { options.strategies = names }
      if options.layout != nil, strategies != nil {
        throw BenchFailure(
          "\(scenario.name): a layout study compares layouts, not strategies\n    leave --strategies out", .invalid)
      }
      scenario.bench = options
      for (setting, value) in try settings.values(for: .bench) {
        setting.apply(value, to: &scenario)
        if case .integer(let inodes) = value, setting.key == "inodes", options.layout != nil {
          guard LayoutLimits.inodes.contains(inodes) else {
            throw BenchFailure(
              "\(scenario.name): --inodes of a layout study is \(inodes)\n    it may be "
                + "\(LayoutLimits.inodes.lowerBound) to \(LayoutLimits.inodes.upperBound)", .invalid)
          }
          scenario.bench?.layout?.inodes = [inodes]
        }
      }
      if scenario.code != nil {
        if options.strategies.isEmpty { return scenario }
        throw BenchFailure("\(scenario.name): code has no strategies\n    leave --strategies out", .invalid)
      }
      let bench = Bench(AddonRaceCommand.harness.registry.measured)
      if let stranger = options.strategies.first(where: { !bench.strategies(at: scenario.site).contains($0) }) {
        throw BenchFailure(
          "strategy '\(stranger)' cannot be measured at site '\(scenario.site)'\n    those that can: "
            + bench.strategies(at: scenario.site).joined(separator: ", "), .invalid)
      }
      return scenario
    }
  }
}

extension BenchAxis: ExpressibleByArgument {}

/// Why there are no figures.
private struct BenchFailure: Error, CustomStringConvertible {
  let description: String
  let status: ExitStatus
  init(_ description: String, _ status: ExitStatus) {
    self.description = description
    self.status = status
  }
}
