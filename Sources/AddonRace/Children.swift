import AddonMemory
import CThreads
import Checkers
import ExploreEngine
import Foundation
import RaceModel
import StressEngine

/// What a child is to do.
struct Job: Codable {
  var scenario: Scenario
  /// nil: race it.
  var model: MemoryModel?
  /// As the harness's.
  var explains = false

  var expected: ExpectedVerdict {
    model.map { scenario.expect.explore[$0] ?? .verdict(.pass) } ?? scenario.expect.expected(ofBuild: .current)
  }
}

/// Runs each scenario in a child process, so that a crash or a hang of one is a verdict and the rest go on.
///
/// The child is this program again. It gets the scenario and gives the verdict through anonymous files, dies with its
/// parent, and keeps a shared page up to date.
public struct Children {
  /// The hidden subcommand that the child is started with.
  public static let subcommand = "child"
  /// Seconds that a child may take beyond its time and its own watchdog.
  static let grace = 60.0

  /// Called every so often with how far the child is.
  public var progress: (RunProgress) -> Void = { _ in }
  public var exploreProgress: (ExploreProgress) -> Void = { _ in }
  public var explains = false
  let executable: URL

  public init() { executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath() }

  /// Races a scenario. A child that died is explained by another, which explores.
  public func run(_ scenario: Scenario, file: String?, command: String) -> Verdict {
    var verdict = run(Job(scenario: scenario, explains: explains), file: file, command: command)
    if verdict.outcome == .crashed, explains || !verdict.asExpected {
      var explored = scenario
      explored.expect.explore[.tso] = .verdict(.pass)
      let explanation = run(Job(scenario: explored, model: .tso, explains: true), file: file, command: command)
      verdict.memoryModel = explanation.memoryModel
      verdict.counterexample = explanation.counterexample
    }
    return verdict
  }

  /// Explores a scenario under one memory model.
  public func explore(_ scenario: Scenario, _ model: MemoryModel, file: String?, command: String) -> Verdict {
    run(Job(scenario: scenario, model: model, explains: explains), file: file, command: command)
  }

  private func run(_ job: Job, file: String?, command: String) -> Verdict {
    do {
      let child = try Child(job, executable: executable, progress: progress, exploreProgress: exploreProgress)
      var verdict = try child.verdict(file: file)
      verdict.command = command
      return verdict
    } catch {
      var verdict = Verdict(scenario: job.scenario, file: file, outcome: .crashed, expected: job.expected)
      verdict.command = command
      verdict.notes = ["no child process could be started: \(error.localizedDescription)"]
      return verdict
    }
  }

  /// The child's side: reads a scenario from standard input, races it, and writes the verdict to standard output.
  /// Answers the exit status.
  public static func serve(page path: String, parent: Int32) -> Int32 {
    guard cthreads_die_with_parent(parent) != 0, let page = SharedPage.open(path) else { return 70 }
    cthreads_catch_interrupts()
    guard let job = try? JSONDecoder().decode(Job.self, from: FileHandle.standardInput.readDataToEndOfFile())
    else { return 70 }
    page[.phase] = (job.model == nil ? SharedPage.Phase.racing : .exploring).rawValue
    page[.seed] = job.scenario.stress.seed
    var harness = Harness()
    harness.progress = { progress in
      page[.rounds] = UInt64(progress.round)
      page[.populations] = UInt64(progress.populations)
      page[.collisions] = UInt64(progress.collisions)
    }
    harness.explains = job.explains
    harness.explorationCounter = page.address(of: .executions)
    harness.exploreProgress = { progress in
      page[.estimate] = UInt64(min(progress.estimate ?? 0, 1e18))
    }
    let verdict =
      job.model.map { harness.explore(job.scenario, $0, file: nil) } ?? harness.run(job.scenario, file: nil)
    page[.phase] = SharedPage.Phase.reporting.rawValue
    guard let data = try? JSONEncoder().encode(verdict) else { return 70 }
    FileHandle.standardOutput.write(data)
    // Racers that are stuck in a visit would keep the process alive.
    if verdict.outcome == .timedOut { _exit(0) }
    return 0
  }
}

