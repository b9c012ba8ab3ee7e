import AddonRace
import ArgumentParser
import Foundation

/// The whole command. A package of one's own makes it its own, with its catalogs and checkers:
///
///     AddonRaceCommand.main(catalogs: [MyCatalog.self], checkers: [MyChecker()])
public struct AddonRaceCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "addonrace",
    abstract: "Races threads for the lazy allocation of addons, and checks that exactly one wins.",
    discussion: """
      A scenario file names a site (a model of one real place that allocates lazily), a strategy (the algorithm that \
      populates one slot), racers, and what is expected. `run` races it on real threads and real atomics.

        addonrace run scenarios                 race every scenario of a folder
        addonrace run scenarios/sites/file-owner.yaml --shape natural --time 5
        addonrace explore scenarios             visit every execution that four memory models allow
        addonrace list                          the sites, strategies, faults and checkers
        addonrace audit                         which checker catches which fault, in which shape
        addonrace bench scenarios/bench         what strategies cost, next to C11 by hand

      Exit status, of which the worst counts: 0 all as expected; 2 vacuous or inconclusive; 1 not as expected; \
      3 crashed or timed out; 65 invalid scenario; 64 wrong usage; 130 interrupted; 73 output cannot be written.
      """,
    version: Product.build,
    subcommands: [
      RunCommand.self, ExploreCommand.self, ReplayCommand.self, ListCommand.self, CheckCommand.self, AuditCommand.self,
      BenchCommand.self, MergeCommand.self, CampaignCommand.self, ResultsCommand.self, NewCommand.self,
      ChildCommand.self,
    ],
    helpNames: [.short, .long])

  public init() {}

  /// Parses the command line and runs what it says, with Linux's sites and these.
  public static func main(catalogs: [any Catalog.Type] = [], checkers: [any Checker] = []) {
    SystemLimits.holdStandardFiles()
    do throws(RegistryError) {
      chosenHarness = try Harness(catalogs: [LinuxCatalog.self] + catalogs, checkers: checkers)
    } catch {
      for complaint in error.complaints { StandardError.print("error: \(complaint)") }
      Foundation.exit(ExitStatus.invalid.code)
    }
    SystemLimits.takeOrEnd()
    // What stands behind -- is for the compiler of code that is named; but a shell that asks for completions has its own use of it.
    let words = CommandLine.arguments.dropFirst()
    let asksForCompletions = words.first == "---completion"
    let own = Array(words.prefix { $0 != "--" || asksForCompletions })
    compilerFlags = Array(words.dropFirst(own.count + 1))
    main(own)
  }

  /// Set once, before anything is parsed; those of a frontier stand in it.
  nonisolated(unsafe) static var compilerFlags: [String] = []

  /// What commands work with. Set once, before anything is parsed.
  static var harness: Harness { chosenHarness ?? Harness() }
  nonisolated(unsafe) private static var chosenHarness: Harness?
}

/// The other side of `Children`.
struct ChildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Children.subcommand, abstract: "Does one job for its parent.", shouldDisplay: false)

  @Option var page: String
  @Option var parent: Int32
  @Option var pool: String?
  @Option var slots = 1

  func run() throws {
    let children = Children(AddonRaceCommand.harness, pool: pool.flatMap { WorkerPool(path: $0, count: slots) })
    throw ExitCode(children.serve(page: page, parent: parent))
  }
}

enum StandardError {
  static func print(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
