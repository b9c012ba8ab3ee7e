import Dispatch
import Foundation
import Machine
import RaceModel
import Reports

/// The head of a journal: its first line.
public struct JournalHead: Codable, Equatable, Sendable {
  public static let format = "addonrace-journal"
  public static let version = 2

  public var format = Self.format
  public var version = Self.version
  /// Of the program that writes it.
  public var program: String
  /// What the command was told, and in which folder.
  public var arguments: [String]
  public var folder: String
  public var machine: String
  public var processors: Int
  /// Of the git repository around the folder; nil where there is none.
  public var revision: String?
  /// Seconds since 1970.
  public var started: Double
  /// The part of the command's verdicts that is to be here, as "2/4"; nil where that is all.
  public var shard: String?
  /// Of all verdicts that the command is to come to, in its order, in all its shards.
  public var keys: [String]?

  public init(arguments: [String], shard: String? = nil, keys: [JournalKey] = []) {
    self.shard = shard
    self.keys = keys.map(\.description)
    program = Product.version
    self.arguments = arguments
    folder = FileManager.default.currentDirectoryPath
    revision = GitRevision.around(folder)
    machine = ProcessInfo.processInfo.hostName
    processors = ProcessInfo.processInfo.activeProcessorCount
    started = Date().timeIntervalSince1970
  }
}

extension JournalHead {
  /// The run's name: of its beginning, so that a journal keeps it however long it grows.
  public var id: String {
    var hash = StableHash()
    for part in arguments + [folder, machine, program, "\(started)", shard ?? ""] { hash.add(part) }
    return hash.digits
  }
}

