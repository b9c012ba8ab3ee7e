import AddonRace
import ArgumentParser

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore", abstract: "Visits every execution of scenarios that a memory model allows.",
    discussion: """
      The same code that `run` races, under sequential consistency (sc), x86-TSO (tso), C11 (c11) and the kernel's \
      model (kernel). A finding is explained by the shortest execution that shows it, and comes with a token for \
      `addonrace replay`. Options override the scenario files. Ctrl-C ends an exploration with what it has.
      """)

  @Argument(
    help: "Scenario files, litmus tests of the kernel, or folders of them.",
    completion: .file(extensions: ["yaml", "yml", "litmus"]))
  var paths: [String] = []
  @Option(
    name: .customLong("memory-model"),
    help: ArgumentHelp("Memory models, as c11,kernel; may be given more than once.", valueName: "models"))
  var models: [String] = []
  @OptionGroup var report: ReportOptions
  @Option(help: ArgumentHelp("Write the first explaining execution as a Graphviz graph.", valueName: "file"))
  var dot: String?
  @OptionGroup var parallel: JobOptions
  @OptionGroup var part: ShardOptions
  @OptionGroup(title: "One exploration on several machines")
  var division: FrontierOptions
  @Flag(help: "Explore in this process instead of in one child process for each scenario.")
  var inProcess = false
  @OptionGroup(title: "Overriding the scenarios")
  var subject: SubjectOptions
  @OptionGroup(title: "Overriding the scenarios")
  var settings: SettingOptions<ExploreSection>
  @OptionGroup(title: "Code of your own")
  var code: CodeOptions
  @Flag(name: .customLong("malloc-may-fail"), help: "The same as --allocation-failures 1.")
  var mallocMayFail = false

  func validate() throws {
    if division.from != nil {
      if !paths.isEmpty { throw ValidationError("--from says what is explored; name no file besides.") }
      return
    }
    if paths.isEmpty { throw ValidationError(ShippedFiles.nothingNamed("explore")) }
    _ = try namedModels()
    _ = try settings.values(for: .explore)
    if let groups = try subject.groups(), !ExploreLimits.racers.contains(groups.reduce(0, { $0 + $1.count })) {
      throw ValidationError(
        "\(groups.reduce(0) { $0 + $1.count }) racers are too few or too many to explore; name \(ExploreLimits.racers.lowerBound) to "
          + "\(ExploreLimits.racers.upperBound) in all.")
    }
  }

  private func namedModels() throws -> [MemoryModel] {
    let known = MemoryModel.allCases.map(\.rawValue)
    return try models.flatMap { $0.split(separator: ",") }.map(String.init).map { name in
      guard let model = MemoryModel(rawValue: name) else {
        throw ValidationError("Unknown memory model '\(name)': \(Suggestion.remedy(for: name, among: known)).")
      }
      return model
    }
  }

  func run() throws {
    if let from = division.from { return try runPart(of: try Frontier.read(from)) }
    let named = try namedModels()
    let (litmus, others) = LitmusRuns.divide(paths)
    var judged: [LitmusRuns.Judged] = []
    if !litmus.isEmpty, division.frontier == nil {
      let runs = LitmusRuns(
        models: named.isEmpty ? [.kernel] : named, options: report, jobs: parallel.count, shard: part.shard)
      let (ofLitmus, status) = try runs.run(litmus, alone: others.isEmpty)
      if others.isEmpty || status == .interrupted { throw ExitCode(status.code) }
      judged = ofLitmus
    }
    let runs = try runs(named)
    if let file = division.frontier { return try write(try runs.frontier(others, division.parts), to: file) }
    let (verdicts, status) = try runs.run(others, after: judged)
    if let dot { try write(verdicts, to: dot) }
    throw ExitCode(status.code)
  }

  /// Explores a shard of what a frontier says, as the command was told that wrote it.
  private func runPart(of frontier: Frontier) throws {
    AddonRaceCommand.compilerFlags = frontier.compilerFlags ?? []
    var whole = try ExploreCommand.parse(frontier.arguments)
    whole.report = report
    whole.parallel = parallel
    guard let shard = part.shard ?? Shard(1, of: 1), shard.count <= frontier.parts else {
      throw ValidationError(
        "The frontier has \(frontier.parts) parts, which are too few for \(part.shard?.count ?? 0) shards.")
    }
    let (verdicts, status) = try whole.runs(try whole.namedModels()).run(whole.paths, (frontier, shard))
    if let dot { try write(verdicts, to: dot) }
    throw ExitCode(status.code)
  }

  private func runs(_ named: [MemoryModel]) throws -> ScenarioRuns {
    var settings = try settings.values(for: .explore)
    if mallocMayFail, let failures = Setting.named("allocation-failures", in: .explore) {
      settings.append((failures, .integer(1)))
    }
    var invocation = Invocation(
      settings: settings, strategy: subject.strategy,
      racers: try subject.groups(),
      switches: (report.explain ? ["--explain"] : []) + (inProcess ? ["--in-process"] : []))
    invocation.code = code.source
    invocation.optimisations = code.optimisations
    return ScenarioRuns(
      invocation: invocation, section: .explore, options: report, inProcess: inProcess, jobs: parallel.count,
      shard: part.shard,
      engines: { scenario in (named.isEmpty ? scenario.explore.memoryModels : named).map { .explore($0) } })
  }

  private func write(_ frontier: Frontier, to file: String) throws {
    try frontier.write(to: file)
    print(
      """
      \(frontier.scenario) under \(frontier.model.rawValue): \(frontier.subtrees) subtrees in \(frontier.parts) parts, \(frontier.level) runs below the first execution
      each part:  addonrace explore --from \(ShellWord.quoted(file)) --shard k/n --journal FILE
      the whole:  addonrace merge FILE...
      """)
    if frontier.subtrees < frontier.parts {
      StandardError.print("note: there are fewer subtrees than parts; some parts will be empty")
    }
  }

  private func write(_ verdicts: [Verdict], to path: String) throws {
    guard let counterexample = verdicts.lazy.compactMap(\.counterexample).first else {
      return StandardError.print("note: there was no finding, so \(path) was not written")
    }
    let sink = try ReportSink(path)
    try sink.print(TraceGraph(counterexample).text)
    try sink.close()
  }
}
