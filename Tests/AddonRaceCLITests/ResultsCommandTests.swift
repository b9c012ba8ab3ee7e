import AddonRaceTestSupport
import Foundation
import Testing

#if Results
  /// `addonrace results`: from journals to answers.
  @Suite struct ResultsCommandTests {
    private let state: TemporaryFolder
    private var database: String { state.url.appendingPathComponent("results.sqlite").path }

    init() throws { state = try TemporaryFolder() }

    private func journal(_ name: String) -> String { state.url.appendingPathComponent(name).path }

    private func explore(_ name: String, _ arguments: String...) throws {
      _ = try Command(arguments: ["explore"] + arguments + ["--journal", journal(name)])
    }

    private func results(_ arguments: String..., from journals: String...) throws -> Command {
      try Command(
        arguments: ["results"] + arguments + ["--database", database, "--journal"] + journals.map(journal))
    }

    /// The rows of a table below its head, by column.
    private func rows(_ command: Command) -> [[String]] {
      command.output.split(separator: "\n").dropFirst().map { line in
        line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
      }
    }

    @Test func runsAreTakenInOnce() throws {
      try explore("a", "scenarios/sites/file-owner.yaml")
      for _ in 0..<2 {
        let runs = rows(try results(from: "a"))
        #expect(runs.count == 1)
        #expect(runs.first?[3...4] == ["4", "0"])
      }
      try explore("b", "scenarios/sites/lease.yaml")
      #expect(rows(try results(from: "b", "a", "b")).count == 2)
    }

    @Test func aJournalThatHasGrownIsTakenAgain() throws {
      try explore("a", "scenarios/sites/file-owner.yaml")
      let lines = try String(contentsOfFile: journal("a"), encoding: .utf8).split(separator: "\n")
      try (lines.dropLast(2).joined(separator: "\n") + "\n").write(
        toFile: journal("a"), atomically: true, encoding: .utf8)
      #expect(rows(try results(from: "a")).first?[3] == "2")
      try (lines.joined(separator: "\n") + "\n").write(toFile: journal("a"), atomically: true, encoding: .utf8)
      #expect(rows(try results(from: "a")).map { $0[3] } == ["4"])
    }

    @Test func aFindingHasAHistory() throws {
      try explore("a", "scenarios/sites/lease.yaml", "--memory-model", "kernel")
      try explore("b", "scenarios/sites/lease.yaml", "--memory-model", "kernel", "--explain")
      let findings = try results("findings", from: "a", "b")
      let row = try #require(rows(findings).first)
      #expect(row[1...3] == ["assertion", "kernel", "lease"])
      #expect(row[8] == "2", "runs: \(row)")
      let history = try results("finding", String(row[0].prefix(6)), from: "a", "b")
      #expect(history.status == 0)
      #expect(history.output.contains("again: addonrace explore scenarios/sites/lease.yaml --memory-model kernel"))
      #expect(rows(history).count == 3)
    }

    @Test func twoRunsAreCompared() throws {
      try explore("a", "scenarios/sites/lease.yaml", "--memory-model", "sc")
      try explore("b", "scenarios/sites/lease.yaml", "--memory-model", "sc,kernel")
      let runs = rows(try results(from: "a", "b")).map { $0[0] }
      #expect(runs.count == 2)
      let same = try results("compare", runs[0], runs[0], from: "a", "b")
      #expect(same.status == 0 && same.output == "the same verdicts\n")
      let other = try results("compare", runs[0], runs[1], from: "a", "b")
      #expect(other.status == 1)
      #expect(rows(other) == [["lease", "kernel", "-", "fail"]])
    }

    @Test func aFigureHasATrend() throws {
      try explore("a", "scenarios/sites/file-owner.yaml", "--memory-model", "sc")
      let trend = try results("trend", "executions", from: "a")
      #expect(rows(trend).first?[0] == "file-owner" && rows(trend).first?[4] == "2")
      let wrong = try results("trend", "execution", from: "a")
      #expect(wrong.status == 64)
      #expect(wrong.errors.contains("there are: blocked-runs, executions,"))
    }

    @Test func whatCannotBeUsed() throws {
      try explore("a", "scenarios/sites/file-owner.yaml", "--memory-model", "sc")
      try "no database".write(toFile: database, atomically: true, encoding: .utf8)
      let damaged = try results(from: "a")
      #expect(damaged.status == 74)
      #expect(damaged.errors.contains("is damaged, or no database\n    move it away"))
      try FileManager.default.removeItem(atPath: database)
      _ = try results(from: "a")
      let noJournal = try results(from: "none")
      #expect(noJournal.status == 65)
      #expect(noJournal.errors.contains("cannot be read"))

      // One of somebody else is left as it is.
      let foreign = Process()
      foreign.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      foreign.arguments = [
        "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE theirs (name)')",
        database + ".theirs",
      ]
      try foreign.run()
      foreign.waitUntilExit()
      let before = try Data(contentsOf: URL(fileURLWithPath: database + ".theirs"))
      let refused = try Command("results", "--database", database + ".theirs")
      #expect(refused.status == 74)
      #expect(refused.errors.contains("is a database of something else\n    name another"), "\(refused.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: database + ".theirs")) == before)

      // Somebody else holds it.
      let holder = Process()
      holder.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      holder.arguments = [
        "-c",
        """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        print("held", flush=True)
        sys.stdin.read()
        """, database,
      ]
      let (input, output) = (Pipe(), Pipe())
      holder.standardInput = input
      holder.standardOutput = output
      try holder.run()
      defer { try? input.fileHandleForWriting.close() }
      #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("held"))
      let locked = try results(from: "a")
      #expect(locked.status == 74)
      #expect(locked.errors.contains("is locked by another process\n    try again"))
    }
  }
#endif
