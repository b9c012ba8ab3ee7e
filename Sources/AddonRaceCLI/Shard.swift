import AddonRace
import ArgumentParser
import Foundation

/// One of several parts into which the verdicts of a command are divided, by a hash of scenario and engine: the others' stay
/// where they are when scenarios are added.
struct Shard: ExpressibleByArgument, Equatable, CustomStringConvertible {
  /// From 1.
  let number: Int
  let count: Int

  init?(argument: String) {
    if argument == "auto" {
      guard let found = Self.fromEnvironment(ProcessInfo.processInfo.environment) else { return nil }
      self = found
      return
    }
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]) else { return nil }
    self.init(number, of: count)
  }

  init?(_ number: Int, of count: Int) {
    guard count >= 1, (1...count).contains(number) else { return nil }
    self.number = number
    self.count = count
  }

  var description: String { "\(number)/\(count)" }

  func has(_ key: JournalKey) -> Bool { has(key.description) }

  func has(_ key: String) -> Bool {
    let hash = UInt64(key, radix: 16) ?? 0
    return Int((hash >> 8) % UInt64(count)) == number - 1
  }

  /// Where a runner or a cluster says which part this process is: the number's variable, what it begins with, the count's.
  private static let variables: [(number: String, first: Int, count: String)] = [
    ("GTEST_SHARD_INDEX", 0, "GTEST_TOTAL_SHARDS"), ("TEST_SHARD_INDEX", 0, "TEST_TOTAL_SHARDS"),
    ("CI_NODE_INDEX", 1, "CI_NODE_TOTAL"), ("SLURM_ARRAY_TASK_ID", 0, "SLURM_ARRAY_TASK_COUNT"),
    ("JOB_COMPLETION_INDEX", 0, "JOB_COMPLETIONS"),
  ]

  static func fromEnvironment(_ environment: [String: String]) -> Shard? {
    for variable in variables {
      guard let number = environment[variable.number].flatMap({ Int($0) }),
        let count = environment[variable.count].flatMap({ Int($0) })
      else { continue }
      // An array job may begin with any number.
      let first = variable.number == "SLURM_ARRAY_TASK_ID" ? Int(environment["SLURM_ARRAY_TASK_MIN"] ?? "") : nil
      return Shard(number - (first ?? variable.first) + 1, of: count)
    }
    return nil
  }
}

struct ShardOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only part k of n, from 1/n to n/n; 'auto' asks the variables of GoogleTest, Bazel, GitLab, Slurm and Kubernetes.",
      discussion: "The parts' journals are put together by `addonrace merge`.", valueName: "k/n"))
  var shard: Shard?
}
