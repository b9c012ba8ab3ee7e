import AddonRace
import ArgumentParser
import Foundation

/// Where verdicts are kept as they come.
struct JournalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Append each verdict, or of a bench each scenario's figures, to this file as soon as it is there. By default to a new file in the user's state folder.",
      valueName: "file"))
  var journal: String?
  @Flag(help: "Keep no journal.")
  var noJournal = false
  @Flag(
    help: """
      Go on where the same command stopped: what is in its journal is not made again. The journal is --journal's, or else \
      the latest of this command.
      """)
  var resume = false

  func validate() throws {
    if noJournal, journal != nil || resume {
      throw ValidationError("--no-journal goes with no other option of a journal.")
    }
  }
}

extension JournalOptions {
  /// The journal to go on from; nil where a new one begins.
  func earlier(_ latest: () -> String?) throws -> String? {
    guard resume else { return nil }
    guard let earlier = journal ?? latest(), FileManager.default.fileExists(atPath: earlier) else {
      StandardError.print(
        "error: there is no journal of this command\n    leave out --resume, or name one with --journal")
      throw ExitCode(ExitStatus.invalid.code)
    }
    return earlier
  }
}

/// A file of lines, each written as a whole.
final class JournalFile: @unchecked Sendable {
  private let lock = NSLock()
  private let path: String
  private let handle: FileHandle
  /// Where it is the user who named it, what cannot be written is an error.
  private let isWanted: Bool
  private var hasFailed = false

  /// Nil where nobody asked for it, and it cannot be written.
  init?(_ options: JournalOptions, earlier: String?, new: () -> String) throws {
    isWanted = options.journal != nil || options.resume
    path = earlier ?? options.journal ?? new()
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (earlier == nil ? O_TRUNC : 0), 0o644)
    guard file >= 0 else {
      if isWanted { throw ReportSink.unwritable(path, errno) }
      return nil
    }
    handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    // A last line that was cut short ends here.
    if earlier != nil { append(Data("\n".utf8)) }
  }

  func write(_ value: some Encodable) {
    guard var data = try? JSONEncoder().encode(value) else { return }
    data.append(UInt8(ascii: "\n"))
    append(data)
  }

  /// Whole lines, with the bytes that end them.
  func append(_ data: Data) {
    lock.withLock {
      guard !hasFailed else { return }
      do {
        try handle.write(contentsOf: data)
      } catch {
        hasFailed = true
        StandardError.print(
          "\(isWanted ? "error" : "note"): cannot write to the journal \(path): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Throws where the user wanted a journal and it is not whole.
  func close() throws {
    if isWanted, lock.withLock({ hasFailed }) { throw ExitCode.unwritable }
  }
}

/// Each verdict on a line of its own, written as soon as it is there: what was finished survives whatever comes.
final class Journal: @unchecked Sendable {
  private let file: JournalFile
  /// Verdicts of an earlier run of the same command.
  private let known: [String: JournalEntry]

  /// Nil where none is kept.
  init?(_ options: JournalOptions, _ shard: Shard?, _ keys: [JournalKey]) throws {
    guard !options.noJournal else { return nil }
    let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--resume" }
    let head = JournalHead(arguments: Array(arguments), shard: shard?.description, keys: keys)
    var known: [String: JournalEntry] = [:]
    let earlier = try options.earlier { JournalFolder.latest(of: head) }
    if let earlier {
      for entry in try Self.read(earlier, remedy: "name another with --journal, or leave out --resume").entries {
        known[entry.key] = entry
      }
      StandardError.print("note: going on from \(earlier), which has \(known.count) verdicts")
    }
    self.known = known
    guard let file = try JournalFile(options, earlier: earlier, new: { JournalFolder.newFile() }) else { return nil }
    self.file = file
    if earlier == nil { file.write(head) }
  }

  /// The verdict that the earlier run came to, unless it was interrupted.
  func verdict(_ key: JournalKey, _ harness: Harness) -> Verdict? {
    guard let entry = known[key.description] else { return nil }
    let verdict = harness.verdict(entry)
    return verdict.outcome == .interrupted ? nil : verdict
  }

  func add(_ verdict: Verdict, _ key: JournalKey, _ encoded: EncodedScenario) {
    file.append(JournalEntry(verdict, key: key).line(encoded))
  }

  /// Throws where the user wanted a journal and it is not whole.
  func close() throws { try file.close() }

  /// `remedy` is for a user whose journal cannot be used.
  static func read(_ path: String, remedy: String = "name another journal") throws -> JournalReading {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
      StandardError.print("error: the journal \(path) cannot be read\n    \(remedy)")
      throw ExitCode(ExitStatus.invalid.code)
    }
    do throws(JournalReading.Invalid) {
      let reading = try JournalReading(data, path: path)
      if !reading.torn.isEmpty {
        StandardError.print(
          "note: \(path): line \(reading.torn.map(String.init).joined(separator: ", ")) cannot be read; what it said is lost, the rest is used"
        )
      }
      return reading
    } catch {
      StandardError.print("error: \(error)\n    \(remedy)")
      throw ExitCode(ExitStatus.invalid.code)
    }
  }
}

/// The user's folder of journals, of which the latest are kept.
enum JournalFolder {
  private static let kept = 50

  static var path: String {
    let environment = ProcessInfo.processInfo.environment
    let state = environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return (state ?? NSHomeDirectory() + "/.local/state") + "/addonrace"
  }

  /// All of verdicts, the latest last.
  static var files: [String] { files("journal") }

  static func files(_ kind: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasPrefix(kind + "-") && $0.hasSuffix(".jsonl") }.sorted().map { "\(path)/\($0)" }
  }

  /// The name of a new one; the oldest of its kind goes.
  static func newFile(_ kind: String = "journal") -> String {
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for old in files(kind).dropLast(kept - 1) { try? FileManager.default.removeItem(atPath: old) }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "UTC")
    format.dateFormat = "yyyyMMdd-HHmmss"
    return "\(path)/\(kind)-\(format.string(from: Date()))-\(getpid()).jsonl"
  }

  /// Of the same command in the same folder.
  static func latest(of head: JournalHead) -> String? {
    files.last { file in
      guard let other = JournalReading.head(file) else { return false }
      return other.arguments == head.arguments && other.folder == head.folder
    }
  }
}
