import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// Sanitizers watch the explorer, which is one thread, in its own tests: what a command prints of it is the same.
@Suite(.serialized, .enabled(if: BuildKind.current == .plain)) struct ExploreCommandTests {
  private static let faults = "scenarios/faults"

  /// In the release build, if there is one: exploring them all takes minutes without optimisation.
  @Test func everyScenarioIsAsItExpects() throws {
    let folders = ["scenarios/sites", Self.faults, "scenarios/hazards", "scenarios/lifecycle"]
    let files = try folders.reduce(0) { try $0 + FileManager.default.contentsOfDirectory(atPath: $1).count }
    let command = try Command(arguments: ["explore"] + folders, executable: Command.released)
    #expect(command.status == 0, "\(command.output)")
    #expect(command.output.contains(": \(4 * files) as expected"), "a verdict for each file in each model")
  }

  @Test func aVerdictForEachModel() throws {
    let command = try Command("explore", "\(Self.faults)/relaxed-failure.yaml")
    #expect(command.status == 0)
    for line in ["sc      holds", "tso     holds", "c11     fails", "kernel  holds"] {
      #expect(command.output.contains(line), "\(command.output)")
    }
  }

  @Test func theExplainingExecution() throws {
    let folder = try TemporaryFolder()
    let dot = folder.url.appendingPathComponent("execution.dot").path
    let file = "\(Self.faults)/loser-leaks.yaml"
    let command = try Command("explore", file, "--memory-model", "c11", "--explain", "--dot", dot)
    #expect(command.status == 0)
    #expect(command.output.contains("compare-exchange, lost acquire f_owner: allocation 0 [of 9]"))
    #if canImport(Runtime)
      #expect(command.output.contains("LoserLeaks.swift:18"))
    #endif
    #expect(!command.output.contains("STALE"), "it is sequentially consistent, and shown so")
    let graph = try String(contentsOfFile: dot, encoding: .utf8)
    #expect(graph.hasPrefix("digraph execution {"))
    #expect(graph.contains("label=rf"))

    let line = try #require(command.output.split(separator: "\n").first { $0.contains("replay: addonrace ") })
    let words = line.split(separator: " ").map(String.init)
    let replay = try Command(arguments: Array(words.drop { $0 != "addonrace" }.dropFirst()))
    #expect(replay.status == 1)
    #expect(replay.output.contains("no-leak: allocation 1 is alive at quiescence"))
    let foreign = try Command("replay", "\(Self.faults)/winner-freed.yaml", words[words.count - 1])
    #expect(foreign.status == 65)
    #expect(foreign.errors.contains("not of scenario"))
  }

  @Test func whereItGoesWrongIsMarked() throws {
    let command = try Command(
      "explore", "\(Self.faults)/flag-not-released.yaml", "--memory-model", "c11", "--explain")
    #expect(command.status == 0)
    #expect(command.output.contains("<<<"))
  }

  @Test func aBudgetOfMemory() throws {
    let command = try Command(
      "explore", "scenarios/sites/file-owner-c11.yaml", "--racers", "allocate=32", "--inodes", "8", "--no-symmetry",
      "--memory-model", "c11", "--memory", "1")
    #expect(command.status == 2)
    #expect(command.output.contains("the budget of 1 MB is spent"))
  }

  @Test func anUnexpectedFailureIsExplainedAndFails() throws {
    let command = try Command(
      "explore", "scenarios/sites/file-owner.yaml", "--strategy", "store-after-check", "--memory-model", "sc")
    #expect(command.status == 1)
    #expect(command.output.hasPrefix("NOT OK file-owner: "))
    #expect(command.output.contains("An execution that shows it, under sc"))
    #expect(command.output.contains("again: addonrace explore scenarios/sites/file-owner.yaml"))
  }

  @Test(arguments: [
    (["--memory-model", "c12"], "did you mean 'c11'?"), (["--racers", "allocate=65"], "name 1 to 64 in all"),
    (["--inodes", "0"], "--inodes is 0, out of range; it may be 1 to 16."),
    (["--strategy", "compare-exchang"], "Did you mean"),
  ])
  func anOptionThatCannotBe(_ options: [String], _ message: String) throws {
    let command = try Command(arguments: ["explore", "scenarios/sites/file-owner.yaml"] + options)
    #expect(command.status == 64)
    #expect(command.errors.contains(message), "\(command.errors)")
  }

  @Test func aBrokenToken() throws {
    let command = try Command("replay", "scenarios/sites/file-owner.yaml", "ar1:c11")
    #expect(command.status == 65)
    #expect(command.errors.contains("the token is broken: copy it whole"))
  }

  @Test func tooLargeIsSaidBeforehandAndInconclusive() throws {
    let command = try Command(
      "explore", "scenarios/sites/file-owner-c11.yaml", "--racers", "allocate=8", "--inodes", "4", "--no-symmetry",
      "--memory-model", "sc", "--executions", "2000")
    #expect(command.status == 2)
    #expect(command.errors.contains("it cannot be explored whole"))
    #expect(command.output.contains("the budget of 2000 executions is spent"))
  }

  @Test func runExploresToo() throws {
    let command = try Command("run", "scenarios/sites/file-owner.yaml", "--engine", "explore")
    #expect(command.status == 0)
    #expect(command.output.contains("kernel  holds in all 2 executions (identical racers counted once)"))
  }

  /// What is said of a race is said of its exploration too, by the same names, and comes back in the command for it.
  @Test func runExploresWithWhatItIsTold() throws {
    let command = try Command(
      "run", "scenarios/sites/file-owner.yaml", "--engine", "explore", "--racers", "allocate=1", "--inodes", "2")
    #expect(command.status == 0, "\(command.errors)")
    #expect(command.output.contains("kernel  holds in the one execution"))
    let wrong = try Command("run", "scenarios/sites/file-owner.yaml", "--engine", "explore", "--shape", "forced")
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("--shape is no setting of `addonrace explore`; leave it out."))
    let again = try Command(
      "run", "scenarios/sites/file-owner.yaml", "--engine", "explore", "--strategy", "loser-leaks", "--racers",
      "allocate=2", "--inodes", "2", "--seed", "5")
    #expect(again.status == 1)
    #expect(
      again.output.contains(
        "again: addonrace explore scenarios/sites/file-owner.yaml --strategy loser-leaks --racers allocate=2 "
          + "--memory-model kernel --inodes 2 --seed 5"), "\(again.output)")
  }

  /// From stress to trace.
  @Test(arguments: ["store-after-check", "loser-impossible"])
  func aFailureUnderStressIsExplained(_ strategy: String) throws {
    let command = try Command(
      "run", "scenarios/sites/file-owner.yaml", "--strategy", strategy, "--shape", "forced", "--time", "20")
    #expect(command.status == (strategy == "loser-impossible" ? 3 : 1))
    #expect(command.output.contains("An execution that shows it, under tso"), "\(command.output)")
    #expect(command.output.contains("replay: addonrace replay scenarios/sites/file-owner.yaml --strategy \(strategy)"))
  }

  @Test func asJSON() throws {
    let command = try Command("explore", "\(Self.faults)/relaxed-publish.yaml", "--format", "json")
    let document = try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any]
    let verdicts = try #require(document?["verdicts"] as? [[String: Any]])
    #expect(verdicts.count == 4)
    let last = try #require(verdicts.last)
    #expect(last["memoryModel"] as? String == "kernel")
    #expect(last["outcome"] as? String == "fail")
    #expect((last["counterexample"] as? [String: Any])?["token"] is String)
  }
}

