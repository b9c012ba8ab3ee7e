import AddonRace
import ArgumentParser
import Foundation

/// A bench's figures, those of each scenario on a line of their own, written as soon as they are there: what was measured
/// survives whatever comes.
final class BenchJournal {
  struct Head: Codable {
    static let format = "addonrace-bench-journal"
    static let version = 1

    var format = Self.format
    var version = Self.version
    var arguments: [String]
    var folder: String
    /// Figures of another machine, or of another build, compare with nothing.
    var machine: BenchMachine
  }

  private struct Entry: Codable {
    /// Of the scenario as it was resolved, and of what was measured.
    var key: String
    var outcome: BenchOutcome
  }

  private let file: JournalFile
  private var known: [String: BenchOutcome] = [:]

  /// Nil where none is kept.
  init?(_ options: JournalOptions) throws {
    guard !options.noJournal else { return nil }
    let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--resume" }
    let head = Head(
      arguments: Array(arguments), folder: FileManager.default.currentDirectoryPath, machine: .here)
    let earlier = try options.earlier { Self.latest(of: head) }
    if let earlier { known = try Self.read(earlier) }
    guard let file = try JournalFile(options, earlier: earlier, new: { JournalFolder.newFile("bench") }) else {
      return nil
    }
    self.file = file
    if let earlier {
      StandardError.print("note: going on from \(earlier), which has the figures of \(known.count) scenarios")
    } else {
      file.write(head)
    }
  }

  func outcome(_ key: String) -> BenchOutcome? { known[key] }
  func add(_ outcome: BenchOutcome, _ key: String) { file.write(Entry(key: key, outcome: outcome)) }
  func close() throws { try file.close() }

  /// The same from run to run.
  static func key(_ scenario: Scenario, _ file: String, _ axis: BenchAxis?) -> String {
    JournalKey(scenario, .stress, file: file + (axis.map { "\n\($0.rawValue)" } ?? "")).description
  }

  private static func lines(_ path: String) -> [Data.SubSequence] {
    ((try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()).split(separator: UInt8(ascii: "\n"))
  }

  private static func head(_ line: Data.SubSequence?) -> Head? {
    let head = line.flatMap { try? JSONDecoder().decode(Head.self, from: $0) }
    return head?.format == Head.format ? head : nil
  }

  /// Of the same command in the same folder.
  private static func latest(of head: Head) -> String? {
    JournalFolder.files("bench").last { file in
      let other = self.head(lines(file).first)
      return other?.arguments == head.arguments && other?.folder == head.folder
    }
  }

  private static func read(_ path: String) throws -> [String: BenchOutcome] {
    func unusable(_ why: String) -> ExitCode {
      StandardError.print("error: the journal \(path) \(why)\n    name another with --journal, or leave out --resume")
      return ExitCode(ExitStatus.invalid.code)
    }
    let lines = lines(path)
    guard let head = head(lines.first) else { throw unusable("is not one of a bench") }
    guard head.version == Head.version else {
      throw unusable("is of version \(head.version); this program knows version \(Head.version)")
    }
    guard head.machine == .here else { throw unusable("was measured on another machine, or with another build") }
    var known: [String: BenchOutcome] = [:]
    for (index, line) in lines.enumerated().dropFirst() {
      if let entry = try? JSONDecoder().decode(Entry.self, from: line) {
        known[entry.key] = entry.outcome
      } else if index < lines.count - 1 {
        StandardError.print("note: \(path): line \(index + 1) cannot be read; what it said is lost, the rest is used")
      }
    }
    return known
  }
}
