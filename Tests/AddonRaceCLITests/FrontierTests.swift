import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// One exploration, divided into parts that are explored each by itself, and added up.
@Suite(.enabled(if: BuildKind.current == .plain), .serialized) struct FrontierTests {
  private let scenario = [
    "scenarios/sites/file-owner-c11.yaml", "--racers", "allocate=3", "--inodes", "2", "--no-symmetry",
    "--memory-model", "c11",
  ]
  private let folder: TemporaryFolder
  private let frontier: String

  init() throws {
    folder = try TemporaryFolder()
    frontier = folder.url.appendingPathComponent("frontier.json").path
  }

  private func write(_ arguments: [String], parts: Int = 16) throws -> Command {
    try Command(arguments: ["explore"] + arguments + ["--frontier", frontier, "-n", "\(parts)"])
  }

  private func journal(_ name: String) -> String { folder.url.appendingPathComponent("\(name).jsonl").path }

  private func explore(_ shard: String, into name: String) throws -> Command {
    try Command("explore", "--from", frontier, "--shard", shard, "--journal", journal(name))
  }

  /// The one verdict of a merge.
  private func merged(_ names: [String]) throws -> (status: Int32, verdict: EncodedVerdict?) {
    let command = try Command(arguments: ["merge"] + names.map(journal) + ["--format", "json"])
    let report = try? JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(command.output.utf8))
    return (command.status, report?.verdicts.first)
  }

  @Test func thePartsAddUp() throws {
    let whole = try Command(arguments: ["explore"] + scenario + ["--format", "json", "--no-journal"])
    let alone = try JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(whole.output.utf8)).verdicts[0]
    let written = try write(scenario)
    #expect(written.status == 0 && written.output.contains("in 16 parts"), "\(written.output)")
    for count in [1, 3] {
      for number in 1...count {
        let command = try explore("\(number)/\(count)", into: "\(number)of\(count)")
        #expect(command.status == 0, "\(command.output)")
      }
      // One is named twice.
      let (status, verdict) = try merged((1...count).map { "\($0)of\(count)" } + ["1of\(count)"])
      #expect(status == 0)
      #expect(verdict?.exploration?.executions == alone.exploration?.executions)
      #expect(verdict?.exploration?.blockedRuns == alone.exploration?.blockedRuns)
      #expect(verdict?.exploration?.prunedGraphs == alone.exploration?.prunedGraphs)
      #expect(verdict?.exploration?.isExhaustive == true)
    }
    let (status, verdict) = try merged(["1of3", "3of3"])
    #expect(status == 2)
    #expect(verdict?.exploration?.isExhaustive == false)
    #expect(verdict?.notes.contains { $0.contains("1 of 3 parts are missing: 2/3") } == true, "\(verdict?.notes ?? [])")
  }

  /// Some part has the finding, and so has the whole.
  @Test func aFindingIsFound() throws {
    _ = try write(["scenarios/faults/winner-freed.yaml", "--memory-model", "sc"], parts: 4)
    // A part without it is as good.
    for number in 1...4 { #expect(try explore("\(number)/4", into: "\(number)").status == 0) }
    let (status, verdict) = try merged((1...4).map(String.init))
    #expect(status == 0)
    #expect(verdict?.outcome == "fail" && verdict?.counterexample != nil)
  }

  /// Flags of the compiler are a part of what is explored.
  @Test func codeWithFlags() throws {
    let file = folder.url.appendingPathComponent("flagged.c").path
    try """
    #include <stdatomic.h>
    static _Atomic int slot[RACERS];
    void racer_count(void) { for (int i = 0; i < RACERS; i++) atomic_fetch_add(&slot[i], 1); }
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let arguments = [file, "--racers", "count=3", "--no-symmetry", "--memory-model", "sc"]
    let whole = try Command(
      arguments: ["explore"] + arguments + ["--format", "json", "--no-journal", "--", "-DRACERS=2"])
    let alone = try JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(whole.output.utf8)).verdicts[0]
    let written = try Command(
      arguments: ["explore"] + arguments + ["--frontier", frontier, "-n", "4", "--", "-DRACERS=2"])
    #expect(written.status == 0, "\(written.output)")
    for number in 1...2 { #expect(try explore("\(number)/2", into: "\(number)").status == 0) }
    let (status, verdict) = try merged(["1", "2"])
    #expect(status == 0 && verdict?.exploration?.executions == 36)
    #expect(verdict?.exploration?.executions == alone.exploration?.executions)
  }

  @Test func whatIsWrong() throws {
    let two = try write(["scenarios/sites/file-owner-c11.yaml"])
    #expect(two.status == 65 && two.errors.contains("a frontier is of one scenario under one model"), "\(two.output)")
    _ = try write(scenario, parts: 4)
    let few = try explore("1/5", into: "few")
    #expect(few.status == 64 && few.errors.contains("4 parts, which are too few for 5 shards"), "\(few.output)")
    let shard = try explore("5/4", into: "shard")
    #expect(shard.status == 64)

    let text = try String(contentsOfFile: frontier, encoding: .utf8)
    for (old, new, complaint) in [
      ("\"version\" : 1", "\"version\" : 9", "is a frontier of version 9"),
      ("addonrace-frontier", "something", "is not a frontier"),
      ("\"key\" : \"", "\"key\" : \"0", "is not what it was when the frontier was written"),
    ] {
      try text.replacing(old, with: new).write(toFile: frontier, atomically: true, encoding: .utf8)
      let command = try explore("1/4", into: "wrong")
      #expect(command.status == 65 && command.errors.contains(complaint), "\(command.output)")
    }
    let missing = try Command("explore", "--from", "/nowhere/frontier.json")
    #expect(missing.status == 65 && missing.errors.contains("cannot be read"), "\(missing.output)")
  }

  /// Parts of one exploration that was divided in two ways are not added.
  @Test func twoWaysToDivide() throws {
    _ = try write(scenario)
    _ = try explore("1/2", into: "half")
    _ = try explore("3/3", into: "third")
    let command = try Command(arguments: ["merge", journal("half"), journal("third")])
    #expect(command.status == 65 && command.errors.contains("were cut in different ways"), "\(command.output)")

    // Nor those whose searches learnt different things of the program.
    _ = try explore("2/2", into: "other half")
    let text = try String(contentsOfFile: journal("other half"), encoding: .utf8)
    #expect(text.contains("\"restarts\":0"))
    try text.replacing("\"restarts\":0", with: "\"restarts\":1").write(
      toFile: journal("other half"), atomically: true, encoding: .utf8)
    let restarted = try Command(arguments: ["merge", journal("half"), journal("other half")])
    #expect(restarted.status == 65 && restarted.errors.contains("began again"), "\(restarted.errors)")
  }
}
