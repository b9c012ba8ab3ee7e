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
  @Flag(help: "Explain findings by an execution even where they were expected.")
  var explain = false
}

extension ReportFormatName: ExpressibleByArgument {}

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
      StandardError.print("error: cannot write to \(path): \(why)\n    name another file")
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
