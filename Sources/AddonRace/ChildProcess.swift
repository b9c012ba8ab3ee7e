import BenchModel
import CThreads
import Foundation
import Machine
import RaceModel

/// What a child is to do with a scenario.
struct Job {
  let task: Task
  let scenario: Scenario

  enum Task: Codable {
    /// Answered with `RunEvent`s.
    case run(EngineKind, explains: Bool)
    /// Answered with a counterexample, if there is one.
    case explain(RunRecord)
    /// Answered with `Measured`.
    case measure(along: BenchAxis?)
  }

  init(_ task: Task, _ scenario: Scenario) {
    self.task = task
    self.scenario = scenario
  }

  /// Where it is done.
  enum Place {
    /// In a process that does the next job too.
    case kept
    /// In a copy of such a process, which begins at once.
    case copy
    /// In a process of its own.
    case own
  }

  /// What is explored here without code from elsewhere leaves the process as it was; a race leaves racers, a heap and what
  /// a sanitizer saw. A sanitizer does not follow a process into its copy, or looks around at a process's end; and what is
  /// measured is to lie at other addresses every time.
  var place: Place {
    let isolated: Place = BuildKind.current == .plain ? .copy : .own
    switch task {
    case .run(let engine, _): return engine != .stress && scenario.code == nil ? .kept : isolated
    case .explain: return scenario.code == nil ? .kept : isolated
    case .measure: return .own
    }
  }
}

/// A job as it goes to the child. Without a scenario it is of the one that came last.
private struct JobMessage: Codable {
  let scenario: Scenario?
  let task: Job.Task
}

/// This program again, as a process of its own that does one job after the other.
///
/// Jobs and answers go through anonymous files, where nothing fills up and nothing is left behind; words of a shared page
/// say how many there are. The child dies with its parent.
final class ChildProcess {
  /// How a job ended.
  enum End { case done, died, killed }

  let page: SharedPage
  private let process = Process()
  private let input: AnonymousFile
  private let output: AnonymousFile
  private let errors: AnonymousFile
  /// What was there before the job at hand, in bytes.
  private var answersBefore = 0
  private var wordsBefore = 0
  private var lastScenario: Scenario?

  init(environment: [String: String] = [:], pool: WorkerPool? = nil) throws {
    guard let page = SharedPage.make() else { throw CocoaError(.fileWriteUnknown) }
    self.page = page
    input = try AnonymousFile("jobs")
    output = try AnonymousFile("answers")
    errors = try AnonymousFile("messages")
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [Children.subcommand, "--page", page.path, "--parent", "\(getpid())"] + (pool?.arguments ?? [])
    process.environment = ProcessInfo.processInfo.environment
      .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
    process.standardInput = input.handle
    process.standardOutput = output.handle
    process.standardError = errors.handle
    try process.run()
  }

  deinit {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  var isAlive: Bool { process.isRunning }

  /// Gives it a job and waits for the end of that, or of the process where it is the last; passes an interrupt on.
  /// `meanwhile` is called every 5 ms or more often, and the child is killed once it answers false.
  func perform(_ job: Job, meanwhile: () -> Bool) throws -> End {
    for word in [SharedPage.Word.phase, .rounds, .populations, .collisions, .executions, .estimate, .statusOfCopy] {
      page[word] = 0
    }
    let isLast = job.place == .own
    answersBefore = output.size
    wordsBefore = errors.size
    let message = JobMessage(scenario: job.scenario == lastScenario ? nil : job.scenario, task: job.task)
    input.append(try JSONEncoder().encode(message) + [UInt8(ascii: "\n")])
    lastScenario = job.scenario
    page[.jobs] += 1
    page.wake(.jobs)
    var interrupted: Double?
    while isLast ? process.isRunning : page[.jobsDone] < page[.jobs] {
      if !process.isRunning { break }
      page.wait(.jobsDone, milliseconds: 5)
      if cthreads_interrupted() != 0, interrupted == nil {
        interrupted = MonotonicClock.now()
        process.interrupt()
      }
      let isLate = interrupted.map { MonotonicClock.now() - $0 > Self.secondsToEnd } ?? false
      if isLate || !meanwhile() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return .killed
      }
    }
    return page[.jobsDone] == page[.jobs] && page[.statusOfCopy] == 0 ? .done : .died
  }

