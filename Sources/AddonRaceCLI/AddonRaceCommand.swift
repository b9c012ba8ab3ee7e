import AddonRace
import ArgumentParser
import Foundation

@main
struct AddonRaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "addonrace",
    abstract: "Races threads for the lazy allocation of addons, and checks that exactly one wins.",
    discussion: """
      A scenario file names a site (a model of one real place that allocates lazily), a strategy (the algorithm that \
      populates one slot), racers, and what is expected. `run` races it on real threads and real atomics.

        addonrace run scenarios                 race every scenario of a folder
        addonrace run scenarios/sites/file-owner.yaml --shape natural --time 5
        addonrace explore scenarios             visit every execution that four memory models allow
        addonrace list                          what there is to race
        addonrace audit                         which checker catches which fault, in which shape
        addonrace bench scenarios/bench         what strategies cost, next to C11 by hand

      Exit status, of which the worst counts: 0 all as expected; 2 vacuous or inconclusive; 1 not as expected; \
      3 crashed or timed out; 65 invalid scenario; 64 wrong usage; 130 interrupted; 73 output cannot be written.
      """,
    version: "0.1.0",
    subcommands: [
      RunCommand.self, ExploreCommand.self, ReplayCommand.self, ListCommand.self, CheckCommand.self, AuditCommand.self,
      BenchCommand.self, ChildCommand.self,
    ],
    helpNames: [.short, .long])
}

/// The other side of `Children`.
struct ChildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Children.subcommand, abstract: "Races one scenario for its parent.", shouldDisplay: false)

  @Option var page: String
  @Option var parent: Int32

  func run() throws { throw ExitCode(Children.serve(page: page, parent: parent)) }
}

extension ReportFormatName: ExpressibleByArgument {}

/// The formats by name, for the command line.
struct ReportFormatName: RawRepresentable, CaseIterable {
  let rawValue: String
  static let allCases = ReportCatalog.all.map { ReportFormatName(name: $0.name) }
  private init(name: String) { rawValue = name }
  init?(rawValue: String) {
    guard ReportCatalog.all.contains(where: { $0.name == rawValue }) else { return nil }
    self.rawValue = rawValue
  }
  var format: any ReportFormat.Type { ReportCatalog.all.first { $0.name == rawValue } ?? ReportCatalog.all[0] }
}
