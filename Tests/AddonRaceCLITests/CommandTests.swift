import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

private let quick = ["--time", "20", "--collisions", "300", "--inodes", "32"]

@Suite(.serialized) struct CommandTests {
  // MARK: What is there

  @Test(arguments: [
    ["--help"], ["run", "--help"], ["explore", "--help"], ["replay", "--help"], ["audit", "--help"],
    ["bench", "--help"],
    ["list"],
    ["check", "scenarios"],
  ])
  func theOutputIsAsItWas(_ arguments: [String]) throws {
    let command = try Command(arguments: arguments)
    #expect(command.status == 0)
    try Golden.expect(command.output, arguments.joined(separator: " "))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreWritten(_ shell: String) throws {
    let command = try Command("--generate-completion-script", shell)
    #expect(command.status == 0)
    #expect(command.output.contains("addonrace"))
  }

  @Test func everyShippedScenarioIsValidAndListed() throws {
    let command = try Command("check", "scenarios")
    #expect(command.status == 0, "\(command.output)")
    let index = try String(
      contentsOf: Command.package.appendingPathComponent("scenarios/README.md"), encoding: .utf8)
    for line in command.output.split(separator: "\n") {
      let path = line.prefix { $0 != ":" }.dropFirst("scenarios/".count)
      #expect(index.contains("(\(path))"), "scenarios/README.md does not list \(path)")
    }
  }

  @Test func everySiteAndEveryFaultHasAScenario() throws {
    let folder = Command.package.appendingPathComponent("scenarios")
    var pairs = Set<String>()
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where name.hasSuffix(".yaml") {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      let scenario = try ScenarioFile.read(text, file: name, Harness().vocabulary)
      pairs.insert("\(scenario.site) with \(scenario.strategy)")
    }
    for entry in Registry.linux.subjects.map(\.facts) where entry.fault != nil || entry.isOwn {
      #expect(pairs.contains("\(entry.site.name) with \(entry.strategy.name)"))
    }
  }

  // MARK: Running

  @Test func aPassIsAPass() throws {
    let command = try run("scenarios/sites/file-owner.yaml")
    #expect(command.status == 0, "\(command.output)")
    #expect(
      command.output.hasPrefix("ok     file-owner: passes\n       Does exactly one racer install file->f_owner?\n"))
    #expect(command.output.contains("1 scenario: 1 as expected"))
    #expect(!command.output.contains("\u{1b}"), "colours are for terminals")
    #expect(command.errors.isEmpty, "progress is for terminals")
  }

