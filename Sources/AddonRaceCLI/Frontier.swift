import AddonRace
import ArgumentParser
import Foundation

/// One exploration, divided into parts that can be explored anywhere: what `explore --frontier` writes and `explore --from`
/// reads.
///
/// A part is a set of subtrees of the search. Its number follows from where they are in the search, which is the same in
/// every process, so that the file holds no graphs: it says what is explored, and how deep the cut is.
struct Frontier: Codable {
  static let format = "addonrace-frontier"
  static let version = 1

  var format = Self.format
  var version = Self.version
  /// Of the program that wrote it.
  var program = Product.version
  /// What `addonrace explore` was told, without the options of frontiers.
  var arguments: [String]
  /// What stood behind `--`.
  var compilerFlags: [String]?
  /// Of what is explored: the scenario as it was resolved, and the model.
  var key: String
  var scenario: String
  var model: MemoryModel
  /// Runs below the first execution at which the cut is.
  var level: Int
  /// Subtrees that begin there, and the parts into which they are divided.
  var subtrees: Int
  var parts: Int

  func part(_ shard: Shard) -> ExplorationPart {
    ExplorationPart(level: level, parts: parts, shard: shard.number, shards: shard.count)
  }

  func write(to path: String) throws {
    let sink = try ReportSink(path)
    try sink.print(JSONText.of(self, isIndented: true))
    try sink.close()
  }

  /// Reads one, or says what is wrong with the file and ends with status 65.
  static func read(_ path: String) throws -> Frontier {
    struct Head: Decodable { let format: String, version: Int }
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
      throw invalid(
        "the frontier \(path) cannot be read", "write one with `addonrace explore SCENARIO --frontier \(path)`")
    }
    guard let head = try? JSONDecoder().decode(Head.self, from: data), head.format == format else {
      throw invalid("\(path) is not a frontier", "write one with `addonrace explore SCENARIO --frontier \(path)`")
    }
    guard head.version == version, let frontier = try? JSONDecoder().decode(Frontier.self, from: data) else {
      throw invalid(
        "\(path) is a frontier of version \(head.version); this program knows version \(version)",
        "write it anew with this program")
    }
    guard frontier.program == Product.version else {
      throw invalid(
        "\(path) is a frontier of program version \(frontier.program); this is \(Product.version)",
        "explore all parts with the program that wrote it, or write it anew")
    }
    return frontier
  }

  static func invalid(_ message: String, _ remedy: String) -> ExitCode {
    StandardError.print("error: \(message)\n    \(remedy)")
    return ExitCode(ExitStatus.invalid.code)
  }

  /// What is explored: one scenario under one model. `arguments` are the command's.
  init(_ work: [(scenario: Scenario, file: String, model: MemoryModel)], arguments: [String], parts: Int) throws {
    guard let (scenario, file, model) = work.first, work.count == 1 else {
      throw Self.invalid(
        "a frontier is of one scenario under one model; here are \(work.count)",
        "name one file, and one model with --memory-model")
    }
    do throws(EngineError) {
      (level, subtrees) = try AddonRaceCommand.harness.frontier(scenario, model, parts: parts)
    } catch {
      throw Self.invalid(error.description, "addonrace check \(ShellWord.quoted(file))")
    }
    self.arguments = Self.withoutOptions(arguments.prefix { $0 != "--" })
    compilerFlags = AddonRaceCommand.compilerFlags
    self.parts = parts
    self.model = model
    self.scenario = scenario.name
    key = JournalKey(scenario, .explore(model), file: file).description
  }

  /// Without the options that say where the frontier goes, and how results are shown.
  private static func withoutOptions(_ arguments: ArraySlice<String>) -> [String] {
    var words: [String] = []
    var skips = false
    let options = ["--frontier", "--parts", "-n", "--journal", "--jobs", "--report", "-o", "--output", "--format"]
    for word in arguments {
      if skips {
        skips = false
      } else if options.contains(word) {
        skips = true
      } else if !options.contains(where: { word.hasPrefix("\($0)=") }) {
        words.append(word)
      }
    }
    return words
  }
}

/// Options of explorations that are divided.
struct FrontierOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Explore nothing: write to this file how the exploration of one scenario under one model is divided into parts.",
      valueName: "file"))
  var frontier: String?
  @Option(
    name: [.customShort("n"), .long], help: ArgumentHelp("With --frontier: into how many parts.", valueName: "parts"))
  var parts = 64
  @Option(
    help: ArgumentHelp(
      "Explore what a frontier says: with --shard k/n, every n-th of its parts; `addonrace merge` adds up the journals.",
      valueName: "file"))
  var from: String?

  private static let mostParts = 1 << 20

  func validate() throws {
    if frontier != nil, from != nil { throw ValidationError("--frontier and --from do not go together.") }
    if !(1...Self.mostParts).contains(parts) {
      throw ValidationError("--parts is \(parts); it may be 1 to \(Self.mostParts).")
    }
  }
}
