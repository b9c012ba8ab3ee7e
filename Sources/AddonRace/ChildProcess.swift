import BenchModel
import CThreads
import Foundation
import RaceModel

/// What a child is to do.
enum Job: Codable {
  /// Answered with `RunEvent`s.
  case run(Scenario, EngineKind, explains: Bool)
  /// Answered with a counterexample, if there is one.
  case explain(Scenario, RunRecord)
  /// Answered with `Measured`.
  case measure(Scenario, along: BenchAxis?)
}

/// This program again, as a process of its own with one job.
///
/// It gets the job and gives its answer through anonymous files, dies with its parent, and keeps a shared page up to date.
struct ChildProcess {
  /// How a child ended.
  enum End { case byItself, killed }

  let page: SharedPage
  private let process = Process()
  private let input: AnonymousFile
  private let output: AnonymousFile
  private let errors: AnonymousFile

  init(_ job: Job, environment: [String: String] = [:]) throws {
    guard let page = SharedPage.make() else { throw CocoaError(.fileWriteUnknown) }
    self.page = page
    input = try AnonymousFile("job")
    output = try AnonymousFile("answer")
    errors = try AnonymousFile("messages")
    try input.write(JSONEncoder().encode(job))
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [Children.subcommand, "--page", page.path, "--parent", "\(getpid())"]
    process.environment = ProcessInfo.processInfo.environment
      .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
    process.standardInput = input.handle
    process.standardOutput = output.handle
    process.standardError = errors.handle
  }

  /// Starts it and waits for its end; passes an interrupt on. `meanwhile` is called every 5 ms, and the child is killed once it
  /// answers false.
  func run(meanwhile: () -> Bool) throws -> End {
    try process.run()
    var forwarded = false
    while process.isRunning {
      usleep(5_000)
      if cthreads_interrupted() != 0, !forwarded {
        forwarded = true
        process.interrupt()
      }
      if !meanwhile() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return .killed
      }
    }
    return .byItself
  }

  /// What it said, a line each. A line that it could not finish is left out.
  func answers<Answer: Decodable>(_ type: Answer.Type) -> [Answer] {
    let decoder = JSONDecoder()
    return output.read().split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(Answer.self, from: $0) }
  }

  /// Of a child that ended by itself without an answer.
  var causeOfDeath: String {
    process.terminationReason == .uncaughtSignal
      ? "signal \(process.terminationStatus) (\(SignalName.of(process.terminationStatus)))"
      : "exit status \(process.terminationStatus)"
  }

  /// What it said of it, in one line.
  var lastWords: String? {
    let said = String(decoding: errors.read(), as: UTF8.self).split(separator: "\n").filter { !$0.isEmpty }
    let last = said.first { $0.contains("Fatal error") || $0.contains("ERROR: ") } ?? said.first
    return last.map(String.init)
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
