import Machine
import RaceModel
import Testing

private let scenario = Scenario(
  name: "n", question: "?", site: "s", strategy: "t", racers: [RacerGroup(role: "allocate", count: 2)])

private func verdict(
  _ engine: EngineKind, of scenario: Scenario = scenario, _ events: [RunEvent]
) -> Verdict {
  var record = RunRecord(engine, build: .plain)
  for event in events { record.add(event) }
  return Verdict(record, of: scenario, facts: nil, file: nil, command: "")
}

private func raced(yield: Double) -> RunEvent {
  var figures = Figures()
  figures.rounds = 10
  figures.populations = 1000
  figures.collisions = Int(yield * 1000)
  return .figures(figures)
}

@Suite struct ConclusionTests {
  @Test func aRunThatSaysNothingOfItsEndHasCrashed() {
    #expect(verdict(.stress, [raced(yield: 1)]).outcome == .crashed)
    #expect(verdict(.stress, [raced(yield: 1)]).exitStatus == .died)
  }

  /// What was found before a process died stays.
  @Test func findingsSurviveACrash() {
    let died = verdict(.stress, [.finding(Finding(checker: "no-leak", message: "m")), .ended(.died("signal 11"))])
    #expect(died.outcome == .crashed)
    #expect(died.record.reporters == ["no-leak"])
  }

  @Test func theYieldDecidesWhetherItTestedAnything() {
    #expect(verdict(.stress, [raced(yield: 0.9), .ended(.engine(.enough))]).outcome == .pass)
    let vacuous = verdict(.stress, [raced(yield: 0.12), .ended(.engine(.time))])
    #expect(vacuous.outcome == .vacuous)
    #expect(vacuous.notes == ["12 % of the populations collided; the scenario requires 90 % (minimum-yield)"])
  }

  @Test func whetherItIsExpectedIsComputed() {
    var expecting = scenario
    expecting.expect.stress = .fail(checkers: ["no-leak"], may: ["agreement"])
    func outcome(_ checkers: [String]) -> Bool {
      let findings = checkers.map { RunEvent.finding(Finding(checker: $0, message: "m")) }
      return verdict(.stress, of: expecting, findings + [.ended(.engine(.stopped))]).asExpected
    }
    #expect(outcome(["no-leak"]) && outcome(["no-leak", "agreement"]))
    #expect(!outcome([]) && !outcome(["agreement"]) && !outcome(["no-leak", "accounting"]))
  }

  @Test func whatTheBuildAndTheModelExpect() {
    var expecting = scenario
    expecting.expect.threadSanitizer = .fail(checkers: ["data-race"], may: [])
    expecting.expect.explore[.c11] = .verdict(.inconclusive)
    let expect = expecting.expect
    #expect(expect.expected(of: .stress, build: .plain) == .verdict(.pass))
    #expect(expect.expected(of: .stress, build: .threadSanitizer) == .fail(checkers: ["data-race"], may: []))
    #expect(expect.expected(of: .explore(.c11), build: .threadSanitizer) == .verdict(.inconclusive))
    #expect(expect.expected(of: .explore(.sc), build: .plain) == .verdict(.pass))
  }

  @Test func timingThatChanged() {
    var figures = Figures()
    figures.rounds = 1
    figures.calibration.roundTripBefore = 50
    figures.calibration.roundTripAfter = 250
    let timed = verdict(.stress, [.figures(figures), .ended(.engine(.time))])
    #expect(timed.notes.contains("timing changed during the run: do not compare these figures"))
  }
}

@Suite struct CoverageTests {
  private func sentence(_ executions: Int, of estimate: Double) -> String {
    var figures = ExplorationFigures()
    figures.executions = executions
    figures.estimate = estimate
    return Coverage.sentence("2 seconds", figures)
  }

  /// A share is never rounded down to nothing.
  @Test(arguments: [
    (1, 100_000.0, "less than 0.1 %"), (1, 1000.0, "at most 0.1 %"), (5, 1000.0, "at most 0.5 %"),
    (7, 1000.0, "at most 0.7 %"), (123, 1000.0, "at most 12.3 %"), (1000, 1000.0, "at most 100.0 %"),
  ])
  func shares(_ executions: Int, _ estimate: Double, _ share: String) {
    #expect(sentence(executions, of: estimate).hasSuffix(share), "\(sentence(executions, of: estimate))")
  }

  @Test(arguments: [
    (999.0, "999"), (3.2e9, "3.2e9"), (3.25e9, "3.3e9"), (9.96e6, "1.0e7"), (1e6, "1.0e6"),
    (921_795_870_714.0, "9.2e11"),
  ])
  func largeNumbers(_ value: Double, _ text: String) { #expect(Coverage.scientific(value) == text) }
}
