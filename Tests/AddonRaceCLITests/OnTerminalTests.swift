import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// What a person sees on a terminal.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct OnTerminalTests {
  @Test(arguments: [
    ["list"], ["explore", "scenarios/hazards/storage-freed-under-program.yaml", "--explain"],
    ["run", "scenarios/sites/file-owner.yaml", "scenarios/faults/no-grace-period.yaml", "--time", "0.3"],
  ])
  func linesFit(_ arguments: [String]) throws {
    let shown = try onTerminal(arguments, columns: 80)
    #expect(shown.lines.count > 8)
    // Commands are whole, to be copied.
    for line in shown.lines where !line.contains(": addonrace ") && visible(line).count > 80 {
      Issue.record("\(line) is longer than the terminal is wide")
    }
  }

  @Test func progressIsOneLineThatFitsAndGoes() throws {
    let shown = try onTerminal(
      [
        "explore", "scenarios/sites/file-owner.yaml", "--racers", "allocate=4,set-owner=2", "--inodes", "3", "--time",
        "2",
      ],
      columns: 40)
    let states = shown.screen.split(separator: "\r\u{1b}[2K").filter { $0.contains(" of 4 (") }
    #expect(!states.isEmpty)
    // Ten a second for each exploration, and no more.
    #expect(states.count < 4 * 2 * 10 * 3, "\(states.count)")
    for state in states where !state.contains("\n") {
      #expect(state.count <= 40, "\(state)")
    }
    #expect(!shown.lines.contains { $0.contains(" of 4 (") }, "nothing of it stays")
  }

  /// Of all its measures, in all its processes.
  @Test func aBenchSaysHowFarAllOfItIs() throws {
    let shown = try onTerminal(["bench", "scenarios/bench/file-owner.yaml", "--processes", "2"], columns: 120)
    let states = shown.screen.split(separator: "\r\u{1b}[2K")
    let percents = states.compactMap { $0.firstMatch(of: /^(\d+) %/).flatMap { Int($0.1) } }
    #expect(percents.count > 3 && percents == percents.sorted(), "\(percents)")
    #expect((percents.first ?? 100) < 50 && (percents.last ?? 0) >= 50, "\(percents)")
  }

  @Test(arguments: [["NO_COLOR": "1"], ["TERM": "dumb"]])
  func coloursAreLeftOut(_ environment: [String: String]) throws {
    let arguments = ["explore", "scenarios/sites/file-owner.yaml"]
    let coloured = try onTerminal(arguments, columns: 80)
    #expect(coloured.lines.contains { $0.contains("\u{1b}[32m") })
    let plain = try onTerminal(arguments, columns: 80, environment)
    #expect(!plain.lines.contains { $0.contains("\u{1b}[3") })
  }

  private func onTerminal(
    _ arguments: [String], columns: Int, _ environment: [String: String] = [:]
  ) throws -> TerminalCommand {
    try TerminalCommand(arguments: arguments, columns: columns, environment: environment)
  }

  private func visible(_ line: String) -> String { line.replacing(/\u{1b}\[[0-9;]*m/, with: "") }
}

/// What becomes of time in which nobody works, and of signals.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct StoppedTests {
  /// Ctrl-Z stops the command and its children; its time limit, its watchdog and its rates are those of the time it ran.
  @Test(arguments: [
    ["run", "scenarios/sites/file-owner.yaml", "--collisions", "10000000000", "--watchdog", "2"],
    [
      "explore", "scenarios/sites/file-owner.yaml", "--racers", "allocate=5,set-owner=3", "--inodes", "3",
      "--memory-model", "sc",
    ],
  ])
  func timeThatItWasStoppedDoesNotCount(_ arguments: [String]) throws {
    let stopped = 6.0
    let command = try Command(arguments: arguments + ["--time", "3", "--format", "json"]) { process in
      Thread.sleep(forTimeInterval: 1)
      for signal in [SIGSTOP, SIGCONT] {
        for one in try [process] + children(of: process) { kill(one, signal) }
        if signal == SIGSTOP { Thread.sleep(forTimeInterval: stopped) }
      }
    }
    struct Report: Decodable {
      struct Verdict: Decodable {
        struct Figures: Decodable { let seconds: Double }
        let outcome: String
        let race: Figures?
        let exploration: Figures?
      }
      let verdicts: [Verdict]
    }
    let verdict = try #require(try JSONDecoder().decode(Report.self, from: Data(command.output.utf8)).verdicts.first)
    #expect(verdict.outcome != "timed-out")
    let seconds = try #require(verdict.exploration?.seconds ?? verdict.race?.seconds)
    #expect(seconds >= 2.9 && seconds < stopped, "\(seconds) s, of which it was stopped for \(stopped)")
  }

  @Test func childrenAreOfTheSameGroup() throws {
    _ = try Command(arguments: ["run", "scenarios/sites/file-owner.yaml", "--collisions", "10000000000", "--time", "2"])
    {
      process in
      Thread.sleep(forTimeInterval: 1)
      let children = try children(of: process)
      #expect(!children.isEmpty)
      for child in children { #expect(getpgid(child) == getpgid(process)) }
    }
  }

  private func children(of process: Int32) throws -> [Int32] {
    try String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
      .split(separator: " ").compactMap { Int32($0) }
  }
}