/// Code is explored as it is named.
@Suite(.enabled(if: BuildKind.current == .plain)) struct CodeCommandTests {
  private static let slot = "scenarios/code/c/slot.c"

  @Test func levelsOfOptimisation() throws {
    let command = try Command(
      arguments: ["explore", Self.slot, "--memory-model", "c11", "--optimise", "0,2", "--", "-DLEAKS"])
    #expect(command.status == 1, "\(command.errors)")
    #expect(command.output.contains("slot.c -O0") && command.output.contains("slot.c -O2"))
    #expect(try Command(arguments: ["explore", Self.slot, "--optimise", "0,7"]).status == 64)
  }

  @Test func allocationsMayFail() throws {
    let command = try Command(arguments: ["explore", Self.slot, "--memory-model", "sc", "--malloc-may-fail"])
    #expect(command.status == 1 && command.output.contains("through a NULL pointer"), "\(command.output)")
  }

  @Test func racedAndMeasured() throws {
    let raced = try Command(
      arguments: ["run", Self.slot, "--time", "0.5", "--minimum-yield", "0", "--", "-DLEAKS"])
    #expect(raced.status == 1 && raced.output.contains("no-leak"), "\(raced.output)")
    let program = try Command(arguments: ["bench", Self.slot, "--processes", "1"])
    #expect(program.status == 65 && program.errors.contains("a whole program has no visit to measure"))
    let racers = try Command(
      arguments: [
        "bench", "scenarios/code/kernel/file-owner.c", "--processes", "1", "--repetitions", "11", "--inodes", "64",
      ])
    #expect(racers.status != 65 && racers.output.contains("file-owner.c: set"), "\(racers.errors)")
  }
}

