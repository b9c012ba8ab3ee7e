import AddonRace
import ArgumentParser
import Foundation

extension ExitCode {
  /// Output cannot be written: EX_CANTCREAT.
  static let unwritable = ExitCode(73)
}

/// How verdicts are shown, and where: what `run` and `explore` share.
struct ReportOptions: ParsableArguments {
  @Option(help: "How the verdicts are shown.")
  var format = ReportFormatName.allCases[0]
  @Option(name: .shortAndLong, help: ArgumentHelp("Write to this file instead.", valueName: "file"))
  var output: String?
  @Option(
    name: .customLong("report"), parsing: .singleValue,
    help: ArgumentHelp(
      "Write a report to this file too, in the format that its name ends in: \(ReportCatalog.extensions.joined(separator: ", ")). May be given more than once.",
      valueName: "file"))
  var reports: [String] = []
  @Option(
    help: ArgumentHelp(
      "A report in JSON: findings that are in it do not make the command fail, new ones do.", valueName: "file"))
  var baseline: String?
  @OptionGroup var journal: JournalOptions
  @Option(help: ArgumentHelp("What makes the exit status another than 0.", valueName: "what"))
  var failOn = FailOn.unexpected
  @Flag(help: "Tell every scenario in full, however many there are.")
  var verbose = false
  @Flag(help: "Print the tables of figures, however many scenarios there are.")
  var figures = false
  @Option(help: ArgumentHelp("Whether to print in colours. NO_COLOR is heeded too.", valueName: "when"))
  var colour = Colouring.auto
  @Flag(help: "Explain findings by an execution even where they were expected.")
  var explain = false

  /// As many scenarios as are told in full by themselves.
  static let mostInFull = 12

  func validate() throws { try Self.checkEndings(of: reports) }

  static func checkEndings(of reports: [String]) throws {
    for path in reports where ReportCatalog.format(ofFile: path) == nil {
      let ending = path.split(separator: ".").last.map(String.init) ?? ""
      throw ValidationError(
        "No format is known for '\(path)' by what its name ends in: \(Suggestion.remedy(for: ending, among: ReportCatalog.extensions))"
      )
    }
  }
}

extension ReportOptions {
  /// The exit status that a verdict asks for.
  func status(_ baseline: Baseline?) -> @Sendable (Verdict) -> ExitStatus {
    { [failOn] verdict in baseline?.knows(verdict) == true ? .asExpected : failOn.status(verdict) }
  }
}

extension ReportFormatName: ExpressibleByArgument {}

/// What makes a command fail.
enum FailOn: String, CaseIterable, ExpressibleByArgument {
  /// What a scenario does not expect.
  case unexpected
  /// Anything that was found, expected or not.
  case finding
  /// What could not be run to its end, or at all.
  case crash
  case never

  func status(_ verdict: Verdict) -> ExitStatus {
    let status = verdict.exitStatus
    switch self {
    case .unexpected: return status
    case .finding: return max(status, verdict.findings.isEmpty ? .asExpected : .notAsExpected)
    case .crash: return status >= .died ? status : .asExpected
    case .never: return .asExpected
    }
  }
}

enum Colouring: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never

  func isColoured(onTerminal isTerminal: Bool) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto:
      isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }
  }
}

/// The formats by name, for the command line.
struct ReportFormatName: RawRepresentable, CaseIterable {
  let rawValue: String
  static let allCases = ReportCatalog.all.map { ReportFormatName(name: $0.name) }
  private init(name: String) { rawValue = name }
  init?(rawValue: String) {
    guard ReportCatalog.all.contains(where: { $0.name == rawValue }) else { return nil }
    self.rawValue = rawValue
  }
  var format: any ReportFormat.Type { ReportCatalog.all.first { $0.name == rawValue } ?? ReportCatalog.all[0] }
}

enum Terminal {
  /// Columns, as the terminal or COLUMNS says.
  static func width(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? usualWidth
  }
  private static let usualWidth = 80

  /// Columns of standard output; nil where it is no terminal, and lines may have any length.
  static var outputWidth: Int? { isatty(STDOUT_FILENO) == 0 ? nil : width(STDOUT_FILENO) }
}

/// Where a report goes: standard output, or a file that is opened before anything runs, written beside its name, and given
/// that name once it is whole.
struct ReportSink {
  private let handle: FileHandle
  private let path: String?
  private let isBeside: Bool
  let isTerminal: Bool