  /// Seconds that a child has to come to an end once it was interrupted.
  private static let secondsToEnd = 0.9

  /// What it said to the job, a line each. A line that it could not finish is left out.
  func answers<Answer: Decodable>(_ type: Answer.Type) -> [Answer] {
    let decoder = JSONDecoder()
    return output.read(from: answersBefore).split(separator: UInt8(ascii: "\n")).compactMap {
      try? decoder.decode(Answer.self, from: $0)
    }
  }

  /// Of a child that died of its job.
  var causeOfDeath: String {
    if let copy = WaitStatus(page[.statusOfCopy]) { return copy.words }
    process.waitUntilExit()
    let status = process.terminationStatus
    return (process.terminationReason == .uncaughtSignal ? WaitStatus.signal(status) : .exit(status)).words
  }

  /// What it said of it, in one line.
  var lastWords: String? {
    let said = String(decoding: errors.read(from: wordsBefore), as: UTF8.self).split(separator: "\n")
      .filter { !$0.isEmpty }
    let last = said.first { $0.contains("Fatal error") || $0.contains("ERROR: ") } ?? said.first
    return last.map(String.init)
  }
}

/// The jobs of a child, as it sees them: one after the other, until its parent dies or kills it.
struct JobQueue {
  private let page: SharedPage
  private let input = AnonymousFile(.standardInput)
  private var read = 0
  private var lastScenario: Scenario?

  init(_ page: SharedPage) { self.page = page }

  /// Waits for the next. Nil where that cannot be read.
  mutating func next() -> Job? {
    while page[.jobs] == page[.jobsDone] { page.wait(.jobs, milliseconds: 1000) }
    let line = input.read(from: read).prefix { $0 != UInt8(ascii: "\n") }
    read += line.count + 1
    guard let message = try? JSONDecoder().decode(JobMessage.self, from: line),
      let scenario = message.scenario ?? lastScenario
    else { return nil }
    lastScenario = scenario
    return Job(message.task, scenario)
  }

  /// All was said to it that there is to say.
  func finish() {
    page[.jobsDone] += 1
    page.wake(.jobsDone)
  }
}

/// A file without a name, which two processes read and write: nothing to clean up, and no pipe that could fill.
private struct AnonymousFile {
  let handle: FileHandle

  init(_ name: String) throws {
    let descriptor = cthreads_shared_file(name, 0)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  init(_ handle: FileHandle) { self.handle = handle }

  var size: Int {
    var state = stat()
    return fstat(handle.fileDescriptor, &state) == 0 ? Int(state.st_size) : 0
  }

  func append(_ data: Data) {
    let start = size
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pwrite(
          handle.fileDescriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(start + done))
        if count <= 0 { return }
        done += count
      }
    }
  }

  /// The file's position, which both processes share, is left alone.
  func read(from start: Int) -> Data {
    var data = Data(count: max(0, size - start))
    let count = data.withUnsafeMutableBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pread(
          handle.fileDescriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(start + done))
        if count <= 0 { break }
        done += count
      }
      return done
    }
    return data.prefix(count)
  }
}

/// How a process ended.
enum WaitStatus {
  case signal(Int32)
  case exit(Int32)

  /// As wait(2) gives it; nil for an end without a complaint.
  init?(_ status: UInt64) {
    guard status != 0 else { return nil }
    let signal = Int32(status & 0x7f)
    self = signal == 0 ? .exit(Int32(status >> 8 & 0xff)) : .signal(signal)
  }

  var words: String {
    switch self {
    case .signal(let number): "signal \(number) (\(SignalName.of(number)))"
    case .exit(let status): "exit status \(status)"
    }
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