/// Litmus tests of the kernel, by the command.
@Suite struct LitmusCommandTests {
  private static let storeBuffering = """
    C SB
    (* Result: Sometimes *)
    {}
    P0(int *x, int *y) { int r0; WRITE_ONCE(*x, 1); r0 = READ_ONCE(*y); }
    P1(int *x, int *y) { int r0; WRITE_ONCE(*y, 1); r0 = READ_ONCE(*x); }
    exists (0:r0=0 /\\ 1:r0=0)
    """

  @Test func statesAndAnObservation() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.storeBuffering, to: "sb.litmus")
    let kernel = try Command("explore", file)
    #expect(kernel.status == 0)
    let lines = ["States 4", "0:r0=0; 1:r0=0;", "Ok", "Positive: 1 Negative: 3", "Observation SB Sometimes 1 3"]
    for line in lines { #expect(kernel.output.contains(line + "\n"), "\(kernel.output)") }
    let sc = try Command("explore", file, "--memory-model", "sc")
    #expect(sc.output.contains("Observation SB Never 0 3"), "\(sc.output)")
  }

  @Test func aFolderIsALineEach() throws {
    let folder = try TemporaryFolder()
    for number in 1...4 { _ = try folder.write(Self.storeBuffering, to: "\(number).litmus") }
    _ = try folder.write(Self.storeBuffering.replacing("Sometimes", with: "Never"), to: "5.litmus")
    _ = try folder.write("C broken\n{}\nP0(int *x) { WRITE_ONE(*x, 1); }\nexists (x=1)", to: "6.litmus")
    let command = try Command("explore", folder.url.path)
    #expect(command.status == 65)
    #expect(command.output.contains("ok     SB: Sometimes (4 executions)"), "\(command.output)")
    #expect(command.output.contains("NOT OK SB: Sometimes (4 executions): its header says Never"))
    #expect(command.output.contains("6.litmus:3:14: error: 'WRITE_ONE' is not known\n    did you mean 'WRITE_ONCE'?"))
    #expect(command.output.contains("6 litmus tests: 5 Sometimes; 2 not ok: 5.litmus, 6.litmus"))

    let encoded = try Command("explore", folder.url.path, "--format", "jsonl", "--no-journal")
    let documents = try encoded.output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(documents.map { $0?["status"] as? Int } == [0, 0, 0, 0, 1, 65])
    #expect(documents[0]?["observation"] as? String == "Sometimes")
    #expect(documents[4]?["header"] as? String == "Never")
    #expect((documents[0]?["states"] as? [Any])?.count == 4)
  }

  /// As those of scenarios: what a header says otherwise fails, with the execution that shows it.
  @Test func reports() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.storeBuffering, to: "1.litmus")
    _ = try folder.write(Self.storeBuffering.replacing("Sometimes", with: "Never"), to: "2.litmus")
    let xml = folder.url.appendingPathComponent("report.xml").path
    let command = try Command("explore", folder.url.path, "--format", "ktap", "--report", xml, "--no-journal")
    #expect(command.status == 1, "\(command.errors)")
    #expect(command.output.contains("ok 1 SB (kernel)\n"), "\(command.output)")
    #expect(command.output.contains("# observation: Sometimes, but its header says Never"), "\(command.output)")
    let written = try String(contentsOfFile: xml, encoding: .utf8)
    #expect(written.contains(#"tests="2" failures="1" errors="0""#) && written.contains("load y: 0"), "\(written)")
  }

  /// What crashed has no outcome, and is a failure.
  @Test func aCrashIsAFailure() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      """
      C through-null
      { p=x; x=5; }
      P0(int **p, int *x) { int *a; int r; a = READ_ONCE(*p); r = READ_ONCE(*a); }
      P1(int **p, int *x) { WRITE_ONCE(*p, 0); }
      exists (0:r=5)
      """, to: "null.litmus")
    let command = try Command("explore", file, "--memory-model", "sc", "--format", "junit")
    #expect(command.status == 1)
    #expect(command.output.contains(#"type="crash""#), "\(command.output)")
    #expect(!command.output.contains("budget"))
  }

  /// Verdicts of litmus tests are kept, and added up, as those of scenarios are.
  @Test func journalsAndShards() throws {
    let folder = try TemporaryFolder()
    for number in 1...8 { _ = try folder.write(Self.storeBuffering, to: "\(number).litmus") }
    var journals: [String] = []
    for shard in 1...2 {
      journals.append(folder.url.appendingPathComponent("\(shard).jsonl").path)
      let command = try Command(
        "explore", folder.url.path, "--shard", "\(shard)/2", "--journal", journals[shard - 1], "--format", "jsonl")
      #expect(command.status == 0, "\(command.errors)")
    }
    let merged = try Command(arguments: ["merge"] + journals)
    #expect(merged.status == 0 && merged.output.contains("8 verdicts: 8 as expected"), "\(merged)")
    let half = try Command("merge", journals[0])
    #expect(half.status != 0, "\(half)")
  }
}