/// One child, from its start to its verdict.
private struct Child {
  let job: Job
  private var scenario: Scenario { job.scenario }
  let process = Process()
  let page: SharedPage
  let input: AnonymousFile
  let output: AnonymousFile
  let errors: AnonymousFile
  let raceReports: URL
  let progress: (RunProgress) -> Void
  let exploreProgress: (ExploreProgress) -> Void

  init(
    _ job: Job, executable: URL, progress: @escaping (RunProgress) -> Void,
    exploreProgress: @escaping (ExploreProgress) -> Void
  ) throws {
    guard let page = SharedPage.make() else { throw CocoaError(.fileWriteUnknown) }
    self.job = job
    self.page = page
    self.progress = progress
    self.exploreProgress = exploreProgress
    input = try AnonymousFile("scenario")
    output = try AnonymousFile("verdict")
    errors = try AnonymousFile("messages")
    raceReports = FileManager.default.temporaryDirectory
      .appendingPathComponent("addonrace-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    try input.write(JSONEncoder().encode(job))
    process.executableURL = executable
    process.arguments = [Children.subcommand, "--page", page.path, "--parent", "\(getpid())"]
    process.environment = environment()
    process.standardInput = input.handle
    process.standardOutput = output.handle
    process.standardError = errors.handle
  }

  private func environment() -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_BACKTRACE"] = "enable=no"
    // Reports go to files that the parent reads; a child that found races still gives its verdict.
    let options = [
      "log_path=\(raceReports.path)", "exitcode=66", "atexit_sleep_ms=0", "history_size=4", "handle_segv=0",
    ]
    environment["TSAN_OPTIONS"] =
      ([environment["TSAN_OPTIONS"]].compactMap { $0 } + options).joined(separator: ":")
    return environment
  }

  func verdict(file: String?) throws -> Verdict {
    try process.run()
    let wasKilled = wait()
    var verdict = finished() ?? died(wasKilled: wasKilled)
    verdict.file = file
    addDataRaces(to: &verdict)
    verdict.asExpected = verdict.expected.accepts(verdict)
    return verdict
  }

  /// Waits for the child to end; true if it had to be killed.
  private func wait() -> Bool {
    let time = job.model == nil ? scenario.stress.time + scenario.stress.watchdog : scenario.explore.time * 2
    let limit = time + Children.grace
    let start = Clock.now()
    var forwarded = false
    while process.isRunning {
      usleep(5_000)
      showProgress()
      if cthreads_interrupted() != 0, !forwarded {
        forwarded = true
        process.interrupt()
      }
      if Clock.now() - start > limit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return true
      }
    }
    return false
  }

  private func showProgress() {
    if let model = job.model {
      let estimate = page[.estimate]
      exploreProgress(
        ExploreProgress(
          model: model, executions: Int(page[.executions]), estimate: estimate == 0 ? nil : Double(estimate)))
    } else {
      progress(
        RunProgress(
          round: Int(page[.rounds]), populations: Int(page[.populations]), collisions: Int(page[.collisions])))
    }
  }

  private func finished() -> Verdict? { try? JSONDecoder().decode(Verdict.self, from: output.read()) }

  /// What can be said of a child that left no verdict.
  private func died(wasKilled: Bool) -> Verdict {
    var verdict = Verdict(
      scenario: scenario, file: nil, outcome: wasKilled ? .timedOut : .crashed, expected: job.expected)
    if let model = job.model {
      verdict.engine = "explore"
      verdict.memoryModel = model
    }
    verdict.figures.seed = page[.seed]
    verdict.figures.rounds = Int(page[.rounds])
    verdict.figures.populations = Int(page[.populations])
    verdict.figures.collisions = Int(page[.collisions])
    let how =
      wasKilled
      ? "it did not end in time and was killed"
      : process.terminationReason == .uncaughtSignal
        ? "signal \(process.terminationStatus) (\(SignalName.of(process.terminationStatus)))"
        : "exit status \(process.terminationStatus)"
    let moment = job.model == nil ? "round \(page[.rounds])" : "in execution \(page[.executions] + 1)"
    verdict.notes.append("\(how), \(page.phase.words), \(moment)")
    let said = String(decoding: errors.read(), as: UTF8.self)
      .split(separator: "\n").filter { !$0.isEmpty }
    if let last = said.first(where: { $0.contains("Fatal error") || $0.contains("ERROR: ") }) ?? said.first {
      verdict.notes.append("it said: \(last)")
    }
    return verdict
  }

  // MARK: ThreadSanitizer's reports

  private func addDataRaces(to verdict: inout Verdict) {
    let folder = raceReports.deletingLastPathComponent()
    let prefix = raceReports.lastPathComponent
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(prefix) {
      let file = folder.appendingPathComponent(name)
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      verdict.findings += DataRaceReport.findings(in: text)
      try? FileManager.default.removeItem(at: file)
    }
    guard verdict.findings.contains(where: { $0.checker == DataRace.checkerName }) else { return }
    if verdict.outcome == .pass || verdict.outcome == .vacuous { verdict.outcome = .fail }
  }
}

