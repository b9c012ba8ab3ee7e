import AddonRace
import ArgumentParser
import Foundation

#if Results
  import Results

  struct ResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "results", abstract: "What many runs came to: kept in SQLite, made from journals.",
      discussion: """
        Each command takes in the journals of the user's state folder first, and those that --journal names. A journal is \
        taken once, however often; one that has grown is taken again.
        """,
      subcommands: [Runs.self, Compare.self, Findings.self, Finding.self, Trend.self], defaultSubcommand: Runs.self)
  }

  struct DatabaseOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp("The database; by default results.sqlite in the user's state folder.", valueName: "file"))
    var database: String?
    @Option(
      parsing: .upToNextOption,
      help: ArgumentHelp("Take in these journals instead of the state folder's.", valueName: "file"))
    var journal: [String] = []

    /// The database, with the journals taken in.
    func open() throws -> ResultsDatabase {
      // The folder may hold journals of other versions.
      let journals = journal.isEmpty ? JournalFolder.files.filter { JournalReading.head($0) != nil } : journal
      return try answering { try ResultsDatabase.open(database, taking: journals) }
    }
  }

  extension ResultsDatabase {
    /// The database of this name, or the user's, with the journals taken in.
    static func open(_ path: String? = nil, taking journals: [String]) throws -> ResultsDatabase {
      if path == nil {
        try? FileManager.default.createDirectory(atPath: JournalFolder.path, withIntermediateDirectories: true)
      }
      let results = try ResultsDatabase(path ?? JournalFolder.path + "/results.sqlite")
      for journal in journals {
        let bytes = (try? FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int) ?? 0
        if let head = JournalReading.head(journal), try results.has(head.id, bytes: bytes) { continue }
        try results.add(try Journal.read(journal), bytes: bytes, AddonRaceCommand.harness)
      }
      return results
    }
  }

  /// Ends with a message where the database cannot be used.
  private func answering<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as ResultsDatabase.Unusable {
      StandardError.print("error: \(error)")
      throw ExitCode(74)
    }
  }

  private func when(_ time: Double) -> String {
    Date(timeIntervalSince1970: time).formatted(.iso8601.dateTimeSeparator(.space).timeSeparator(.colon))
  }

  private func print(_ head: [String], _ rows: [[String]]) {
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    for row in [head] + rows {
      let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
      Swift.print(cells.joined(separator: "  ").replacing(/\ +$/, with: ""))
    }
  }

  extension ResultsCommand {
    struct Runs: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "The runs, the latest last.")
      @OptionGroup var options: DatabaseOptions

      func run() throws {
        let runs = try answering { try options.open().runs() }
        print(
          ["run", "started", "verdicts", "not ok", "machine", "revision", "command"],
          runs.map {
            [
              String($0.id.prefix(8)), when($0.started), "\($0.verdicts)", "\($0.unexpected)", $0.machine,
              String(($0.revision ?? "-").prefix(8)), String($0.command.prefix(60)),
            ]
          })
      }
    }

    struct Compare: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Verdicts that differ between two runs. Exit status 1 if there are any.")
      @Argument(help: "The earlier run: its name in `addonrace results`, or how that begins.") var before: String
      @Argument(help: "The later run.") var after: String
      @OptionGroup var options: DatabaseOptions

      func run() throws {
        let results = try options.open()
        let ids = try answering { try results.runs().map(\.id) }
        func run(_ name: String) throws -> String {
          let found = ids.filter { $0.hasPrefix(name) }
          guard found.count == 1 else {
            throw ValidationError(
              found.isEmpty
                ? "There is no run \(name); `addonrace results` lists them." : "\(name) begins \(found.count) runs.")
          }
          return found[0]
        }
        let differences = try answering { try results.differences(run(before), run(after)) }
        if differences.isEmpty { return Swift.print("the same verdicts") }
        print(
          ["scenario", "engine", "before", "after"],
          differences.map { [$0.scenario, $0.engine, $0.before ?? "-", $0.after ?? "-"] })
        throw ExitCode(1)
      }
    }

    struct Findings: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Each finding once: first and last seen, shortest trace.")
      @OptionGroup var options: DatabaseOptions

      func run() throws {
        let findings = try answering { try options.open().findings() }
        print(
          ["finding", "checker", "engine", "scenario", "first seen", "last seen", "runs", "steps"],
          findings.map {
            [
              $0.id, $0.checker, $0.engine, $0.scenario, when($0.firstSeen), when($0.lastSeen), "\($0.runs)",
              $0.steps.map(String.init) ?? "-",
            ]
          })
      }
    }

    struct Finding: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "When a finding was seen, and how to see it again.")
      @Argument(help: "Its id, or how that begins.") var id: String
      @OptionGroup var options: DatabaseOptions

      func run() throws {
        let sightings = try answering { try options.open().sightings(of: id) }
        guard let last = sightings.last else {
          throw ValidationError("There is no finding \(id); `addonrace results findings` lists them.")
        }
        print(
          ["seen", "run", "steps", "message"],
          sightings.map { [when($0.ended), String($0.run.prefix(8)), $0.steps.map(String.init) ?? "-", $0.message] })
        let shortest = sightings.filter { $0.steps != nil }.min { ($0.steps ?? 0) < ($1.steps ?? 0) } ?? last
        Swift.print("again: \(shortest.command)")
      }
    }

    struct Trend: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "A figure over time, with the machine's calibration.")
      @Argument(help: "The figure, such as executions-per-second.") var figure: String
      @Option(help: "Only of this scenario.") var scenario: String?
      @OptionGroup var options: DatabaseOptions

      func run() throws {
        let results = try options.open()
        let points = try answering { try results.trend(figure, scenario: scenario) }
        if points.isEmpty {
          let names = try answering { try results.figureNames() }
          throw ValidationError(
            names.contains(figure)
              ? "No scenario \(scenario ?? "") has a figure \(figure)."
              : "There is no figure \(figure); there are: \(names.joined(separator: ", ")).")
        }
        print(
          ["scenario", "engine", "measured", figure, "round trip", "machine", "revision"],
          points.map {
            [
              $0.scenario, $0.engine, when($0.ended), String(format: "%.4g", $0.value),
              $0.roundTrip.map { String(format: "%.0f ns", $0) } ?? "-", $0.machine,
              String(($0.revision ?? "-").prefix(8)),
            ]
          })
      }
    }
  }
#else
  struct ResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "results", abstract: "What many runs came to: kept in SQLite, made from journals.",
      discussion: "This build is without: it takes `swift build --traits Results`.")
    @Argument(parsing: .allUnrecognized) var rest: [String] = []

    func run() throws {
      StandardError.print(
        "error: this build has no database of results\n    build it with: swift build -c release --traits Results --product addonrace"
      )
      throw ExitCode(69)
    }
  }
#endif