  @Test func whatIsNotExpectedIsExplained() throws {
    guard BuildKind.current != .threadSanitizer else { return }
    let command = try run("scenarios/sites/file-owner.yaml", "--strategy", "loser-leaks")
    #expect(command.status == 1)
    #expect(command.output.contains("losers-freed: allocation"))
    #expect(command.output.contains("saw NULL, went on to populate, published, reported success"))
    #expect(
      command.output.contains(
        "again: addonrace run scenarios/sites/file-owner.yaml --strategy loser-leaks --inodes 32 --time 20 "
          + "--collisions 300 --seed 1 --visits-in-flight 8"), "\(command.output)")
  }

  @Test func aCrashIsAVerdictAndTheRestGoesOn() throws {
    let folder = try TemporaryFolder()
    let start = "question: '?'\nsite: file-owner\nstress: {inodes: 32, collisions: 300, time: 20}\n"
    _ = try folder.write("name: a\nstrategy: loser-impossible\n" + start, to: "a.yaml")
    _ = try folder.write("name: b\nstrategy: compare-exchange\n" + start, to: "b.yaml")
    let command = try Command("run", folder.url.path)
    #expect(command.status == 3)
    #expect(command.output.contains("NOT OK a: crashed, expected: pass"))
    #expect(command.output.contains("BUG: the slot was NULL a moment ago"))
    #expect(command.output.contains("while racing"))
    #expect(command.output.contains("again: addonrace run \(folder.url.path)/a.yaml --seed 1"))
    #expect(command.output.contains("ok     b: passes"))
  }

  @Test func anInvalidFileIsAVerdictAndTheRestGoesOn() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("name: a\n", to: "a.yaml")
    let start = "question: '?'\nsite: file-owner\nstrategy: compare-exchange\n"
    _ = try folder.write("name: b\n" + start + "stress: {inodes: 32, collisions: 300, time: 20}\n", to: "b.yaml")
    let command = try Command("run", folder.url.path)
    #expect(command.status == 65)
    #expect(command.errors.contains("a.yaml:1:1: error: the scenario has no question"))
    #expect(command.output.contains("a.yaml: invalid\n"))
    #expect(command.output.contains("ok     b: passes"))
  }

  /// A strategy that does not go with one scenario's site is that scenario's verdict.
  @Test func aMisfitAmongOthers() throws {
    let folder = try TemporaryFolder()
    let rest = "stress: {inodes: 32, collisions: 300, time: 20}\n"
    _ = try folder.write("name: a\nquestion: '?'\nsite: security-blob\n" + rest, to: "a.yaml")
    _ = try folder.write("name: b\nquestion: '?'\nsite: file-owner\n" + rest, to: "b.yaml")
    let command = try Command("run", folder.url.path, "--strategy", "compare-exchange")
    #expect(command.status == 65)
    #expect(command.output.contains("NOT OK a: invalid"), "\(command.output)")
    #expect(command.output.contains("ok     b: passes"), "\(command.output)")
    let alone = try Command("run", folder.url.appendingPathComponent("a.yaml").path, "--strategy", "compare-exchange")
    #expect(alone.status == 64)
  }

  @Test func theCommandThatRunsItAgainHasEveryOption() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "name: a\nquestion: '?'\nsite: file-owner\nexpect: pass\nstress: {inodes: 32, collisions: 300, time: 20}\n",
      to: "a.yaml")
    let command = try Command(
      "run", file, "--strategy", "loser-leaks", "--racers", "allocate=3", "--shape", "forced", "--heap", "malloc",
      "--inodes", "64", "--in-process")
    #expect(command.status == 1)
    let line = try #require(command.output.split(separator: "\n").first { $0.contains("again: ") })
    for option in [
      "run \(file)", "--strategy loser-leaks", "--racers allocate=3", "--shape forced", "--heap malloc", "--inodes 64",
      "--seed 1", "--in-process",
    ] { #expect(line.contains(option), "\(line)") }
  }

  @Test func twoRacersOnOneProcessorAreVacuous() throws {
    // On a loaded machine with a sanitizer some racers are preempted between load and exchange: some per cent.
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "name: a\nquestion: '?'\nsite: file-owner\nexpect: pass\nstress: {shape: natural, minimum-yield: 0.5}\n",
      to: "a.yaml")
    let command = try Command("run", file, "--processors", "1", "--time", "0.5")
    #expect(command.status == 2, "\(command.output)")
    #expect(command.output.hasPrefix("NOT OK a: vacuous, expected: pass"))
    #expect(command.output.contains("of the populations collided; the scenario requires 50 % (minimum-yield)"))
  }

  @Test func anInterruptReportsWhatIsThere() throws {
    let command = try Command(
      "run", "scenarios/sites/file-owner.yaml", "scenarios/shapes/natural.yaml", "--time", "60", "--collisions",
      "1000000000000", interruptedAfter: 1.5)
    #expect(command.status == 130)
    #expect(command.output.hasPrefix("NOT OK file-owner: interrupted\n"), "\(command.output)")
    #expect(command.output.contains("1 scenario"))
  }

  @Test func theProcessIsAsGoodAsAChild() throws {
    let command = try run("scenarios/sites/file-owner.yaml", "--in-process")
    #expect(command.status == 0, "\(command.output)")
  }

  @Test func jsonIsVersionedAndHasEverything() throws {
    let command = try run("scenarios/sites/file-owner.yaml", "--format", "json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any])
    #expect(document["format"] as? String == "addonrace-report")
    #expect(document["version"] as? Int == 2)
    #expect(document["exitStatus"] as? Int == 0)
    let entry = try #require((document["verdicts"] as? [[String: Any]])?.first)
    #expect(entry["outcome"] as? String == "pass")
    #expect(entry["asExpected"] as? Bool == true)
    let race = try #require(entry["race"] as? [String: Any])
    #expect(race["populations"] as? Int ?? 0 > 0)
    #expect(race["yield"] as? Double ?? 0 > 0.9)
  }

  private func run(_ path: String, _ options: String...) throws -> Command {
    try Command(arguments: ["run", path] + quick + options)
  }

  // MARK: Bad input

  @Test func noFile() throws {
    let command = try Command("run")
    #expect(command.status == 64)
    #expect(command.errors.contains("addonrace run scenarios/sites "), "\(command.errors)")
  }

  @Test func aFileThatIsNotThere() throws {
    for subcommand in ["run", "explore", "check", "bench"] {
      let command = try Command(subcommand, "nowhere.yaml")
      #expect(command.status == 65)
      #expect((command.errors + command.output).contains("nowhere.yaml: error: no such file or folder"))
      #expect(!command.output.contains("invalid"), "it is no verdict: \(command.output)")
    }
    let near = try Command("explore", "scenarios/site/file-owner.yaml")
    #expect(near.errors.contains("did you mean 'scenarios/sites/file-owner.yaml'?"), "\(near.errors)")
  }

  /// What comes along is found by its name, from any folder.
  @Test(
    arguments: ["lease-6.11", "lease-6.11.yaml", "sites/lease-6.11.yaml", "scenarios/hazards", "scenarios/hazards/"])
  func whatComesAlong(_ name: String) throws {
    let folder = try TemporaryFolder()
    let command = try Command(arguments: ["explore", name, "--memory-model", "sc"], folder: folder.url)
    #expect(command.status == 0 && command.output.contains("as expected"), "\(command.errors)")
  }

  /// A site's name is that of its own scenario, whatever else is called like it.
  @Test func aNameThatSeveralHave() throws {
    let folder = try TemporaryFolder()
    let explored = try Command(arguments: ["explore", "file-owner", "--memory-model", "sc"], folder: folder.url)
    #expect(explored.status == 0 && explored.output.contains("1 verdict: 1 as expected"), "\(explored)")
    let checked = try Command(arguments: ["check", "file-owner"], folder: folder.url)
    #expect(checked.output.contains("scenarios/sites/file-owner.yaml"), "\(checked)")
    let none = try Command("explore", "slot-leaks")
    #expect(none.status == 65)
    #expect(
      none.errors.contains("name one: scenarios/code/c/slot-leaks.yaml, scenarios/code/swift/slot-leaks.yaml"),
      "\(none.errors)")
  }

  /// Reports call them by their files.
  @Test func scenariosThatShareAName() throws {
    let folder = try TemporaryFolder()
    let text = try String(
      contentsOf: Command.package.appendingPathComponent("scenarios/sites/file-owner.yaml"), encoding: .utf8)
    let files = try ["one.yaml", "two.yaml"].map { try folder.write(text, to: $0) }
    let explored = try run("explore", [folder.url.path])
    for file in files { #expect(explored.contains("ok     \(file): ")) }
    let raced = try run("run", files)
    for file in files { #expect(raced.contains("ok     \(file): passes") && raced.contains("\n\(file)  pipeline")) }
  }

  private func run(_ subcommand: String, _ paths: [String]) throws -> String {
    let command = try Command(arguments: [subcommand] + paths)
    #expect(command.status == 0, "\(command.errors)")
    return command.output
  }

  @Test func figuresRestOnAMachineASeedAndACommit() throws {
    let version = try Command("--version").output.dropLast()
    // As the tests' own build was told, by the scripts.
    let commit = ProcessInfo.processInfo.environment["ADDONRACE_COMMIT"]
    #expect(version.hasSuffix(commit.map { " (\($0))" } ?? ""), "\(version)")
    #expect(String(version).wholeMatch(of: /\d+\.\d+\.\d+( \([0-9a-f]{8}\+?\))?/) != nil, "\(version)")
    let raced = try Command("run", "scenarios/sites/file-owner.yaml", "--seed", "7").output
    let line = raced.split(separator: "\n").first { $0.hasPrefix("machine: ") }
    #expect(line?.hasSuffix("; seed 7; AddonRace \(version)") == true, "\(line ?? "no such line")")
  }

  /// The shell asks the command itself: for the strategies of the scenario that is named already, or for all.
  @Test func strategiesAreCompleted() throws {
    func offered(_ words: String...) throws -> [Substring] {
      let asked = ["---completion", words[1], "--", "--strategy", "\(words.count - 1)", "0"]
      let shell = ["SAP_SHELL": "bash", "SAP_SHELL_VERSION": "5"]
      return try Command(arguments: asked + words, environment: shell).output.split(separator: "\n")
    }
    let ofFileOwner = try offered("addonrace", "explore", "scenarios/sites/file-owner.yaml", "--strategy", "")
    #expect(ofFileOwner.contains("compare-exchange-recovering") && !ofFileOwner.contains("lock-and-flag"))
    #expect(try offered("addonrace", "run", "--strategy", "").contains("lock-and-flag"))
  }

  /// Nothing is begun that could not come far.
  @Test(
    .enabled(if: BuildKind.current == .plain),
    arguments: [
      ("-n 16", "only 16 files may be open at once"), ("-v 200000", "the address space is limited to 195 MB"),
    ])
  func limitsOfTheSystem(_ limit: String, _ complaint: String) throws {
    let command = try Command(
      arguments: ["-c", "ulimit \(limit); exec \"$0\" explore scenarios/sites/file-owner.yaml", Command.built.path],
      executable: URL(fileURLWithPath: "/bin/sh"))
    #expect(command.status == 71 && command.errors.contains("error: \(complaint)"), "\(command.errors)")
  }

  /// Code that is brought has a heap of its own, and stacks, which take more.
  @Test(.enabled(if: BuildKind.current == .plain)) func memoryThatALimitLeavesNoRoomFor() throws {
    let script = "ulimit -v 600000; exec \"$0\" explore scenarios/code/c/slot.yaml --memory-model sc"
    let command = try Command(
      arguments: ["-c", script, Command.built.path], executable: URL(fileURLWithPath: "/bin/sh"))
    #expect(
      command.status == 65
        && command.output.contains("too large to be explored in the 585 MB of address space that there are (ulimit -v)"),
      "\(command.output)\(command.errors)")
  }

  @Test func aFolderWithNoScenario() throws {
    let folder = try TemporaryFolder()
    for subcommand in ["run", "check"] {
      let command = try Command(subcommand, folder.url.path)
      #expect(command.status == 65)
      #expect((command.errors + command.output).contains("error: no scenario in this folder"))
    }
  }

  @Test func aFileThatIsNotText() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("a.yaml")
    try Data([0xff, 0xfe, 0x00, 0xd8]).write(to: file)
    let command = try Command("check", file.path)
    #expect(command.status == 65)
    #expect(command.output.contains("a.yaml: error: "))
  }

  @Test func outputThatCannotBeWritten() throws {
    let command = try Command(
      "run", "scenarios/sites/file-owner.yaml", "--output", "/nowhere/report.txt")
    #expect(command.status == 73)
    #expect(command.errors.contains("error: cannot write to /nowhere/report.txt: No such file or directory"))
    #expect(command.output.isEmpty, "nothing was run")
  }

  @Test func outputGoesToAFile() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("report.txt")
    let command = try run("scenarios/sites/file-owner.yaml", "--output", file.path)
    #expect(command.status == 0)
    #expect(command.output.isEmpty)
    #expect(try String(contentsOf: file, encoding: .utf8).contains("1 as expected"))
  }

  @Test(arguments: [
    (["--inodes", "7"], "--inodes is 7, out of range; it may be 8 to 65536."),
    (["--spacing", "12"], "--spacing is 12, which is no multiple of 8."),
    (["--strategy", "compare-exchang"], "Did you mean 'compare-exchange'?"),
    (["--strategy", "lock-and-flag"], "Strategy 'lock-and-flag' does not go with site 'file-owner'"),
    (["--racers", "allocate"], "write it as allocate=4,read=1"),
    (["--racers", "allocate=300"], "300 racers are too few or too many; name 2 to 255 in all."),
    (["--racers", "nobody=2"], "Site 'file-owner' has no role 'nobody'"),
    (["--shape", "round"], "round"),
    (["--inode", "64"], "--inode"),
  ])
  func anOptionThatCannotBe(_ options: [String], _ message: String) throws {
    let command = try Command(arguments: ["run", "scenarios/sites/file-owner.yaml"] + options)
    #expect(command.status == 64)
    #expect(command.errors.contains(message), "\(command.errors)")
  }

  @Test func racersOfWhomNobodyDestroys() throws {
    let command = try Command("run", "scenarios/sites/verity-table.yaml", "--racers", "pass=2")
    #expect(command.status == 64)
    #expect(command.errors.contains("Nobody destroys the inodes of 'verity-table'"), "\(command.errors)")
  }

  // MARK: Auditing

  @Test func theAuditOfOneStrategy() throws {
    guard BuildKind.current == .plain else { return }
    let command = try Command("audit", "--only", "loser-leaks", "--time", "5")
    #expect(command.status == 0, "\(command.output)")
    #expect(command.output.contains("file-owner with loser-leaks: loser leak"))
    #expect(command.output.contains("forced    losers-freed, no-leak"))
    #expect(command.output.contains("kernel    losers-freed, no-leak, after 2 executions"))
    #expect(try Command("audit", "--only", "nothing").status == 64)
    #expect(try Command("audit", "--report", "x.what").status == 64)
  }

  /// Verdicts of an audit go to reports and to a journal, from which it goes on.
  @Test func theAuditIsKept() throws {
    guard BuildKind.current == .plain else { return }
    let folder = try TemporaryFolder()
    let (journal, report) = (folder.url.path + "/j.jsonl", folder.url.path + "/r.json")
    let arguments = ["audit", "--only", "loser-frees-twice", "--time", "0.2", "--journal", journal, "--report", report]
    let first = try Command(arguments: arguments)
    let document = try JSONDecoder().decode(
      EncodedReport<EncodedVerdict>.self, from: Data(contentsOf: URL(fileURLWithPath: report)))
    #expect(document.verdicts.count == Audit.shapes.count + MemoryModel.allCases.count)
    #expect(document.verdicts.contains { $0.findings.contains { $0.checker == "losers-freed" } })
    let second = try Command(arguments: arguments + ["--resume"])
    #expect(second.errors.contains("which has 8 verdicts") && second.status == first.status)
    #expect(second.output == first.output)
  }
}

