import AddonRace
import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Races scenarios and prints verdicts and figures.",
    discussion: """
      Each scenario runs in a child process and ends at the first of: enough collisions, its time, a finding. Options \
      override the scenario files. Ctrl-C ends the run with what it has.
      """)

  @Argument(help: "Scenario files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
  var paths: [String] = []
  @OptionGroup var report: ReportOptions
  @Option(help: "stress races on real threads; explore visits every execution: see `addonrace explore`.")
  var engine = EngineName.stress
  @OptionGroup var parallel: JobOptions
  @OptionGroup var part: ShardOptions
  @Flag(help: "Race in this process instead of in one child process for each scenario.")
  var inProcess = false
  @OptionGroup(title: "Overriding the scenarios")
  var subject: SubjectOptions
  @OptionGroup(title: "Overriding the scenarios")
  var settings: SettingOptions<StressSection>
  @OptionGroup(title: "Code of your own")
  var code: CodeOptions

  func validate() throws {
    if paths.isEmpty { throw ValidationError(ShippedFiles.nothingNamed("run")) }
    _ = try invocation()
  }

  private var section: Setting.Section { engine == .stress ? .stress : .explore }

  private func invocation() throws -> Invocation {
    var invocation = Invocation(
      settings: try settings.values(for: section), strategy: subject.strategy,
      racers: try subject.groups(),
      switches: (report.explain ? ["--explain"] : []) + (inProcess ? ["--in-process"] : []))
    invocation.code = code.source
    invocation.optimisations = code.optimisations
    return invocation
  }

  func run() throws {
    let runs = ScenarioRuns(
      invocation: try invocation(), section: section, options: report, inProcess: inProcess, jobs: parallel.count,
      shard: part.shard,
      engines: { [engine] scenario in
        engine == .stress ? [.stress] : scenario.explore.memoryModels.map { .explore($0) }
      })
    throw ExitCode(try runs.run(paths).status.code)
  }
}

enum EngineName: String, CaseIterable, ExpressibleByArgument {
  case stress, explore
}
