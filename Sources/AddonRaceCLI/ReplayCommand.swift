import AddonRace
import ArgumentParser

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Runs the one execution that a token leads to, and shows it step by step.",
    discussion: """
      Exit status 1 if the checkers report something, as they did when the token was printed; 65 if the token is \
      broken, or another version's.
      """)

  @Argument(
    help: "The scenario's file, or the sources of a program, and then the token that `explore` printed.",
    completion: .file(extensions: ["yaml", "yml"]))
  var words: [String]
  @OptionGroup(title: "Code of your own")
  var code: CodeOptions
  @Option(help: ArgumentHelp("Write the execution as a Graphviz graph.", valueName: "file"))
  var dot: String?
  @Option(
    help: ArgumentHelp("The strategy, where `explore` was given one.", valueName: "name"),
    completion: Completions.strategies)
  var strategy: String?

  private var paths: [String] { Array(words.dropLast()) }
  private var token: String { words.last ?? "" }

  func validate() throws {
    if words.count < 2 { throw ValidationError("Name a scenario's file, and then the token that `explore` printed.") }
  }

  func run() throws {
    let harness = AddonRaceCommand.harness
    var invocation = Invocation(strategy: strategy)
    invocation.code = code.source
    let resolved = try ResolvedScenario.all(paths, invocation, .explore, harness)
    guard case .ready(let scenario, _)? = resolved.first else { throw ExitCode(ExitStatus.invalid.code) }
    let counterexample = try counterexample(of: scenario, harness)
    print("\(scenario.name) under \(token.split(separator: ":").dropFirst().first ?? ""), as the token says:")
    for line in TraceText(counterexample).lines(within: Terminal.outputWidth.map { $0 - 2 }) { print("  \(line)") }
    if let dot {
      let sink = try ReportSink(dot)
      try sink.print(TraceGraph(counterexample).text)
      try sink.close()
    }
    if !counterexample.findings.isEmpty { throw ExitCode(ExitStatus.notAsExpected.code) }
    print("  no checker reports anything")
  }

  private func counterexample(of scenario: Scenario, _ harness: Harness) throws -> Counterexample {
    do {
      let token = try ReplayToken(token, of: scenario)
      guard let counterexample = try harness.replay(token, of: scenario) else {
        throw Misfit("the program does not follow the token: it is another version's; explore again")
      }
      return counterexample
    } catch {
      StandardError.print("error: \(error)")
      throw ExitCode(ExitStatus.invalid.code)
    }
  }
}
