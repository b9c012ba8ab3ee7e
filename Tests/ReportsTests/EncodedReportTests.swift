import AddonMemory
import Foundation
import Machine
import RaceModel
import Reports
import Testing

/// Verdicts in which everything has a value that is told from every other.
enum Verdicts {
  static let scenario: Scenario = {
    var scenario = Scenario(
      name: "leaky", question: "Who notices?", site: "file-owner", strategy: "loser-leaks",
      racers: [RacerGroup(role: "allocate", count: 2), RacerGroup(role: "read", count: 1)])
    scenario.expect.stress = .fail(checkers: ["no-leak"], may: ["agreement"])
    return scenario
  }()

  static let leak: Finding = {
    var finding = Finding(
      checker: "no-leak", message: "allocation 7 is alive at quiescence", round: 3, inode: 5, slot: "f_owner",
      racers: [0, 1], allocations: [7])
    finding.history = ["racer 0 (allocate): populated the slot with allocation 6"]
    return finding
  }()

  static let raced: Verdict = {
    var figures = Figures()
    figures.seconds = 0.5
    figures.rounds = 10
    figures.roundsJudged = 2
    figures.populations = 2560
    figures.collisions = 1280
    figures.losers = 1300
    figures.winsByRacer = [1000, 1560, 0]
    figures.winnerChanges = 64
    figures.winnerPairs = 256
    figures.allocations = 3860
    figures.frees = 3859
    figures.refusals = 4
    figures.detaches = 6
    figures.visitsInFlight = 16
    figures.seed = 9
    figures.calibration.processors = 2
    figures.calibration.roundTripBefore = 120
    figures.calibration.roundTripAfter = 130
    figures.calibration.load = 0.25
    var record = RunRecord(.stress, build: .plain)
    record.add(.figures(figures))
    record.add(.finding(leak))
    record.add(.counts(["no-leak": 12]))
    record.add(.checkers(notJudged: [NotJudged(checker: "data-race", reason: "not built")], accompanying: []))
    record.add(.ended(.engine(.stopped)))
    return Verdict(
      record, of: scenario, facts: nil, file: "leaky.yaml", command: "addonrace run leaky.yaml --seed 9")
  }()

  static let explored: Verdict = {
    var figures = ExplorationFigures()
    figures.executions = 12
    figures.judged = 3
    figures.firstFinding = 2
    figures.blockedRuns = 4
    figures.prunedGraphs = 5
    figures.samples = 6
    figures.estimate = 1e6
    figures.usedSymmetry = true
    figures.seconds = 0.25
    figures.peakBytes = 4096
    figures.longest = 9
    var record = RunRecord(.explore(.c11), build: .plain)
    record.add(.exploration(figures, sawRefusal: false))
    record.add(.finding(leak))
    record.add(.ended(.engine(.stopped)))
    record.add(.counterexample(counterexample, .c11))
    return Verdict(
      record, of: scenario, facts: nil, file: "leaky.yaml", command: "addonrace explore leaky.yaml --memory-model c11")
  }()

  static let counterexample: Counterexample = {
    var load = Counterexample.Step(racer: 0, verb: .load)
    load.place = .slot("f_owner", inode: nil)
    load.value = .null
    load.ordering = .acquire
    load.source = "LoserLeaks.swift:16"
    var exchange = Counterexample.Step(racer: 1, verb: .compareExchange)
    exchange.place = .slot("f_owner", inode: 2)
    exchange.value = .null
    exchange.written = .pointer(.allocation(3, offset: 0))
    exchange.overwrites = 0
    var write = Counterexample.Step(racer: 0, verb: .write)
    write.place = .allocation(3, offset: 16)
    write.value = .pointer(.inode(2, offset: 0))
    write.readsFrom = 1
    write.isStale = true
    write.isMarked = true
    return Counterexample(
      roles: ["allocate", "read"], steps: [load, exchange, write], findings: [leak], token: "ar1:x")
  }()
}

@Suite struct EncodedReportTests {
  private func json(_ verdicts: [Verdict]) throws -> String {
    try #require(try JSONReport(ReportMedium()).end(verdicts))
  }

  /// The document of version 2, key by key. A change here is a change for those who read it: see `EncodedReportFormat.version`.
  @Test func theDocumentIsAsItWas() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/report.json")
    let text = try json([Verdicts.raced, Verdicts.explored])
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try text == String(contentsOf: file, encoding: .utf8), "UPDATE_GOLDEN=1 writes it anew")
    #expect(text.contains("\"version\" : 2"))
  }

  @Test func itIsReadBack() throws {
    func read(_ verdicts: [Verdict]) throws -> EncodedReport<EncodedVerdict> {
      try JSONDecoder().decode(EncodedReport<EncodedVerdict>.self, from: Data(json(verdicts).utf8))
    }
    let verdicts = [Verdicts.raced, Verdicts.explored]
    // The exploration's failure was not expected.
    #expect(try read(verdicts) == EncodedReport(verdicts.map(EncodedVerdict.init), exitStatus: 1))
    #expect(try read([]) == EncodedReport([], exitStatus: 0))
  }

  /// An older document, without what was added since, is read too.
  @Test func keysWithoutAValueAreLeftOut() throws {
    let text = try json([Verdicts.raced])
    #expect(!text.contains("null"))
    #expect(!text.contains("counterexample"))
    #expect(!text.contains("memoryModel"))
  }
}

@Suite struct TableReportTests {
  private func table(_ verdicts: [Verdict], explains: Bool = false) throws -> String {
    let table = TableReport(ReportMedium(explains: explains))
    return try #require(table.scenario(verdicts)) + "\n" + #require(try table.end(verdicts))
  }

  @Test func okComesFirst() throws {
    let text = try table([Verdicts.raced])
    #expect(text.hasPrefix("ok     leaky: fails (no-leak), as expected\n       Who notices?\n"))
    #expect(text.hasSuffix("1 scenario: 1 as expected"))
    #expect(!text.contains("again:"), "nothing to look into")
  }

  @Test func whatIsNotAsExpected() throws {
    let text = try table([Verdicts.explored])
    #expect(text.hasPrefix("NOT OK leaky: Who notices?\n       c11     NOT OK fails (no-leak), expected: pass\n"))
    #expect(text.contains("again: addonrace explore leaky.yaml --memory-model c11"))
    #expect(text.contains("replay: addonrace replay leaky.yaml --strategy loser-leaks ar1:x"))
    #expect(text.contains("1 verdict: 0 as expected"))
  }

  @Test func colourOnATerminalOnly() throws {
    #expect(try !table([Verdicts.raced]).contains("\u{1b}"))
    #expect(try #require(TableReport(ReportMedium(isColoured: true)).scenario([Verdicts.raced])).contains("\u{1b}["))
  }
}

@Suite struct TraceTextTests {
  @Test func columnsNumbersAndMarks() {
    let lines = TraceText(Verdicts.counterexample).lines
    #expect(lines[0].hasPrefix("                        racer 0 (allocate)"))
    #expect(lines[0].hasSuffix("racer 1 (read)"))
    #expect(lines[1] == "1  LoserLeaks.swift:16  load acquire f_owner: NULL")
    #expect(lines[2].hasPrefix("2  "))
    #expect(lines[2].hasSuffix("compare-exchange f_owner of inode 2: NULL -> allocation 3"))
    #expect(lines[3].hasSuffix("write allocation 3 + 16 = inode 2 [of 2] STALE <<<"))
    #expect(lines[4] == "no-leak: allocation 7 is alive at quiescence")
  }
}
