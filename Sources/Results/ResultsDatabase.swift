#if Results
  import AddonRace
  import Foundation
  import GRDB

  /// Results of many runs, in SQLite: made from journals, each of which is taken once however often it is named.
  ///
  /// A run is a journal; its verdicts, findings and figures hang on it. A journal that has grown since is taken again.
  public final class ResultsDatabase {
    private let queue: DatabaseQueue

    /// Opens the database, and makes it where there is none.
    ///
    /// - Throws: ``Unusable``.
    public init(_ path: String) throws(Unusable) {
      var configuration = Configuration()
      configuration.busyMode = .timeout(5)
      do {
        queue = try DatabaseQueue(path: path, configuration: configuration)
        if try queue.read(Self.isOfSomethingElse) { throw Unusable(ofSomethingElse: path) }
        try Self.migrations.migrate(queue)
      } catch let error as Unusable {
        throw error
      } catch {
        throw Unusable(path, error)
      }
    }

    /// It has tables, and not those of the migrations: nothing of ours goes there.
    private static func isOfSomethingElse(_ database: Database) throws -> Bool {
      let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
      return !tables.isEmpty && !tables.contains("verdict")
    }

    /// Why a database cannot be used, and what to do.
    public struct Unusable: Error, CustomStringConvertible {
      public let description: String

      init(ofSomethingElse path: String) {
        description = "\(path) is a database of something else\n    name another with --database"
      }

      init(_ path: String, _ error: any Error) {
        let code = (error as? DatabaseError)?.resultCode
        description =
          switch code {
          case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            "\(path) is damaged, or no database\n    move it away: a new one is made from the journals"
          case .SQLITE_BUSY, .SQLITE_LOCKED:
            "\(path) is locked by another process\n    try again when that is done, or name another with --database"
          case .SQLITE_FULL: "\(path): there is no space left"
          case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
            "\(path) cannot be opened or written\n    name another with --database"
          default: "\(path): \(error)"
          }
      }
    }

    private static let migrations: DatabaseMigrator = {
      var migrations = DatabaseMigrator()
      migrations.registerMigration("1") { database in
        try database.create(table: "run") { table in
          table.primaryKey("id", .text)
          table.column("started", .double).notNull()
          table.column("command", .text).notNull()
          table.column("folder", .text).notNull()
          table.column("machine", .text).notNull()
          table.column("processors", .integer).notNull()
          table.column("program", .text).notNull()
          table.column("revision", .text)
          table.column("bytes", .integer).notNull()
        }
        try database.create(table: "verdict") { table in
          table.column("run", .text).notNull().references("run", onDelete: .cascade)
          table.column("key", .text).notNull()
          table.column("ended", .double).notNull()
          table.column("scenario", .text).notNull()
          table.column("engine", .text).notNull()
          table.column("outcome", .text).notNull()
          table.column("asExpected", .boolean).notNull()
          table.column("command", .text).notNull()
          table.primaryKey(["run", "key"])
        }
        try database.create(table: "finding") { table in
          table.column("id", .text).notNull().indexed()
          table.column("run", .text).notNull().references("run", onDelete: .cascade)
          table.column("key", .text).notNull()
          table.column("checker", .text).notNull()
          table.column("message", .text).notNull()
          table.column("steps", .integer)
          table.primaryKey(["run", "key", "id"])
        }
        try database.create(table: "figure") { table in
          table.column("run", .text).notNull().references("run", onDelete: .cascade)
          table.column("key", .text).notNull()
          table.column("name", .text).notNull().indexed()
          table.column("value", .double).notNull()
          table.column("roundTrip", .double)
          table.primaryKey(["run", "key", "name"])
        }
      }
      return migrations
    }()

    /// Of whatever goes wrong later.
    private func doing<T>(_ body: (Database) throws -> T) throws(Unusable) -> T {
      do { return try queue.write(body) } catch { throw Unusable(queue.path, error) }
    }
  }

  // MARK: Taking journals in

  extension ResultsDatabase {
    /// Whether the run's journal was taken in when it was as long as that.
    public func has(_ run: String, bytes: Int) throws(Unusable) -> Bool {
      try doing { try Int.fetchOne($0, sql: "SELECT bytes FROM run WHERE id = ?", arguments: [run]) == bytes }
    }

    /// Takes in a journal. What was known of its run gives way.
    public func add(_ journal: JournalReading, bytes: Int, _ harness: Harness) throws(Unusable) {
      let head = journal.head
      try doing { database in
        try database.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [head.id])
        try database.execute(
          sql: "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            head.id, head.started, head.arguments.joined(separator: " "), head.folder, head.machine, head.processors,
            head.program, head.revision, bytes,
          ])
        for entry in journal.entries { try Self.add(harness.verdict(entry), entry, head.id, database) }
      }
    }

    private static func add(
      _ verdict: Verdict, _ entry: JournalEntry, _ run: String, _ database: Database
    ) throws {
      try database.execute(
        sql: "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          run, entry.key, entry.ended, verdict.scenario.name, verdict.engine.model?.rawValue ?? verdict.engine.name,
          verdict.outcome.rawValue, verdict.asExpected, verdict.command,
        ])
      for finding in verdict.findings {
        try database.execute(
          sql: "INSERT OR IGNORE INTO finding VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [
            FindingID(finding, in: verdict).description, run, entry.key, finding.checker, finding.message,
            verdict.counterexample?.steps.count,
          ])
      }
      for (name, value) in figures(verdict) {
        try database.execute(
          sql: "INSERT OR REPLACE INTO figure VALUES (?, ?, ?, ?, ?)",
          arguments: [
            run, entry.key, name, value, verdict.engine == .stress ? verdict.figures.calibration.roundTripAfter : nil,
          ])
      }
    }

    /// What is worth following, by name.
    private static func figures(_ verdict: Verdict) -> [(String, Double)] {
      if verdict.outcome == .invalid { return [] }
      if let exploration = verdict.exploration {
        return [
          ("executions", Double(exploration.executions)), ("executions-per-second", exploration.executionsPerSecond),
          ("blocked-runs", Double(exploration.blockedRuns)), ("seconds", exploration.seconds),
        ]
      }
      let race = verdict.figures
      return [
        ("populations-per-second", race.populationsPerSecond), ("collisions-per-second", race.collisionsPerSecond),
        ("yield", race.yield), ("seconds", race.seconds),
      ]
    }
  }

  // MARK: Questions

  extension ResultsDatabase {
    public struct Run: Decodable, FetchableRecord, Sendable {
      public var id: String
      public var started: Double
      public var command: String
      public var machine: String
      public var revision: String?
      public var verdicts: Int
      public var unexpected: Int
    }

    /// The latest last.
    public func runs() throws(Unusable) -> [Run] {
      try doing {
        try Run.fetchAll(
          $0,
          sql: """
            SELECT run.*, count(verdict.key) AS verdicts, coalesce(sum(NOT verdict.asExpected), 0) AS unexpected
            FROM run LEFT JOIN verdict ON verdict.run = run.id GROUP BY run.id ORDER BY started
            """)
      }
    }

    public struct Difference: Decodable, FetchableRecord, Sendable {
      public var scenario: String
      public var engine: String
      /// Nil where a run has no such verdict.
      public var before: String?
      public var after: String?
    }

    /// Verdicts that two runs do not share.
    public func differences(_ before: String, _ after: String) throws(Unusable) -> [Difference] {
      try doing {
        try Difference.fetchAll(
          $0,
          sql: """
            WITH a AS (SELECT * FROM verdict WHERE run = ?), b AS (SELECT * FROM verdict WHERE run = ?)
            SELECT scenario, engine, a.outcome AS before, b.outcome AS after FROM a LEFT JOIN b USING (scenario, engine)
            WHERE b.outcome IS NOT a.outcome
            UNION SELECT scenario, engine, NULL, b.outcome FROM b LEFT JOIN a USING (scenario, engine)
            WHERE a.outcome IS NULL ORDER BY scenario, engine
            """, arguments: [before, after])
      }
    }

    public struct KnownFinding: Decodable, FetchableRecord, Sendable {
      public var id: String
      public var checker: String
      public var scenario: String
      public var engine: String
      public var firstSeen: Double
      public var lastSeen: Double
      public var runs: Int
      /// Of the shortest trace; nil where none was ever explained.
      public var steps: Int?
    }

    /// Each finding once, the one seen last at the end.
    public func findings() throws(Unusable) -> [KnownFinding] {
      try doing {
        try KnownFinding.fetchAll(
          $0,
          sql: """
            SELECT finding.id, checker, min(scenario) AS scenario, engine, min(ended) AS firstSeen,
              max(ended) AS lastSeen, count(DISTINCT finding.run) AS runs, min(steps) AS steps
            FROM finding JOIN verdict USING (run, key) GROUP BY finding.id ORDER BY lastSeen, finding.id
            """)
      }
    }

    public struct Sighting: Decodable, FetchableRecord, Sendable {
      public var ended: Double
      public var run: String
      public var message: String
      public var command: String
      public var steps: Int?
    }

    /// When a finding was seen, the earliest first. `id` may be the beginning of one.
    public func sightings(of id: String) throws(Unusable) -> [Sighting] {
      try doing {
        try Sighting.fetchAll(
          $0,
          sql: """
            SELECT ended, run, message, command, steps FROM finding JOIN verdict USING (run, key)
            WHERE substr(finding.id, 1, length(?)) = ? ORDER BY ended
            """, arguments: [id, id])
      }
    }

    public struct Point: Decodable, FetchableRecord, Sendable {
      public var ended: Double
      public var scenario: String
      public var engine: String
      public var value: Double
      /// Of the machine's compare-exchange at the time, in nanoseconds; nil of explorations.
      public var roundTrip: Double?
      public var machine: String
      public var revision: String?
    }

    /// A figure over time, by scenario and engine.
    public func trend(_ figure: String, scenario: String?) throws(Unusable) -> [Point] {
      try doing {
        try Point.fetchAll(
          $0,
          sql: """
            SELECT ended, scenario, engine, value, roundTrip, machine, revision FROM figure JOIN verdict USING (run, key)
            JOIN run ON run.id = verdict.run WHERE name = ? AND (? IS NULL OR scenario = ?)
            ORDER BY scenario, engine, ended
            """, arguments: [figure, scenario, scenario])
      }
    }

    public func figureNames() throws(Unusable) -> [String] {
      try doing { try String.fetchAll($0, sql: "SELECT DISTINCT name FROM figure ORDER BY name") }
    }
  }
#endif