/// What a command printed, compared with a file. `UPDATE_GOLDEN=1` writes the files anew.
enum Golden {
  static func expect(_ text: String, _ name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    let file = folder.appendingPathComponent(
      name.replacingOccurrences(of: " ", with: "-").replacingOccurrences(of: "--", with: "") + ".txt")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    #expect(text == golden, "\(file.lastPathComponent) differs; UPDATE_GOLDEN=1 writes it anew")
  }
}

/// Reports in files: several at once, whole or not at all.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct ReportFileTests {
  private let scenario = "scenarios/faults/loser-leaks.yaml"

  @Test func severalAtOnce() throws {
    let folder = try TemporaryFolder()
    let files = ["a.xml", "a.sarif", "a.ktap", "a.md", "a.jsonl", "a.json"].map { folder.url.path + "/" + $0 }
    let command = try Command(arguments: ["explore", scenario] + files.flatMap { ["--report", $0] })
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.output.contains("loser-leaks"))
    for file in files { #expect(try !String(contentsOfFile: file, encoding: .utf8).isEmpty, "\(file)") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == files.count)
  }

  @Test(arguments: [
    (["--output", "/dev/full"], 73, "cannot write to /dev/full: No space left on device"),
    (["--output", "/"], 73, "cannot write to /: Is a directory"),
    (["--report", "/nowhere/a.xml"], 73, "cannot write to /nowhere/a.xml: No such file or directory"),
    (["--report", "a.xmll"], 64, "did you mean 'xml'?"),
  ])
  func whatCannotBeWritten(_ options: [String], _ status: Int32, _ message: String) throws {
    let command = try Command(arguments: ["explore", scenario, "--memory-model", "sc"] + options)
    #expect(command.status == status)
    #expect(command.errors.contains(message), "\(command.errors)")
  }

  @Test func whatIsKnownDoesNotFail() throws {
    let folder = try TemporaryFolder()
    let baseline = folder.url.path + "/baseline.json"
    let leaking = ["explore", "scenarios/sites/file-owner.yaml", "--memory-model", "sc", "--strategy"]
    #expect(try Command(arguments: leaking + ["loser-leaks", "--report", baseline]).status == 1)
    let known = try Command(arguments: leaking + ["loser-leaks", "--baseline", baseline])
    #expect(known.status == 0, "\(known.output)")
    #expect(known.output.contains("known from the baseline"))
    let file = folder.url.path + "/known.json"
    _ = try Command(arguments: leaking + ["loser-leaks", "--baseline", baseline, "--report", file])
    let report = try JSONDecoder().decode(
      EncodedReport<EncodedVerdict>.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    #expect(report.exitStatus == 0 && !report.verdicts[0].asExpected)
    #expect(try Command(arguments: leaking + ["winner-freed", "--baseline", baseline]).status == 1, "this one is new")
  }

  @Test(arguments: [
    ("nowhere.json", "cannot be read"), ("README.md", "is not a report"), ("scenarios", "cannot be read"),
  ])
  func whatIsNoBaseline(_ path: String, _ message: String) throws {
    let command = try Command("explore", scenario, "--baseline", path)
    #expect(command.status == 65)
    #expect(command.errors.contains("the baseline \(path) \(message)"), "\(command.errors)")
    #expect(command.errors.contains("--report baseline.json"))
  }

  /// An earlier report stays until the new one is whole.
  @Test func aReportThatWasThereIsReplacedWhole() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("earlier", to: "a.xml")
    let failed = try Command("explore", "scenarios/nowhere.yaml", "--report", file)
    #expect(failed.status != 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.xml"])
    let command = try Command("explore", scenario, "--memory-model", "sc", "--report", file)
    #expect(command.status == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8).contains("<testsuites"))
  }
}

