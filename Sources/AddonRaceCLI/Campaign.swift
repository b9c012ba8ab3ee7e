import AddonRace
import Foundation
import Yams

/// Much work in many jobs, as a file says: explorations in shards, parts of one exploration, races over seeds.
///
///     name: weekend
///     jobs:
///       - explore: [scenarios/sites, --memory-model, "c11,kernel"]
///         shards: 4
///       - from: frontier.json
///         shards: 16
///       - run: [scenarios/faults, --time, "30"]
///         seeds: 1-20
struct Campaign: Decodable {
  /// What is wrong with a file.
  struct Invalid: Error { let message: String, remedy: String }

  /// One command, or several that differ by the shard or the seed.
  struct Entry: Decodable {
    var explore: [String]?
    var run: [String]?
    var from: String?
    var shards: Int?
    var seeds: String?

    private enum Key: String, CodingKey, CaseIterable { case explore, run, from, shards, seeds }

    init(from decoder: any Decoder) throws {
      try Campaign.checkKeys(decoder, Key.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: Key.self)
      explore = try values.decodeIfPresent([String].self, forKey: .explore)
      run = try values.decodeIfPresent([String].self, forKey: .run)
      from = try values.decodeIfPresent(String.self, forKey: .from)
      shards = try values.decodeIfPresent(Int.self, forKey: .shards)
      seeds = try values.decodeIfPresent(String.self, forKey: .seeds)
    }
  }

  /// One job: a command with a journal of its own.
  struct Job {
    /// From 1, as "2-7": the seventh of the file's second entry.
    let name: String
    /// Without the program.
    let words: [String]
    let shard: Shard?
    let journal: String

    var command: [String] { words + ["--journal", journal] }
  }

  var name: String
  var jobs: [Entry]

  private enum Key: String, CodingKey, CaseIterable { case name, jobs }

  init(from decoder: any Decoder) throws {
    try Self.checkKeys(decoder, Key.allCases.map(\.rawValue))
    let values = try decoder.container(keyedBy: Key.self)
    name = try values.decode(String.self, forKey: .name)
    jobs = try values.decode([Entry].self, forKey: .jobs)
  }

  init(path: String) throws(Invalid) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Invalid(message: "\(path): no such file, or no text", remedy: "name a campaign file")
    }
    do {
      self = try YAMLDecoder().decode(Campaign.self, from: text)
    } catch DecodingError.dataCorrupted(let context) {
      let error = context.underlyingError as? Invalid
      let yaml = context.underlyingError.map { "\($0)" } ?? context.debugDescription
      throw Invalid(message: "\(path): \(error?.message ?? yaml)", remedy: error?.remedy ?? "write it in YAML")
    } catch DecodingError.keyNotFound(let key, let context) {
      throw Invalid(
        message: "\(path): \(Self.place(context.codingPath))'\(key.stringValue)' is missing",
        remedy: "a campaign has name: and jobs:")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw Invalid(
        message: "\(path): \(Self.place(context.codingPath))what is there is of another kind than it has to be",
        remedy: "explore: and run: are lists of words, shards: is a number, seeds: is 1-20")
    } catch {
      throw Invalid(message: "\(path): \(error)", remedy: "write it in YAML")
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    if path.isEmpty { return "" }
    return path.map { key in key.intValue.map { "[\($0 + 1)]" } ?? key.stringValue }.joined(separator: " ") + ": "
  }

  /// Throws of a key that is not known.
  private static func checkKeys(_ decoder: any Decoder, _ known: [String]) throws {
    struct AnyKey: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
      throw Invalid(
        message: "\(place(decoder.codingPath))'\(key.stringValue)' is not known",
        remedy: Suggestion.remedy(for: key.stringValue, among: known))
    }
  }

  // MARK: Jobs

  private static let most = 100_000

  /// All of them, in the file's order. `folder` is where their journals go.
  func all(in folder: String) throws(Invalid) -> [Job] {
    var all: [Job] = []
    for (number, entry) in jobs.enumerated() {
      let place = "jobs [\(number + 1)]"
      let kinds = [entry.explore != nil, entry.run != nil, entry.from != nil].count { $0 }
      guard kinds == 1 else {
        throw Invalid(
          message: "\(place): a job has \(kinds == 0 ? "none" : "more than one") of explore:, run: and from:",
          remedy: "write one of them")
      }
      if entry.seeds != nil, entry.run == nil {
        throw Invalid(message: "\(place): seeds: goes with run: alone", remedy: "divide explorations by shards:")
      }
      let seeds = try Self.seeds(entry.seeds, place)
      let shards = entry.shards ?? 1
      guard shards >= 1, all.count + shards * max(1, seeds.count) <= Self.most else {
        throw Invalid(
          message: "\(place): shards is \(shards)", remedy: "1 or more, and at most \(Self.most) jobs in all")
      }
      let words =
        entry.explore.map { ["explore"] + $0 } ?? entry.run.map { ["run"] + $0 }
        ?? ["explore", "--from", entry.from ?? ""]
      for (seedNumber, seed) in (seeds.isEmpty ? [nil] : seeds.map(Optional.init)).enumerated() {
        for shardNumber in 1...shards {
          let name = "\(number + 1)-\(seedNumber * shards + shardNumber)"
          let shard = shards > 1 || entry.from != nil ? Shard(shardNumber, of: shards) : nil
          all.append(
            Job(
              name: name,
              words: words + (seed.map { ["--seed", "\($0)"] } ?? []) + (shard.map { ["--shard", "\($0)"] } ?? []),
              shard: shard, journal: "\(folder)/\(name).jsonl"))
        }
      }
    }
    return all
  }

  /// "1-20", "7" or none.
  private static func seeds(_ text: String?, _ place: String) throws(Invalid) -> [UInt64] {
    guard let text else { return [] }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
      last - first < UInt64(most)
    else { throw Invalid(message: "\(place): seeds is '\(text)'", remedy: "write them as 1-20") }
    return Array(first...last)
  }
}

extension Campaign.Job {
  /// Whether its journal has every verdict that is to be in it, none of them interrupted.
  var isDone: Bool {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: journal)),
      let reading = try? JournalReading(data, path: journal)
    else { return false }
    let keys = reading.head.keys ?? []
    let isPart = words.contains("--from")
    let wanted = isPart ? keys : shard.map { shard in keys.filter(shard.has) } ?? keys
    let found = Set(reading.entries.filter { $0.record.end != .engine(.interrupted) }.map(\.key))
    return wanted.allSatisfy(found.contains)
  }
}
