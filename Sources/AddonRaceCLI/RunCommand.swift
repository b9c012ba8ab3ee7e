import AddonRace
import ArgumentParser
import CThreads
import Foundation

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Races scenarios and prints verdicts and figures.",
    discussion: """
      Each scenario runs in a child process and ends at the first of: enough collisions, its time, a finding. Options \
      override the scenario files. Ctrl-C ends the run with what it has.
      """)

  @Argument(help: "Scenario files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
  var paths: [String] = []
  @OptionGroup(title: "Overriding the scenarios")
  var overrides: Overrides
  @Option(help: "How the verdicts are shown.")
  var format = ReportFormatName.allCases[0]
  @Option(name: .shortAndLong, help: ArgumentHelp("Write to this file instead.", valueName: "file"))
  var output: String?
  @Flag(help: "Explain findings by an execution even where they were expected.")
  var explain = false
  @Option(help: "stress races on real threads; explore visits every execution: see `addonrace explore`.")
  var engine = EngineName.stress
  @Flag(help: "Race in this process instead of one child each.")
  var inProcess = false

  func validate() throws {
    if paths.isEmpty {
      throw ValidationError("No scenario was named. Try: addonrace run scenarios")
    }
  }

  func run() throws {
    if engine == .explore {
      var words = paths + ["--format", format.rawValue]
      if let output { words += ["--output", output] }
      if explain { words.append("--explain") }
      if inProcess { words.append("--in-process") }
      if let strategy = overrides.strategy { words += ["--strategy", strategy] }
      if let racers = overrides.racers { words += ["--racers", racers] }
      if let time = overrides.time { words += ["--time", "\(time)"] }
      if let seed = overrides.seed { words += ["--seed", "\(seed)"] }
      return try ExploreCommand.parse(words).run()
    }
    let sink = try ReportSink(output)
    let report = format.format.init(isTerminal: sink.isTerminal, explains: explain)
    cthreads_catch_interrupts()
    var verdicts: [Verdict] = []
    for found in ScenarioFinder.find(paths) {
      let verdict = try self.verdict(of: found)
      verdicts.append(verdict)
      if let text = report.scenario([verdict]) { sink.print(text) }
      if cthreads_interrupted() != 0 { break }
    }
    if let text = report.end(verdicts) { sink.print(text) }
    var status = verdicts.map(\.exitStatus).max() ?? .asExpected
    if cthreads_interrupted() != 0 { status = .interrupted }
    throw ExitCode(status.code)
  }

  private func verdict(of found: FoundScenario) throws -> Verdict {
    switch found {
    case .invalid(let error, let file): return InvalidFile.verdict(error, file)
    case .scenario(var scenario, let file):
      try overrides.apply(to: &scenario)
      let command = RepeatCommand.text(file: file, scenario: scenario, arguments: CommandLine.arguments)
      let progress = ProgressLine(name: scenario.name)
      defer { progress.clear() }
      var verdict: Verdict
      if inProcess {
        var harness = Harness()
        harness.explains = explain
        harness.progress = { progress.show($0) }
        verdict = harness.run(scenario, file: file)
        verdict.command = command
      } else {
        var children = Children()
        children.explains = explain
        children.progress = { progress.show($0) }
        verdict = children.run(scenario, file: file, command: command)
      }
      if let visits = verdict.figures.visitsInFlight, scenario.stress.visitsInFlight == nil {
        verdict.command += " --visits-in-flight \(visits)"
      }
      if let delay = verdict.figures.delay, scenario.stress.delay == nil { verdict.command += " --delay \(delay)" }
      return verdict
    }
  }
}

enum EngineName: String, CaseIterable, ExpressibleByArgument {
  case stress, explore
}

/// A scenario file that cannot be read, as a verdict; what is wrong with it goes to standard error.
enum InvalidFile {
  static func verdict(_ error: InvalidScenario, _ file: String) -> Verdict {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    var verdict = Verdict(
      scenario: Scenario(name: file, question: "(the file is invalid)", site: "", strategy: "", racers: []),
      file: file, outcome: .invalid, expected: .verdict(.pass))
    verdict.notes = error.diagnostics.map(\.description)
    verdict.command = "addonrace check \(ShellWord.quoted(file))"
    return verdict
  }
}

/// The command that runs one scenario again with the same settings.
enum RepeatCommand {
  private static let flags = ["--in-process", "--explain", "--no-symmetry", "--symmetry"]
  /// What only says how or of which models it is shown.
  private static let left = ["-o", "--output", "--format", "--memory-model", "--dot"]

  /// The options of this command line, for one file, with the seed written out, and one memory model.
  static func text(
    _ command: String = "run", file: String, scenario: Scenario, arguments: [String], model: String? = nil
  ) -> String {
    var words = ["addonrace", command, ShellWord.quoted(file)]
    var rest = arguments.dropFirst().drop { $0 != command }.dropFirst()
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else { continue }
      if left.contains(word) {
        _ = rest.popFirst()
      } else if word.contains("=") || flags.contains(word) {
        if !left.contains(where: { word.hasPrefix("\($0)=") }) { words.append(ShellWord.quoted(word)) }
      } else {
        words.append(word)
        if let value = rest.popFirst() { words.append(ShellWord.quoted(value)) }
      }
    }
    if let model {
      words += ["--memory-model", model]
    } else if !words.contains("--seed") {
      words += ["--seed", "\(scenario.stress.seed)"]
    }
    return words.joined(separator: " ")
  }
}

enum ShellWord {
  static func quoted(_ word: String) -> String {
    let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=,:@%".contains($0) }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}

extension ExitCode {
  /// Output cannot be written: EX_CANTCREAT.
  static let unwritable = ExitCode(73)
}

/// Where a report goes: standard output, or a file that is opened before anything runs.
struct ReportSink {
  private let handle: FileHandle
  let isTerminal: Bool

  init(_ path: String?) throws {
    guard let path else {
      handle = .standardOutput
      isTerminal = isatty(STDOUT_FILENO) != 0
      return
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let why = String(cString: strerror(errno))
      FileHandle.standardError.write(
        Data("error: cannot write to \(path): \(why)\n    name another file\n".utf8))
      throw ExitCode.unwritable
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    isTerminal = false
  }

  func print(_ text: String) { handle.write(Data("\(text)\n".utf8)) }
}

/// One line that is written over while a scenario runs; nothing where nobody watches.
struct ProgressLine {
  let name: String
  private let isShown = isatty(STDERR_FILENO) != 0

  init(name: String) { self.name = name }

  func show(_ progress: RunProgress) {
    show(
      "\(Number.grouped(progress.populations)) populations, \(Number.grouped(progress.collisions)) collisions")
  }

  func show(_ progress: ExploreProgress) {
    let rest = progress.estimate.map { " of about \(Number.grouped(Int(min($0, 1e15))))" } ?? ""
    show("\(progress.model.rawValue): \(Number.grouped(progress.executions)) executions\(rest)")
  }

  func show(_ text: String) {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1b}[2K\(name), \(text)".utf8))
  }

  func clear() {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1b}[2K".utf8))
  }
}
