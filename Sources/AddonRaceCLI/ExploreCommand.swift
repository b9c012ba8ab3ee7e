import AddonMemory
import AddonRace
import ArgumentParser
import CThreads
import Foundation

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore", abstract: "Visits every execution of scenarios that a memory model allows.",
    discussion: """
      The same code that `run` races, under sequential consistency (sc), x86-TSO (tso), C11 (c11) and the kernel's \
      model (kernel). A finding is explained by the shortest execution that shows it, and comes with a token for \
      `addonrace replay`. Options override the scenario files. Ctrl-C ends an exploration with what it has.
      """)

  @Argument(help: "Scenario files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
  var paths: [String] = []
  @Option(
    name: .customLong("memory-model"),
    help: ArgumentHelp("Memory models, as c11,kernel; may be given more than once.", valueName: "models"))
  var models: [String] = []
  @OptionGroup(title: "Overriding the scenarios")
  var overrides: ExploreOverrides
  @Option(help: "How the verdicts are shown.")
  var format = ReportFormatName.allCases[0]
  @Option(name: .shortAndLong, help: ArgumentHelp("Write to this file instead.", valueName: "file"))
  var output: String?
  @Option(help: ArgumentHelp("Write the first explaining execution as a Graphviz graph.", valueName: "file"))
  var dot: String?
  @Flag(help: "Show the shortest execution that explains a finding even where it was expected.")
  var explain = false
  @Flag(help: "Explore in this process instead of one child each.")
  var inProcess = false

  func validate() throws {
    if paths.isEmpty { throw ValidationError("No scenario was named. Try: addonrace explore scenarios") }
    _ = try namedModels()
  }

  private func namedModels() throws -> [MemoryModel] {
    let known = MemoryModel.allCases.map(\.rawValue)
    return try models.flatMap { $0.split(separator: ",") }.map(String.init).map { name in
      guard let model = MemoryModel(rawValue: name) else {
        let hint = Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        throw ValidationError("Unknown memory model '\(name)': \(hint ?? "known: \(known.joined(separator: ", "))").")
      }
      return model
    }
  }

  func run() throws {
    let sink = try ReportSink(output)
    let report = format.format.init(isTerminal: sink.isTerminal, explains: explain)
    cthreads_catch_interrupts()
    var verdicts: [Verdict] = []
    for found in ScenarioFinder.find(paths) {
      let ofScenario = try self.verdicts(of: found)
      verdicts += ofScenario
      if let text = report.scenario(ofScenario) { sink.print(text) }
      if cthreads_interrupted() != 0 { break }
    }
    if let text = report.end(verdicts) { sink.print(text) }
    if let dot { try write(verdicts, to: dot) }
    var status = verdicts.map(\.exitStatus).max() ?? .asExpected
    if cthreads_interrupted() != 0 { status = .interrupted }
    throw ExitCode(status.code)
  }

  private func verdicts(of found: FoundScenario) throws -> [Verdict] {
    switch found {
    case .invalid(let error, let file): return [InvalidFile.verdict(error, file)]
    case .scenario(var scenario, let file):
      try overrides.apply(to: &scenario)
      let named = try namedModels()
      var verdicts: [Verdict] = []
      for model in named.isEmpty ? scenario.explore.memoryModels : named {
        verdicts.append(verdict(scenario, model, file))
        if cthreads_interrupted() != 0 { break }
      }
      return verdicts
    }
  }

  private func verdict(_ scenario: Scenario, _ model: MemoryModel, _ file: String) -> Verdict {
    let command = RepeatCommand.text(
      "explore", file: file, scenario: scenario, arguments: CommandLine.arguments, model: model.rawValue)
    let progress = ProgressLine(name: scenario.name)
    defer { progress.clear() }
    var hasWarned = false
    let show: (ExploreProgress) -> Void = { state in
      progress.show(state)
      guard !hasWarned, let estimate = state.estimate, estimate > Double(scenario.explore.executions) else { return }
      hasWarned = true
      progress.clear()
      let text =
        "note: \(scenario.name) has about \(Coverage.scientific(estimate)) executions or more under \(model.rawValue), above "
        + "the budget of \(Number.grouped(scenario.explore.executions)): it cannot be explored whole; name fewer "
        + "racers or inodes, or raise --executions and --time\n"
      FileHandle.standardError.write(Data(text.utf8))
    }
    if inProcess {
      var harness = Harness()
      harness.explains = explain
      harness.exploreProgress = show
      var verdict = harness.explore(scenario, model, file: file)
      verdict.command = command
      return verdict
    }
    var children = Children()
    children.explains = explain
    children.exploreProgress = show
    return children.explore(scenario, model, file: file, command: command)
  }

  private func write(_ verdicts: [Verdict], to path: String) throws {
    guard let counterexample = verdicts.lazy.compactMap(\.counterexample).first else {
      FileHandle.standardError.write(Data("note: nothing was found, so \(path) was not written\n".utf8))
      return
    }
    try ReportSink(path).print(TraceGraph(counterexample).text)
  }
}

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Runs the one execution that a token leads to, and shows it step by step.",
    discussion: """
      Exit status 1 if the checkers report something, as they did when the token was printed; 65 if the token is \
      broken, or another version's.
      """)

  @Argument(help: "The scenario's file.", completion: .file(extensions: ["yaml", "yml"]))
  var path: String
  @Argument(help: "The token that `explore` printed.")
  var token: String
  @Option(help: ArgumentHelp("Write the execution as a Graphviz graph.", valueName: "file"))
  var dot: String?
  @Option(help: ArgumentHelp("The strategy, where `explore` was given one.", valueName: "name"))
  var strategy: String?

  func run() throws {
    switch ScenarioFinder.find([path]).first {
    case .invalid(let error, _)?:
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      throw ExitCode(ExitStatus.invalid.code)
    case .scenario(var scenario, _)?:
      if let strategy { scenario.strategy = strategy }
      do {
        let token = try ReplayToken(token, of: scenario)
        guard let counterexample = try Harness().replay(token, of: scenario) else {
          throw ReplayFailure("the program does not follow the token: it is another version's; explore again")
        }
        print("\(scenario.name) under \(token.model.rawValue), as the token says:")
        for line in TraceText(counterexample).lines { print("  \(line)") }
        if let dot { try ReportSink(dot).print(TraceGraph(counterexample).text) }
        if !counterexample.findings.isEmpty { throw ExitCode(ExitStatus.notAsExpected.code) }
        print("  nothing was found")
      } catch let code as ExitCode {
        throw code
      } catch {
        FileHandle.standardError.write(Data("error: \(error)\n".utf8))
        throw ExitCode(ExitStatus.invalid.code)
      }
    case nil: throw ExitCode(ExitStatus.invalid.code)
    }
  }
}