/// Reads what ThreadSanitizer wrote.
public enum DataRaceReport {
  /// One finding a report: the kind of race, and the first frame of either access.
  public static func findings(in text: String) -> [Finding] {
    text.components(separatedBy: "==================").compactMap { report in
      let lines = report.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      guard let title = lines.first(where: { $0.hasPrefix("WARNING: ThreadSanitizer:") }) else { return nil }
      let kind = title.dropFirst("WARNING: ThreadSanitizer: ".count).prefix { $0 != "(" }
        .trimmingCharacters(in: .whitespaces)
      var finding = Finding(checker: DataRace.checkerName, message: kind)
      var accesses: [String] = []
      for (index, line) in lines.enumerated() {
        let isAccess = ["Write of", "Read of", "Atomic write of", "Atomic read of", "Previous"]
          .contains { line.hasPrefix($0) }
        guard isAccess else { continue }
        let what = line.prefix { $0 != "(" }.components(separatedBy: " at 0x")[0]
        let frame = lines.dropFirst(index + 1).prefix(12).first { $0.hasPrefix("#") && $0.contains(".swift:") }
        accesses.append("\(what)\(frame.map { ": \(place(in: $0))" } ?? "")")
      }
      finding.history = accesses
      if !accesses.isEmpty { finding.message += ": " + accesses.joined(separator: "; ") }
      return finding
    }
  }

  /// `#0 function file:line:column (module)`, without the folders.
  private static func place(in frame: String) -> String {
    let words = frame.split(separator: " ")
    guard let place = words.first(where: { $0.contains(".swift:") }) else { return frame }
    return String(place.split(separator: "/").last ?? place)
  }
}

/// A file without a name, for a child's input or output: nothing to clean up, and no pipe that could fill.
private struct AnonymousFile {
  let handle: FileHandle

  init(_ name: String) throws {
    let descriptor = cthreads_shared_file(name, 0)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  func write(_ data: Data) throws {
    try handle.write(contentsOf: data)
    try handle.seek(toOffset: 0)
  }

  func read() -> Data {
    try? handle.seek(toOffset: 0)
    return (try? handle.readToEnd()) ?? Data()
  }
}

enum SignalName {
  static func of(_ signal: Int32) -> String {
    switch signal {
    case SIGILL: "SIGILL"
    case SIGTRAP: "SIGTRAP"
    case SIGABRT: "SIGABRT"
    case SIGBUS: "SIGBUS"
    case SIGFPE: "SIGFPE"
    case SIGSEGV: "SIGSEGV"
    case SIGKILL: "SIGKILL"
    case SIGTERM: "SIGTERM"
    default: "signal \(signal)"
    }
  }
}
