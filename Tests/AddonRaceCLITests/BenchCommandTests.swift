import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// Sanitizers watch the bench itself, in its own tests: what a command prints of it is the same.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct BenchCommandTests {
  private static let scenario = "scenarios/bench/file-owner.yaml"
  private static let quick = [
    "--processes", "1", "--repetitions", "11", "--inodes", "8", "--racers", "2", "--strategies", "compare-exchange",
  ]

  @Test func whatIsMeasuredIsShown() throws {
    let command = try Command(arguments: ["bench", Self.scenario] + Self.quick)
    #expect(command.status == 0, "\(command.errors)")
    for text in [
      "fast path", "first allocation alone", "contended, 2 racers", "C11 by hand", "the same again", "p99.9",
      "compare-exchange round trip", "control: one against itself",
    ] {
      #expect(command.output.contains(text), "\(text)")
    }
    #expect(command.errors.contains("this is a debug"), "the tests' own build is one")
  }

  /// What was measured is kept, goes to files in their formats, and is not measured again.
  @Test func figuresThatSurvive() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let journal = folder.appendingPathComponent("figures.jsonl").path
    func bench(_ more: [String]) throws -> Command {
      try Command(arguments: ["bench", Self.scenario, "--journal", journal, "--format", "json"] + Self.quick + more)
    }
    let first = try bench(["--report", folder.path + "/figures.md", "--report", folder.path + "/figures.csv"])
    #expect(first.status == 0, "\(first.errors)")
    #expect(try String(contentsOfFile: folder.path + "/figures.md", encoding: .utf8).contains("C11 by hand"))
    #expect(try String(contentsOfFile: folder.path + "/figures.csv", encoding: .utf8).hasPrefix("scenario,site,"))
    let second = try bench(["--resume"])
    #expect(second.status == 0 && second.output == first.output, "\(second.errors)")
    #expect(second.errors.contains("which has the figures of 1 scenarios"))

    try Data("{\"format\": \"something\"}\n".utf8).write(to: URL(fileURLWithPath: journal))
    let other = try bench(["--resume"])
    #expect(other.status == 65 && other.errors.contains("is not one of a bench"), "\(other.errors)")
    let ending = try bench(["--report", folder.path + "/figures.mdd"])
    #expect(ending.status == 64 && ending.errors.contains("did you mean 'md'"), "\(ending.errors)")
  }

  @Test func severalProcessesArePooled() throws {
    let command = try Command(
      arguments: ["bench", Self.scenario, "--format", "json"] + Self.quick + ["--processes", "2"])
    #expect(command.status == 0, "\(command.errors)")
    let document = try JSONDecoder().decode(BenchDocument.self, from: Data(command.output.utf8))
    let figures = document.benches[0]
    #expect(figures.processes == 2 && figures.repetitions == 11)
    #expect(figures.results.map(\.contestant).filter { $0 == BenchResult.controlName }.count == 3)
    // Of one racer no placement is left out, unless it moved in the middle: then all are shown.
    #expect(figures.results.filter { $0.racers == 1 && $0.comparison != .notCompared }.allSatisfy { $0.processes >= 2 })
  }

  /// What died is said, with its process and what it was at; the other scenarios go on.
  @Test func aProcessThatDies() throws {
    let command = try Command(
      arguments: ["bench", Self.scenario, "scenarios/bench/verity-info.yaml", "--inodes", "8"]
        + ["--processes", "1", "--repetitions", "501"]
    ) { parent in
      for _ in 0..<1000 {
        if let child = Self.child(of: parent) {
          kill(child, SIGKILL)
          return
        }
        usleep(10_000)
      }
    }
    #expect(command.status == 3, "\(command.errors)")
    #expect(command.errors.contains("error: file-owner-cost: signal 9 (SIGKILL)"), "\(command.errors)")
    #expect(!command.output.contains("file-owner-cost") && command.output.contains("verity-info-cost"))
  }

  private static func child(of parent: Int32) -> Int32? {
    let tasks = "/proc/\(parent)/task"
    return ((try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []).lazy
      .compactMap { try? String(contentsOfFile: "\(tasks)/\($0)/children", encoding: .utf8) }
      .compactMap { $0.split(separator: " ").first.flatMap { Int32($0) } }.first
  }

  @Test func anInterruptShowsWhatThereIs() throws {
    let command = try Command(
      arguments: [
        "bench", Self.scenario, "--processes", "101", "--repetitions", "11", "--inodes", "8", "--format", "csv",
      ],
      interruptedAfter: 2)
    #expect(command.status == 130)
    #expect(command.output.hasPrefix("scenario,"), "\(command.output) \(command.errors)")
  }

  @Test func baselines() throws {
    let folder = try TemporaryFolder()
    let store = ["--baselines", folder.url.path]
    let saved = try Command(
      arguments: ["bench", Self.scenario, "--save", "one", "--format", "csv"] + Self.quick + store)
    #expect(saved.status == 0)
    #expect(saved.output.hasPrefix("scenario,site,measure,"))
    let compared = try Command(
      arguments: ["bench", Self.scenario, "--compare", "one", "--threshold", "100000"] + Self.quick + store)
    #expect(compared.output.contains("against the baseline"), "\(compared.output)")
    #expect([0, 2].contains(compared.status), "2 where the machine changed in the middle")

    let unknown = try Command(arguments: ["bench", Self.scenario, "--compare", "two"] + store)
    #expect(unknown.status == 64)
    #expect(unknown.errors.contains("There is no baseline 'two'"))
    #expect(unknown.errors.contains("there are: one."))

    let file = folder.url.appendingPathComponent("one.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let expected = [
      ("\"processors\" : ", "\"processors\" : 9", "was measured elsewhere"),
      ("\"version\" : 3", "\"version\" : 99", "is of another version of addonrace (99, not 3)"),
      ("addonrace-bench", "something", "is no baseline of addonrace"),
    ]
    for (old, new, message) in expected {
      try text.replacingOccurrences(of: old, with: new).write(to: file, atomically: true, encoding: .utf8)
      let command = try Command(arguments: ["bench", Self.scenario, "--compare", "one"] + store)
      #expect(command.status == 64)
      #expect(command.errors.contains(message), "\(command.errors)")
    }
  }

  @Test func aSweepHasItsLinesInTheTable() throws {
    let command = try Command(
      arguments: ["bench", Self.scenario, "--sweep", "populated", "--format", "csv"] + Self.quick)
    #expect(command.status == 0)
    for share in [0, 50, 100] { #expect(command.output.contains("file-owner-cost: \(share) % populated,")) }
  }

  @Test func aLayoutStudy() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      """
      name: small
      question: Does it run?
      site: inode-addons
      bench: {repetitions: 11, warm-up: 0, layout: {layouts: [V0, V2, V6], inodes: [8], objects: 560, slabs: 8192}}
      """, to: "small.yaml")
    let command = try Command("bench", file)
    #expect(command.status == 0, "\(command.errors)")
    for text in [
      "what follows", "memory", "superblock-watched", "Each inode is watched", "first allocation alone",
      "slabs of 8,192", "What this machine could not show",
    ] {
      #expect(command.output.contains(text), "\(text)")
    }
    let strategies = try Command("bench", file, "--strategies", "compare-exchange")
    #expect(strategies.status == 65 && strategies.errors.contains("leave --strategies out"))
    let swept = try Command("bench", file, "--sweep", "racers")
    #expect(swept.status == 65)
    #expect(swept.errors.contains("leave --sweep out"))
    let page = try Command("bench", file, "--html", "/nowhere/page.html")
    #expect(
      page.errors.contains("cannot write to /nowhere/page.html")
        || page.errors.contains("install it (Debian: gnuplot-nox)"))
    #expect([64, 73].contains(page.status))
  }

  /// Only where somebody has installed gnuplot: nothing else needs it.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot")))
  func aPageWithPictures() throws {
    let folder = try TemporaryFolder()
    let page = folder.url.appendingPathComponent("page.html").path
    let command = try Command(arguments: ["bench", Self.scenario, "--html", page] + Self.quick)
    #expect(command.status == 0, "\(command.errors)")
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.components(separatedBy: "<svg").count == 4, "one for each measure")
    #expect(html.contains("C11 by hand") && html.contains("</html>"))
  }

  @Test func aScenarioWithoutABenchSection() throws {
    let command = try Command("bench", "scenarios/sites/file-owner.yaml")
    #expect(command.status == 65)
    #expect(command.errors.contains("has no bench section"))
  }

  @Test(arguments: [
    (["--racers", "65"], "--racers is 65; it may be 1 to 64."), (["--racers", "two"], "write it as 2,4,8."),
    (["--repetitions", "3"], "--repetitions is 3, out of range; it may be 11 to 10001."),
    (["--processes", "0"], "--processes is 0, out of range; it may be 1 to 101."),
    (["--sweep", "colour"], "racers"),
    (["--sweep", "racers", "--save", "a"], "not kept as a baseline"),
    (["--save", "../a"], "use a name without /"), (["--compare", ""], "use a name without /"),
    (["--strategies", "compare-exchang"], "Did you mean 'compare-exchange'?"),
  ])
  func anOptionThatCannotBe(_ options: [String], _ message: String) throws {
    let command = try Command(arguments: ["bench", Self.scenario] + options)
    #expect(command.status == 64)
    #expect(command.errors.contains(message), "\(command.errors)")
  }

  @Test func aStrategyThatCannotBeMeasured() throws {
    let command = try Command("bench", Self.scenario, "--strategies", "lock-and-flag")
    #expect(command.status == 65)
    #expect(command.errors.contains("cannot be measured at site 'file-owner'"), "\(command.errors)")
  }
}