private struct ReplayFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Settings of an exploration on the command line, over those of the scenario file.
struct ExploreOverrides: ParsableArguments {
  @Option(help: ArgumentHelp("Explore this strategy instead of the scenario's.", valueName: "name"))
  var strategy: String?
  @Option(help: ArgumentHelp("Racers by role, as allocate=2,read=1; 1-64 in all.", valueName: "role=n,..."))
  var racers: String?
  @Option(help: ArgumentHelp("Inodes that every racer visits in turn, 1-16.", valueName: "n"))
  var inodes: Int?
  @Option(help: ArgumentHelp("Any of up to so many allocations of an execution may fail.", valueName: "n"))
  var allocationFailures: Int?
  @Option(
    help: ArgumentHelp("Any of up to so many weak compare-exchanges may fail for no reason.", valueName: "n"))
  var spuriousFailures: Int?
  @Flag(inversion: .prefixedNo, help: "Visit one of executions that differ by an exchange of racers that do the same.")
  var symmetry: Bool?
  @Option(help: ArgumentHelp("Executions after which the verdict is inconclusive.", valueName: "n"))
  var executions: Int?
  @Option(help: ArgumentHelp("Seconds after which the verdict is inconclusive.", valueName: "seconds"))
  var time: Double?
  @Option(help: ArgumentHelp("Megabytes of graphs after which the verdict is inconclusive.", valueName: "MB"))
  var memory: Int?
  @Option(help: ArgumentHelp("Random executions once the budget is spent.", valueName: "n"))
  var samples: Int?
  @Option(help: "What the random executions follow from.")
  var seed: UInt64?
  @Option(help: ArgumentHelp("Explore so many times over, to measure how long it takes.", valueName: "n"))
  var repetitions: Int?

  func validate() throws {
    try Override.check(inodes, ExploreLimits.inodes, "--inodes")
    try Override.check(allocationFailures, ExploreLimits.failures, "--allocation-failures")
    try Override.check(spuriousFailures, ExploreLimits.failures, "--spurious-failures")
    try Override.check(executions, ExploreLimits.executions, "--executions")
    try Override.check(time, ExploreLimits.time, "--time")
    try Override.check(memory, ExploreLimits.memory, "--memory")
    try Override.check(samples, ExploreLimits.samples, "--samples")
    try Override.check(repetitions, ExploreLimits.repetitions, "--repetitions")
    try Override.check(strategy: strategy)
    _ = try Override.racerGroups(racers, ExploreLimits.racers)
  }

  func apply(to scenario: inout Scenario) throws {
    try Override.apply(strategy: strategy, to: &scenario)
    if let racers = try Override.racerGroups(racers, ExploreLimits.racers) {
      try Override.checkRoles(racers, of: scenario)
      scenario.explore.racers = racers
    }
    func set<T>(_ path: WritableKeyPath<ExploreOptions, T>, _ value: T?) {
      if let value { scenario.explore[keyPath: path] = value }
    }
    set(\.inodes, inodes)
    if let allocationFailures { scenario.explore.allocationFailures = allocationFailures }
    if let spuriousFailures { scenario.explore.spuriousFailures = spuriousFailures }
    set(\.symmetry, symmetry)
    set(\.executions, executions)
    set(\.time, time)
    set(\.memory, memory)
    set(\.samples, samples)
    set(\.seed, seed)
    set(\.repetitions, repetitions)
  }
}
