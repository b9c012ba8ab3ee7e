import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// One exploration in several processes says what it says in one.
@Suite(.enabled(if: BuildKind.current == .plain), .serialized) struct ParallelExplorationTests {
  /// Verdicts without what differs from run to run.
  private func verdicts(
    _ arguments: [String], jobs: Int, meanwhile: (Int32) throws -> Void = { _ in }
  ) throws -> [EncodedVerdict] {
    let command = try Command(
      arguments: ["explore"] + arguments + ["--jobs", "\(jobs)", "--format", "json"], executable: Command.released,
      meanwhile: meanwhile)
    let report = try JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(command.output.utf8))
    return report.verdicts.map { verdict in
      var verdict = verdict
      verdict.exploration?.seconds = 0
      verdict.exploration?.peakBytes = 0
      return verdict
    }
  }

  /// 32,768 executions, some of which one process gives to others before it is through.
  private let whole = [
    "scenarios/sites/file-owner-c11.yaml", "--racers", "allocate=4", "--inodes", "3", "--no-symmetry",
    "--memory-model", "c11", "--time", "300",
  ]

  @Test func theSameExecutions() throws {
    let alone = try verdicts(whole, jobs: 1)
    #expect(alone.first?.exploration?.executions == 32_768)
    for jobs in [2, 3, 7] { #expect(try verdicts(whole, jobs: jobs) == alone, "\(jobs) jobs") }
  }

  /// With locks, sections and runs that are blocked. (The debug build is too slow.)
  @Test(.enabled(if: ProcessInfo.processInfo.environment["ADDONRACE_RELEASE"] != nil)) func theSameBlockedRuns() throws
  {
    let marks = [
      "scenarios/sites/fsnotify-marks.yaml", "--racers", "add-and-remove=2,hook=1", "--memory-model", "sc", "--time",
      "300",
    ]
    let alone = try verdicts(marks, jobs: 1)
    #expect(alone.first?.exploration?.executions == 28_452)
    #expect(alone.first?.exploration?.blockedRuns == 2_010)
    #expect(try verdicts(marks, jobs: 3) == alone)
  }

  /// The finding of one order of twelve updates, which comes late: the same execution, after as many others.
  @Test func theSameFinding() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      """
      #include <addonrace.h>
      #include <assert.h>
      #include <stdatomic.h>

      static atomic_int turn;
      static int seen[3][4];

      static void race(int racer) {
        for (int i = 0; i < 4; i++) seen[racer][i] = atomic_fetch_add(&turn, 1);
      }
      void racer_a(void) { race(0); }
      void racer_b(void) { race(1); }
      void racer_c(void) { race(2); }

      void check(void) {
        static const int order[3][4] = {{4, 5, 10, 11}, {2, 3, 8, 9}, {0, 1, 6, 7}};
        int same = 0;
        for (int i = 0; i < 12; i++) same += seen[i / 4][i % 4] == order[i / 4][i % 4];
        assert(same < 12);
      }
      """, to: "late.c")
    let arguments = [file, "--memory-model", "c11", "--time", "300"]
    let alone = try verdicts(arguments, jobs: 1)
    let first = try #require(alone.first?.exploration?.firstFinding)
    #expect(first > 1000)
    #expect(alone.first?.counterexample != nil)
    for jobs in [2, 3] { #expect(try verdicts(arguments, jobs: jobs) == alone, "\(jobs) jobs") }
  }

  /// What a worker had visited is visited again.
  @Test func aWorkerIsKilled() throws {
    let alone = try verdicts(whole, jobs: 1)
    var killed = 0
    let others = try verdicts(whole, jobs: 3) { command in
      for _ in 0..<200 where killed < 2 {
        Thread.sleep(forTimeInterval: 0.005)
        guard let child = Self.children(of: command).first, let worker = Self.children(of: child).first else {
          continue
        }
        kill(worker, SIGKILL)
        killed += 1
      }
    }
    #expect(killed > 0)
    #expect(others == alone)
  }

  private static func children(of process: Int32) -> [Int32] {
    let file = "/proc/\(process)/task/\(process)/children"
    let own = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    let all = threads.map {
      (try? String(contentsOfFile: "/proc/\(process)/task/\($0)/children", encoding: .utf8)) ?? ""
    }
    return ([own] + all).flatMap { $0.split(separator: " ").compactMap { Int32($0) } }
  }
}
