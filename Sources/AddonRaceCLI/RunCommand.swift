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
  @Flag(help: "Race in this process instead of one child each.")
  var inProcess = false

  func validate() throws {
    if paths.isEmpty {
      throw ValidationError("No scenario was named. Try: addonrace run scenarios")
    }
  }

  func run() throws {
    let sink = try ReportSink(output)
    let report = format.format.init(isTerminal: sink.isTerminal)
    cthreads_catch_interrupts()
    var verdicts: [Verdict] = []
    for found in ScenarioFinder.find(paths) {
      let verdict = try self.verdict(of: found)
      verdicts.append(verdict)
      if let text = report.verdict(verdict) { sink.print(text) }
      if cthreads_interrupted() != 0 { break }
    }
    if let text = report.end(verdicts) { sink.print(text) }
    var status = verdicts.map(\.exitStatus).max() ?? .asExpected
    if cthreads_interrupted() != 0 { status = .interrupted }
    throw ExitCode(status.code)
  }

  private func verdict(of found: FoundScenario) throws -> Verdict {
    switch found {
    case .invalid(let error, let file):
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      var verdict = Verdict(
        scenario: Scenario(name: file, question: "(the file is invalid)", site: "", strategy: "", racers: []),
        file: file, outcome: .invalid, expected: .verdict(.pass))
      verdict.notes = error.diagnostics.map(\.description)
      verdict.command = "addonrace check \(ShellWord.quoted(file))"
      return verdict
    case .scenario(var scenario, let file):
      try overrides.apply(to: &scenario)
      let command = RepeatCommand.text(file: file, scenario: scenario, arguments: CommandLine.arguments)
      let progress = ProgressLine(name: scenario.name)
      defer { progress.clear() }
      var verdict: Verdict
      if inProcess {
        var harness = Harness()
        harness.progress = { progress.show($0) }
        verdict = harness.run(scenario, file: file)
        verdict.command = command
      } else {
        var children = Children()
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

/// The command that runs one scenario again with the same settings.
enum RepeatCommand {
  /// The options of this command line, for one file, with the seed written out.
  static func text(file: String, scenario: Scenario, arguments: [String]) -> String {
    var words = ["addonrace", "run", ShellWord.quoted(file)]
    var rest = arguments.dropFirst().drop { $0 != "run" }.dropFirst()
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else { continue }
      if ["-o", "--output", "--format"].contains(word) {
        _ = rest.popFirst()
      } else if word.contains("=") || word == "--in-process" {
        if !word.hasPrefix("--output=") && !word.hasPrefix("--format=") { words.append(ShellWord.quoted(word)) }
      } else {
        words.append(word)
        if let value = rest.popFirst() { words.append(ShellWord.quoted(value)) }
      }
    }
    if !words.contains("--seed") { words += ["--seed", "\(scenario.stress.seed)"] }
    return words.joined(separator: " ")
  }
}

enum ShellWord {
  static func quoted(_ word: String) -> String {
    let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=,:@%".contains($0) }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
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
        Data("error: cannot write to \(path): \(why)\n    name another file with --output\n".utf8))
      throw ExitCode(73)
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
    guard isShown else { return }
    let text =
      "\(name): \(Number.grouped(progress.populations)) populations, "
      + "\(Number.grouped(progress.collisions)) collisions"
    FileHandle.standardError.write(Data("\r\u{1b}[2K\(text)".utf8))
  }

  func clear() {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1b}[2K".utf8))
  }
}