/// What a person sees of many scenarios.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct BriefReportTests {
  @Test func aLineForEachOfMany() throws {
    let lines = try Command("explore", "scenarios/faults", "--memory-model", "sc,tso", executable: Command.released)
      .output.split(separator: "\n")
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(Command.package.path)/scenarios/faults").count
    #expect(lines.prefix(files).allSatisfy { $0.hasPrefix("ok     ") })
    #expect(lines.contains("ok     relaxed-read: holds"))
    #expect(lines.contains("ok     setter-unfenced: holds under sc; fails (assertion) under tso"))
    #expect(lines.contains { $0.hasPrefix("scenarios/faults ") && $0.contains("\(2 * files)") })
    #expect(lines.count < files + 12, "and a summary")
  }

  @Test func figuresAndDetailsOnDemand() throws {
    let folder = ["explore", "scenarios/hazards", "scenarios/shapes/natural.yaml", "scenarios/shapes/delay.yaml"]
    let brief = try Command(arguments: folder + ["--memory-model", "sc"])
    #expect(!brief.output.contains("thousand/s"))
    #expect(try Command(arguments: folder + ["--memory-model", "sc", "--figures"]).output.contains("thousand/s"))
    #expect(try Command(arguments: folder + ["--memory-model", "sc", "--verbose"]).output.contains("holds in all"))
  }

  @Test func coloursAreAskedFor() throws {
    let scenario = "scenarios/faults/loser-leaks.yaml"
    #expect(try !Command("explore", scenario).output.contains("\u{1b}["))
    #expect(try Command("explore", scenario, "--colour", "always").output.contains("\u{1b}[32m"))
  }
}
