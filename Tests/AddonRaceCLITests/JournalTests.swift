import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// What was finished survives, and is not done twice.
@Suite(.enabled(if: BuildKind.current == .plain)) struct JournalTests {
  private let folder: TemporaryFolder
  private var journal: String { folder.url.appendingPathComponent("journal.jsonl").path }
  init() throws { folder = try TemporaryFolder() }

  private func lines() throws -> [Substring] {
    try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
  }

  @Test func aKilledCommandGoesOn() throws {
    let arguments = ["explore", "scenarios/lifecycle", "--journal", journal, "--jobs", "1"]
    _ = try Command(arguments: arguments) { process in
      for _ in 0..<400 {
        Thread.sleep(forTimeInterval: 0.005)
        if (try? lines().count) ?? 0 > 3 { break }
      }
      kill(process, SIGKILL)
    }
    let before = try lines()
    #expect(before.count > 3)
    // As a kill may leave it.
    let half = try FileHandle(forWritingTo: URL(fileURLWithPath: journal))
    try half.seekToEnd()
    try half.write(contentsOf: Data(before[1].prefix(100).utf8))
    try half.close()

    let whole = try Command(arguments: arguments + ["--resume"])
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(whole.output.contains("60 verdicts: 60 as expected"), "\(whole.output)")
    #expect(
      whole.errors.contains("going on from \(journal), which has \(before.count - 1) verdicts"), "\(whole.errors)")
    let after = try lines()
    // The head, a line for each verdict, and the half one.
    #expect(after.count == 1 + 60 + 1)
    #expect(Array(after.prefix(before.count)) == before)
    let again = try Command(arguments: arguments + ["--resume"])
    #expect(again.output.contains("60 verdicts: 60 as expected"))
    #expect(try lines().count == after.count, "nothing was left to do")
  }

  @Test func shardsAddUp() throws {
    let files = (1...3).map { folder.url.appendingPathComponent("\($0)").path }
    for (index, file) in files.enumerated() {
      let command = try Command(
        "explore", "scenarios/shapes", "--shard", "\(index + 1)/3", "--journal", file)
      #expect(command.status == 0, "\(command.output)")
    }
    let some = try Command("merge", files[2], files[0], files[2])
    #expect(some.status == 2)
    #expect(some.errors.contains("of 48 verdicts are missing; no journal is of shard 2/3"), "\(some.errors)")
    let all = try Command("merge", files[2], files[1], files[0], "--format", "json")
    #expect(all.status == 0)
    let whole = try Command("explore", "scenarios/shapes", "--format", "json")
    func verdicts(_ command: Command) throws -> [EncodedVerdict] {
      try JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(command.output.utf8)).verdicts.map {
        verdict in
        var verdict = verdict
        verdict.exploration?.seconds = 0
        verdict.command = ""  // it names the shard's options
        return verdict
      }
    }
    #expect(try verdicts(all) == verdicts(whole))
  }

  @Test func whatIsNoJournal() throws {
    let other = try folder.write("hello\n", to: "other")
    let newer = try folder.write(#"{"format":"addonrace-journal","version":9}"#, to: "newer")
    let site = "scenarios/sites/file-owner.yaml"
    for (file, complaint) in [(other, "is not a journal"), (newer, "of version 9; this program knows version 2")] {
      let command = try Command("explore", site, "--resume", "--journal", file)
      #expect(command.status == 65)
      #expect(command.errors.contains(complaint), "\(command.errors)")
      #expect(command.errors.contains("leave out --resume"))
      let merge = try Command("merge", file)
      #expect(merge.status == 65)
      #expect(merge.errors.hasSuffix("\n    name another journal\n"), "\(merge.errors)")
    }
    let none = try Command("explore", site, "--resume")
    #expect(none.status == 65)
    #expect(none.errors.contains("there is no journal of this command"))
    let full = try Command("explore", site, "--journal", "/dev/full")
    #expect(full.status == 73)
    #expect(full.errors.contains("cannot write to the journal /dev/full: No space left on device"), "\(full.errors)")
    #expect(full.output.contains("4 verdicts: 4 as expected"), "what was found is shown")
  }

  /// A journal that is opened where standard output was does not get what is printed.
  @Test func closedOutput() throws {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", #"exec "$0" explore scenarios/sites/file-owner.yaml --journal "$1" >&-"#, Command.built.path, journal,
    ]
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0)
    let reading = try JournalReading(Data(contentsOf: URL(fileURLWithPath: journal)), path: journal)
    #expect(reading.entries.count == 4 && reading.torn.isEmpty && !reading.isCutShort)
  }

  /// By the variables that runners set.
  @Test(arguments: [
    (["GTEST_SHARD_INDEX": "0", "GTEST_TOTAL_SHARDS": "3"], "1/3"),
    (["CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2"], "2/2"),
    (["SLURM_ARRAY_TASK_ID": "12", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_COUNT": "4"], "3/4"),
    (["JOB_COMPLETION_INDEX": "3", "JOB_COMPLETIONS": "4"], "4/4"),
  ])
  func aRunnersVariables(_ environment: [String: String], _ shard: String) throws {
    let command = try Command(
      arguments: [
        "explore", "scenarios/sites/file-owner.yaml", "--shard", "auto", "--journal", journal,
      ], environment: environment)
    #expect(command.status == 0)
    let reading = try JournalReading(Data(contentsOf: URL(fileURLWithPath: journal)), path: journal)
    #expect(reading.head.shard == shard)
    #expect(reading.head.keys?.count == 4)
  }
}

/// Something of one's own to begin with runs as it is.
@Suite(.enabled(if: BuildKind.current == .plain)) struct NewCommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }
  private func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }

  @Test(arguments: [("mine", "mine.c"), ("mine.c", "mine.c"), ("mine.cpp", "mine.cpp")])
  func aCandidate(_ name: String, _ named: String) throws {
    let file = path(named)
    #expect(try Command("new", "candidate", path(name)).status == 0)
    let explored = try Command("explore", file)
    #expect(explored.status == 0, "\(explored.output) \(explored.errors)")
    let again = try Command("new", "candidate", file)
    #expect(again.status == 73)
    #expect(again.errors.contains("exists already"))
  }

  @Test(arguments: ["mine", "mine.yaml"]) func aScenario(_ name: String) throws {
    let file = path("mine.yaml")
    #expect(try Command("new", "scenario", path(name)).status == 0)
    #expect(try Command("explore", file).output.contains("mine: Does exactly one racer"))
  }

  /// The example's test builds the same package: here only the names are looked at.
  @Test func aPackage() throws {
    #expect(try Command("new", "site", path("Lazy")).status == 0)
    for file in ["Package.swift", "Sources/Lazy/OwnCatalog.swift", "Sources/lazy-race/main.swift"] {
      let text = try String(contentsOfFile: path("Lazy/\(file)"), encoding: .utf8)
      #expect(!text.contains("OwnSite") && !text.contains("own-race"), "\(text)")
    }
  }

  @Test(arguments: [
    (["scenario", "mine.txt"], "ends in .yaml"), (["candidate", "mine.py"], "No language"),
    (["site", "my-site"], "module's name"),
  ])
  func badNames(_ arguments: [String], _ complaint: String) throws {
    let command = try Command(arguments: ["new"] + arguments)
    #expect(command.status == 64)
    #expect(command.errors.contains(complaint), "\(command.errors)")
  }
}