  /// - Parameter streams: what is printed is to be seen at once, under the file's own name.
  init(_ path: String?, streams: Bool = false) throws {
    self.path = path
    guard let path else {
      handle = .standardOutput
      isTerminal = isatty(STDOUT_FILENO) != 0
      isBeside = false
      return
    }
    var state = stat()
    let exists = stat(path, &state) == 0
    // A device, a pipe: there is nothing to put in its place.
    isBeside = !streams && (!exists || state.st_mode & S_IFMT == S_IFREG)
    let descriptor =
      exists && state.st_mode & S_IFMT == S_IFDIR
      ? -1 : open(isBeside ? Self.beside(path) : path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Self.unwritable(path, exists && state.st_mode & S_IFMT == S_IFDIR ? EISDIR : errno)
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    isTerminal = false
  }

  /// At the end of what is there.
  init(appendingTo path: String) throws {
    self.path = path
    isBeside = false
    isTerminal = false
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.unwritable(path, errno) }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  private static func beside(_ path: String) -> String { path + ".part" }

  static func unwritable(_ path: String?, _ error: Int32) -> ExitCode {
    let why = String(cString: strerror(error))
    StandardError.print(
      path.map { "error: cannot write to \($0): \(why)\n    name another file" }
        ?? "error: cannot write to standard output: \(why)")
    return .unwritable
  }

  /// Columns that there are; nil where lines may have any length.
  var width: Int? { isTerminal ? Terminal.outputWidth : nil }

  func print(_ text: String) throws { try write(Data("\(text)\n".utf8)) }

  /// Prints a document as its pieces come, and ends its last line.
  func print(_ document: ((String) throws -> Void) throws -> Void) throws {
    var pieces = Data()
    var isEmpty = true
    try document { piece in
      isEmpty = false
      pieces.append(contentsOf: piece.utf8)
      guard pieces.count >= Self.mostBytesHeld else { return }
      try write(pieces)
      pieces.removeAll(keepingCapacity: true)
    }
    guard !isEmpty else { return }
    pieces.append(UInt8(ascii: "\n"))
    try write(pieces)
  }

  private static let mostBytesHeld = 1 << 16

  private func write(_ data: Data) throws {
    do {
      try handle.write(contentsOf: data)
    } catch {
      let why = errno
      discard()
      throw Self.unwritable(path, why)
    }
  }

  /// The file is whole: it takes its name.
  func close() throws {
    guard let path else { return }
    if isBeside, rename(Self.beside(path), path) != 0 {
      let why = errno
      discard()
      throw Self.unwritable(path, why)
    }
  }

  /// What is there of it goes: half a file is none.
  func discard() {
    if let path, isBeside { unlink(Self.beside(path)) }
  }
}

/// The reports of one invocation: the one that is shown, and each in a file of its own.
struct ReportSet {
  private var reports: [(format: any ReportFormat, sink: ReportSink)]

  /// - Parameter baseline: what it knows does not make the command fail.
  /// - Parameter showing: else none is shown, and there are those in files alone.
  init(_ options: ReportOptions, baseline: Baseline? = nil, showing: Bool = true) throws {
    let status = options.status(baseline)
    var reports: [(format: any ReportFormat, sink: ReportSink)] = []
    if showing {
      let shown = try ReportSink(options.output)
      reports.append(
        (
          options.format.format.init(
            ReportMedium(
              isColoured: options.colour.isColoured(onTerminal: shown.isTerminal),
              width: shown.width, explains: options.explain, status: status)),
          shown
        ))
    }
    do {
      // GitHub shows a page of Markdown beside a step.
      if options.format.format == GitHubReport.self,
        let summary = ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"], !summary.isEmpty
      {
        reports.append(
          (
            MarkdownReport(ReportMedium(explains: options.explain, status: status)),
            try ReportSink(appendingTo: summary)
          ))
      }
      for path in options.reports {
        guard let format = ReportCatalog.format(ofFile: path) else { continue }
        let sink = try ReportSink(path, streams: format == JSONLinesReport.self)
        reports.append((format.init(ReportMedium(explains: options.explain, status: status)), sink))
      }
    } catch {
      for report in reports { report.sink.discard() }
      throw error
    }
    self.reports = reports
  }

  /// None is shown: those in files alone.
  init(files: [String]) throws {
    reports = []
    do {
      for path in files {
        guard let format = ReportCatalog.format(ofFile: path) else { continue }
        let sink = try ReportSink(path, streams: format == JSONLinesReport.self)
        reports.append((format.init(ReportMedium()), sink))
      }
    } catch {
      discard()
      throw error
    }
  }

  /// So many scenarios are to be shown.
  mutating func expect(_ scenarios: Int, _ options: ReportOptions) {
    if options.verbose || scenarios <= ReportOptions.mostInFull { return }
    for index in reports.indices { reports[index].format = reports[index].format.briefly(withFigures: options.figures) }
  }

  /// The verdicts of one scenario.
  func show(_ verdicts: [Verdict]) throws { try show(scenarios: [verdicts]) }

  /// The same of many, which are there all at once.
  func show(scenarios: [[Verdict]]) throws {
    try discardingOnFailure { format, sink in
      try scenarios.madeInOrder {
        format.scenario($0)
      } use: { text in
        if let text { try sink.print(text) }
      }
    }
  }

  func end(_ verdicts: [Verdict]) throws {
    try discardingOnFailure { format, sink in try sink.print { try format.end(verdicts, $0) } }
    for report in reports { try report.sink.close() }
  }

  /// Nothing was run.
  func discard() { for report in reports { report.sink.discard() } }

  private func discardingOnFailure(_ print: (any ReportFormat, ReportSink) throws -> Void) throws {
    do {
      for report in reports { try print(report.format, report.sink) }
    } catch {
      discard()
      throw error
    }
  }
}
