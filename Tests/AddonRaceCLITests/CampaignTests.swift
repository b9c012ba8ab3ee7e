import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// Campaigns on this machine; `scripts/cluster.sh` has the other engines.
@Suite(.enabled(if: BuildKind.current == .plain), .serialized) struct CampaignTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func campaign(_ text: String) throws -> String { try folder.write(text, to: "c.yaml") }
  private var journals: String { folder.url.appendingPathComponent("c.campaign").path }

  @Test func jobsAreDoneOnce() throws {
    let file = try campaign(
      """
      name: c
      jobs:
        - explore: [scenarios/sites/file-owner.yaml, --memory-model, "sc,tso"]
          shards: 2
        - run: [scenarios/sites/file-owner.yaml, --time, "0.2", --inodes, "16", --minimum-yield, "0"]
          seeds: 3-4
      """)
    let nothing = try Command("campaign", file, "--status")
    #expect(nothing.status == 2 && nothing.output.contains("4 jobs: 0 done, 4 missing"), "\(nothing.output)")
    let first = try Command("campaign", file)
    #expect(first.output.contains("4 jobs: 4 done"), "\(first.output)\(first.errors)")
    #expect(first.errors.contains("4 of 4 jobs go to local"))
    // One that died, in the middle of its journal.
    let journal = "\(journals)/1-2.jsonl"
    try "{\"format\":".write(toFile: journal, atomically: true, encoding: .utf8)
    let status = try Command("campaign", file, "--status")
    #expect(status.output.contains("missing: 1-2: addonrace explore"), "\(status.output)\(status.errors)")
    let second = try Command("campaign", file)
    #expect(second.errors.contains("1 of 4 jobs go to local") && second.output.contains("4 jobs: 4 done"))
  }

  /// A finding of several seeds is told once, with how to see it again.
  @Test func findingsAreToldOnce() throws {
    let file = try campaign(
      """
      name: c
      jobs:
        - explore: [scenarios/faults/winner-freed.yaml, --memory-model, sc]
        - explore: [scenarios/faults/winner-freed.yaml, --memory-model, sc, --inodes, "1"]
      """)
    let environment = ["XDG_STATE_HOME": folder.url.path]
    let command = try Command(arguments: ["campaign", file], environment: environment)
    #expect(command.status == 0)
    let lines = command.output.split(separator: "\n").filter { $0.hasPrefix("finding ") }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.contains(" 2 times: ") }, "\(command.output)")
    #expect(Set(lines).count == lines.count)
    #if Results
      let id = try #require(lines.first).split(separator: " ")[1]
      let history = try Command(arguments: ["results", "finding", String(id)], environment: environment)
      #expect(history.status == 0 && history.output.contains("winner-freed"), "\(history.output)\(history.errors)")
    #endif
  }

  @Test(arguments: [
    ("name: c\njobs:\n  - {explore: [x], run: [y]}\n", "jobs [1]: a job has more than one of explore:, run: and from:"),
    ("name: c\njobs:\n  - {shards: 2}\n", "jobs [1]: a job has none of explore:, run: and from:"),
    ("name: c\njobs:\n  - {explore: [x], shard: 2}\n", "'shard' is not known\n    did you mean 'shards'?"),
    ("name: c\njobs:\n  - {explore: [x], seeds: 1-2}\n", "seeds: goes with run: alone"),
    ("name: c\njobs:\n  - {run: [x], seeds: 5-2}\n", "seeds is '5-2'"),
    ("name: c\njobs:\n  - {explore: [x], shards: 0}\n", "shards is 0"),
    ("jobs: []\n", "'name' is missing"),
    ("name: c\njobs: 3\n", "of another kind"),
  ])
  func whatIsWrong(_ text: String, _ complaint: String) throws {
    let command = try Command("campaign", try campaign(text))
    #expect(command.status == 65 && command.errors.contains(complaint), "\(command.errors)")
  }

  /// Ctrl-C ends the job at hand, says what is there, and leaves nothing running.
  @Test func anInterrupt() throws {
    let file = try campaign(
      """
      name: c
      jobs:
        - explore: [scenarios/sites/file-owner-c11.yaml, --racers, "allocate=12", --inodes, "4", --no-symmetry, --time, "600"]
          shards: 3
      """)
    let command = try Command("campaign", file, interruptedAfter: 3)
    // Two of the shards have nothing to do, and may have been first.
    let missing = command.output.firstMatch(of: /([1-3]) missing/)
    #expect(command.status == 130 && missing != nil, "\(command.output)")
  }

  @Test func anEngineThatIsMissing() throws {
    let file = try campaign("name: c\njobs:\n  - {explore: [scenarios/sites/file-owner.yaml]}\n")
    let command = try Command(
      arguments: ["campaign", file, "--on", "slurm"], environment: ["PATH": "/nowhere"])
    #expect(command.status == 69 && command.errors.contains("'sbatch' is not installed"), "\(command.errors)")
  }
}
