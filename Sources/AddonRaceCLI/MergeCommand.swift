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
    for (path, reading) in journals where !reading.head.isOfSameCommand(as: first) {
      StandardError.print(
        "error: \(path) is of another command than \(journals[0].path)\n    merge what `addonrace \(first.whole.joined(separator: " "))` wrote"
      )
      throw ExitCode(ExitStatus.invalid.code)
    }
    var entries: [String: JournalEntry] = [:]
    for entry in journals.flatMap(\.reading.entries) {
      // A verdict that was interrupted gives way to one that was not.
      if let other = entries[entry.key], other.record.end != .engine(.interrupted) { continue }
      entries[entry.key] = entry
    }
    let harness = AddonRaceCommand.harness
    let planned = first.keys ?? []
    let verdicts = planned.compactMap { entries[$0] }.map(harness.verdict)
    let missing = planned.count { entries[$0] == nil }
    var reports = try ReportSet(report)
    reports.expect(Set(verdicts.map { ($0.file ?? "") + $0.scenario.name }).count, report)
    for ofScenario in grouped(verdicts) { try reports.show(ofScenario) }
    try reports.end(verdicts)
    if missing > 0 { StandardError.print(text(missing: missing, of: planned.count, journals.map(\.reading.head))) }
    let status = verdicts.map(report.failOn.status).max() ?? .asExpected
    throw ExitCode(max(status, missing > 0 ? .undecided : .asExpected).code)
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

  private func text(missing: Int, of planned: Int, _ heads: [JournalHead]) -> String {
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
  fileprivate var whole: [String] {
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

  fileprivate func isOfSameCommand(as other: JournalHead) -> Bool { whole == other.whole && keys == other.keys }
}