/// The commit that a folder's repository is at, from its files.
enum GitRevision {
  static func around(_ folder: String) -> String? {
    var folder = URL(fileURLWithPath: folder)
    while folder.path != "/" {
      let git = folder.appendingPathComponent(".git")
      if let head = text(git.appendingPathComponent("HEAD")) {
        guard head.hasPrefix("ref: ") else { return head }
        let reference = String(head.dropFirst(5))
        if let commit = text(git.appendingPathComponent(reference)) { return commit }
        let packed = text(git.appendingPathComponent("packed-refs"))?.split(separator: "\n") ?? []
        return packed.first { $0.hasSuffix(" " + reference) }.map { String($0.prefix { $0 != " " }) }
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  private static func text(_ file: URL) -> String? {
    (try? String(contentsOf: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// One verdict of a journal, with all that it was concluded from: a line each.
public struct JournalEntry: Codable, Sendable {
  /// Of what was run: see ``JournalKey``.
  public var key: String
  /// Seconds since 1970.
  public var ended: Double
  public var scenario: Scenario
  public var file: String?
  public var command: String
  public var record: RunRecord
  /// Of a scenario that cannot be run.
  public var reasons: [String]?

  public init(_ verdict: Verdict, key: JournalKey) {
    self.key = key.description
    ended = Date().timeIntervalSince1970
    scenario = verdict.scenario
    file = verdict.file
    command = verdict.command
    record = verdict.record
    reasons = verdict.outcome == .invalid ? verdict.notes : nil
  }

  /// As a journal has it; nothing where it cannot be written down. `encoded` saves making the scenario's JSON again where it is
  /// the entry's.
  public func line(_ encoded: EncodedScenario) -> Data {
    struct AllButScenario: Encodable {
      let key: String, ended: Double, file: String?, command: String, record: RunRecord, reasons: [String]?
    }
    let rest = AllButScenario(
      key: key, ended: ended, file: file, command: command, record: record, reasons: reasons)
    let encoded = encoded.scenario == scenario ? encoded : EncodedScenario(scenario)
    guard var line = try? JSONEncoder().encode(rest) else { return Data() }
    // The scenario is one more value of the same object.
    line.removeLast()
    line += Data(#","scenario":"#.utf8) + encoded.json + Data("}\n".utf8)
    return line
  }
}

/// A scenario and its JSON, which is made once for all engines that it is run in.
public struct EncodedScenario: Sendable {
  public let scenario: Scenario
  let json: Data

  public init(_ scenario: Scenario) {
    self.scenario = scenario
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    json = (try? encoder.encode(scenario)) ?? Data("null".utf8)
  }
}

/// What was run: a scenario as it was resolved, in an engine. The same from run to run.
public struct JournalKey: Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ scenario: Scenario, _ engine: EngineKind, file: String?) {
    self.init(EncodedScenario(scenario), engine, file: file)
  }

  /// Of a scenario in one engine. `file` is where it came from; two files may hold the same scenario.
  public init(_ scenario: EncodedScenario, _ engine: EngineKind, file: String?) {
    var hash = StableHash()
    hash.add(scenario.json)
    hash.add(engine.model?.rawValue ?? engine.name)
    hash.add(BuildKind.current.rawValue)
    hash.add(file ?? "")
    description = hash.digits
  }
}

extension Harness {
  /// The verdict that an entry of a journal is of.
  public func verdict(_ entry: JournalEntry) -> Verdict {
    if let reasons = entry.reasons {
      return Verdict(
        invalid: entry.scenario, entry.record.engine, reasons: reasons, file: entry.file, command: entry.command)
    }
    return verdict(entry.record, of: entry.scenario, file: entry.file, command: entry.command)
  }
}

/// A journal that was read, as far as it goes.
public struct JournalReading: Sendable {
  /// Why a file is no journal that can be used.
  public struct Invalid: Error, CustomStringConvertible {
    public let description: String
  }

  public let head: JournalHead
  public private(set) var entries: [JournalEntry] = []
  /// Lines, from 1, that cannot be read though others come after them. (The last may have been cut short.)
  public private(set) var torn: [Int] = []
  /// Whether the last line was cut short.
  public private(set) var isCutShort = false

  /// The head alone of a journal of this version; nil where there is none.
  public static func head(_ path: String) -> JournalHead? {
    guard let handle = FileHandle(forReadingAtPath: path), let start = try? handle.read(upToCount: mostBytesOfHead),
      let line = start.split(separator: UInt8(ascii: "\n")).first
    else { return nil }
    let head = try? JSONDecoder().decode(JournalHead.self, from: line)
    return head?.format == JournalHead.format && head?.version == JournalHead.version ? head : nil
  }

  private static let mostBytesOfHead = 1 << 22

  public init(_ data: Data, path: String) throws(Invalid) {
    struct Format: Decodable { let format: String, version: Int }
    let lines = Self.lines(data)
    let decoder = JSONDecoder()
    guard let first = lines.first, let format = try? decoder.decode(Format.self, from: first),
      format.format == JournalHead.format
    else { throw Invalid(description: "\(path) is not a journal of \(Product.name)") }
    guard format.version == JournalHead.version, let head = try? decoder.decode(JournalHead.self, from: first) else {
      throw Invalid(
        description:
          "\(path) is a journal of version \(format.version); this program knows version \(JournalHead.version)")
    }
    self.head = head
    let decoded = Self.entries(lines)
    entries.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      if let entry = decoded[index] {
        entries.append(entry)
      } else if index == lines.count - 1 {
        isCutShort = true
      } else {
        torn.append(index + 1)
      }
    }
  }

  /// What each line but the first says, read by all processors side by side; nil where it is no entry.
  private static func entries(_ lines: [Data]) -> [JournalEntry?] {
    let linesAtOnce = 64
    return [JournalEntry?](unsafeUninitializedCapacity: lines.count) { entries, count in
      entries.initialize(repeating: nil)
      nonisolated(unsafe) let entries = entries
      DispatchQueue.concurrentPerform(iterations: (lines.count + linesAtOnce - 1) / linesAtOnce) { part in
        let decoder = JSONDecoder()
        for index in max(1, part * linesAtOnce)..<min(lines.count, (part + 1) * linesAtOnce) {
          entries[index] = try? decoder.decode(JournalEntry.self, from: lines[index])
        }
      }
      count = lines.count
    }
  }

  /// Without the bytes that end them. What follows the last of those is a line too, if an empty one.
  private static func lines(_ data: Data) -> [Data] {
    var lines: [Data] = []
    var start = 0
    data.withUnsafeBytes { bytes in
      guard let first = bytes.baseAddress else { return }
      while let end = memchr(first + start, Int32(UInt8(ascii: "\n")), bytes.count - start) {
        lines.append(data.dropFirst(start).prefix(UnsafeRawPointer(end) - (first + start)))
        start = UnsafeRawPointer(end) - first + 1
      }
    }
    return lines + [data.dropFirst(start)]
  }
}
