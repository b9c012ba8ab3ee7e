import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// Every command that README.md and the articles show, run: it ends as they say, and prints what they quote where that is the
/// same each time.
@Suite(
  .serialized,
  .enabled(if: BuildKind.current == .plain && ProcessInfo.processInfo.environment["ADDONRACE_RELEASE"] != nil))
struct DocumentedCommandTests {
  /// A command, and the lines that are quoted below it.
  struct Documented: CustomTestStringConvertible, Sendable {
    var file: String
    var line: Int
    var words: String
    var quoted: [String]
    var testDescription: String { "\(file):\(line): \(words)" }
  }

  /// What is not run here, by how it begins, and why.
  private static let notRun = [
    "run scenarios --format", "run scenarios#", "audit#", "explore scenarios --", "explore scenarios#",
    "bench scenarios/bench#",
    "bench scenarios/bench --", "bench scenarios/layout",  // minutes; scripts/run.sh and other tests have them
    "bench scenarios/bench/watches-come-and-go.yaml", "bench scenarios/bench/file-owner.yaml --sweep",
    "bench scenarios/code/kernel/file-owner.c", "bench mine.c",  // racers with an object, which `new candidate` has not
    "explore scenarios/sites/file-owner-c11.yaml --memory-model c11 --no-symmetry",  // a million executions
    "explore --from", "merge", "campaign",  // FrontierTests, CampaignTests
    "results",  // ResultsCommandTests
    "explore /usr/src",  // a kernel tree
    "explore first.cpp", "explore tests/SB.litmus", "check my-scenario.yaml",  // files of the reader's
  ]

  /// Those that end otherwise than with 0 though nothing quoted says so.
  private static let statuses: [String: Int32] = [
    "run scenarios/sites/file-owner.yaml --strategy store-after-check": 1,
    "explore scenarios/code/c/slot.c --memory-model c11 -- -DLEAKS": 1,
  ]

  private static let files =
    ["README.md"]
    + ((try? FileManager.default.contentsOfDirectory(
      atPath: Command.package.appendingPathComponent("Sources/AddonRace/AddonRace.docc").path)) ?? [])
    .filter { $0.hasSuffix(".md") }.sorted().map { "Sources/AddonRace/AddonRace.docc/\($0)" }

  static let all: [Documented] = files.flatMap { file in
    let text = (try? String(contentsOf: Command.package.appendingPathComponent(file), encoding: .utf8)) ?? ""
    return commands(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init), file)
  }

  private static func commands(_ lines: [String], _ file: String) -> [Documented] {
    var found: [Documented] = []
    var index = 0
    while index < lines.count {
      let start = index
      var line = lines[index]
      index += 1
      guard line.hasPrefix("    addonrace ") || line.hasPrefix("    $ addonrace ") else { continue }
      while line.hasSuffix("\\"), index < lines.count {
        line = line.dropLast() + lines[index].trimmingCharacters(in: .whitespaces)
        index += 1
      }
      let isQuoted = line.hasPrefix("    $ ")
      var quoted: [String] = []
      while isQuoted, index < lines.count, lines[index].hasPrefix("    "), !lines[index].hasPrefix("    $ ") {
        quoted.append(lines[index].trimmingCharacters(in: .whitespaces))
        index += 1
      }
      // What stands behind wide space says what the command is for.
      let words = line.replacing("    $ ", with: "").trimmingCharacters(in: .whitespaces)
        .replacing(/\ \ +.*$/, with: "").replacing("addonrace ", with: "", maxReplacements: 1)
      found.append(Documented(file: file, line: start + 1, words: words, quoted: quoted))
    }
    return found
  }

  private static func isRun(_ command: Documented) -> Bool {
    !notRun.contains { beginning in
      beginning.hasSuffix("#") ? command.words == beginning.dropLast() : command.words.hasPrefix(beginning)
    }
  }

  @Test func thereAreMany() { #expect(Self.all.count > 60 && Self.all.count(where: Self.isRun) >= 30) }

  @Test(arguments: all.filter(isRun)) func command(_ documented: Documented) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      at: folder.url.appendingPathComponent("scenarios"),
      withDestinationURL: Command.package.appendingPathComponent("scenarios"))
    if documented.words.contains("mine.c"), !documented.words.hasPrefix("new ") {
      _ = try Command(arguments: ["new", "candidate", "mine.c"], executable: Command.released, folder: folder.url)
    }
    let words = documented.words.split(separator: " ").map { String($0).replacing("\"", with: "") }
    let command = try Command(arguments: words, executable: Command.released, folder: folder.url)
    let printed = command.output + command.errors
    let isNotOK = documented.quoted.contains { $0.contains("NOT OK") }
    #expect(command.status == Self.statuses[documented.words] ?? (isNotOK ? 1 : 0), "\(printed)")
    guard words[0] == "explore" else { return }
    let lines = Set(printed.split(separator: "\n").map { Self.squeezed(String($0)) })
    for line in documented.quoted where !line.isEmpty && line != "..." {
      #expect(lines.contains(Self.squeezed(line)), "not printed: \(line)")
    }
  }

  private static func squeezed(_ line: String) -> String {
    line.split(separator: " ").joined(separator: " ")
  }
}
