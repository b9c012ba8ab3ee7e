import AddonRace
import ArgumentParser
import Foundation

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Puts journals of one command's shards together, and reports as one run would.",
    discussion: """
      Journals may be named in any order and more than once: each verdict counts once. What no journal has is named, and \
      the exit status is then 2 at least. The order of the report is the command's.
      """)

  @Argument(help: "Journals, as `--journal` wrote them.", completion: .file(extensions: ["jsonl"]))
  var paths: [String]
  @OptionGroup var report: ReportOptions

  func run() throws {
    let journals = try paths.map { (path: $0, reading: try Journal.read($0)) }
    guard let first = journals.first?.reading.head else { return }
    for (path, reading) in journals where reading.head.command != first.command {
      StandardError.print(
        "error: \(path) is of another command than \(journals[0].path)\n    merge what `addonrace \(first.command.words.joined(separator: " "))` wrote"
      )
      throw ExitCode(ExitStatus.invalid.code)
    }
    let merged = try MergedJournals(journals.map(\.reading))
    var reports = try ReportSet(report)
    reports.expect(Set(merged.verdicts.map { ($0.file ?? "") + $0.scenario.name }).count, report)
    try reports.show(scenarios: grouped(merged.verdicts))
    try reports.end(merged.verdicts)
    if let missing = merged.missing { StandardError.print(missing) }
    let status = merged.verdicts.map(report.failOn.status).max() ?? .asExpected
    throw ExitCode(max(status, merged.missing == nil ? .asExpected : .undecided).code)
  }

  private func grouped(_ verdicts: [Verdict]) -> [[Verdict]] {
    var groups: [[Verdict]] = []
    for verdict in verdicts {
      if let last = groups.last?.last, last.file == verdict.file, last.scenario.name == verdict.scenario.name {
        groups[groups.count - 1].append(verdict)
      } else {
        groups.append([verdict])
      }
    }
    return groups
  }
}

/// What the journals of one command's shards, and of the parts of its explorations, come to together.
struct MergedJournals {
  /// In the order of the command.
  let verdicts: [Verdict]
  /// What no journal has; nil where nothing is missing.
  let missing: String?

  init(_ journals: [JournalReading]) throws {
    var entries: [String: JournalEntry] = [:]
    var parts: [String: [JournalEntry]] = [:]
    for entry in journals.flatMap(\.entries) {
      if entry.record.exploration?.part != nil {
        parts[entry.key, default: []].append(entry)
        continue
      }
      // A verdict that was interrupted gives way to one that was not.
      if let other = entries[entry.key], other.record.end != .engine(.interrupted) { continue }
      entries[entry.key] = entry
    }
    for (key, ofParts) in parts { entries[key] = try Self.sum(ofParts) }
    let harness = AddonRaceCommand.harness
    let planned = journals.first?.head.keys ?? []
    verdicts = planned.compactMap { entries[$0] }.map(harness.verdict)
    let missing = planned.count { entries[$0] == nil }
    self.missing = missing == 0 ? nil : Self.text(missing: missing, of: planned.count, journals.map(\.head))
  }

  /// Of journals of several commands, for each.
  static func byCommand(_ paths: [String]) throws -> [MergedJournals] {
    var order: [JournalHead.Command] = []
    var groups: [JournalHead.Command: [JournalReading]] = [:]
    for reading in try paths.map({ try Journal.read($0) }) {
      let command = reading.head.command
      if groups[command] == nil { order.append(command) }
      groups[command, default: []].append(reading)
    }
    return try order.compactMap { groups[$0] }.map { try MergedJournals($0) }
  }

  /// One exploration's parts, as one verdict.
  private static func sum(_ parts: [JournalEntry]) throws -> JournalEntry {
    guard var entry = parts.first, let sum = RunRecord.sum(of: parts.map(\.record)) else {
      StandardError.print(
        "error: the parts of \(parts[0].scenario.name) were cut in different ways, or their searches began again at different places\n    merge journals of one frontier, all of them with the same n in --shard k/n; or explore it as a whole"
      )
      throw ExitCode(ExitStatus.invalid.code)
    }
    entry.record = sum.record
    entry.scenario.explore.part = nil
    return entry
  }

  private static func text(missing: Int, of planned: Int, _ heads: [JournalHead]) -> String {
    var text = "note: \(missing) of \(planned) verdicts are missing"
    let shards = heads.compactMap { $0.shard.flatMap(Shard.init(argument:)) }
    if let count = shards.first?.count {
      let absent = (1...count).filter { number in !shards.contains { $0.number == number } }
      if !absent.isEmpty {
        text += "; no journal is of shard " + absent.map { "\($0)/\(count)" }.joined(separator: ", ")
      }
    }
    return text
  }
}

extension JournalHead {
  /// What the command was told, but for what differs from shard to shard.
  private var whole: [String] {
    var words: [String] = []
    var skips = false
    for word in arguments {
      if skips {
        skips = false
      } else if ["--shard", "--journal", "--jobs", "--report", "-o", "--output"].contains(word) {
        skips = true
      } else if !["--shard=", "--journal=", "--jobs=", "--report=", "--output="].contains(where: word.hasPrefix) {
        words.append(word)
      }
    }
    return words
  }

  /// What journals of one command's shards have in common.
  struct Command: Hashable {
    let words: [String]
    let keys: [String]?
  }
  var command: Command { Command(words: whole, keys: keys) }
}
