import RaceModel
import ScenarioFiles
import Testing

private let vocabulary = Vocabulary(
  sites: [
    Vocabulary.Site(
      name: "file-owner", roles: ["allocate", "read"], strategies: ["full-compare-exchange", "compare-exchange"],
      defaultRacers: [RacerGroup(role: "allocate", count: 2)]),
    Vocabulary.Site(
      name: "verity-info", roles: ["open"], strategies: ["release-compare-exchange"],
      defaultRacers: [RacerGroup(role: "open", count: 2)]),
  ], checkers: ["single-winner", "no-leak"], mostRacers: 255)

private let start = "name: n\nquestion: q\nsite: file-owner\n"

private func read(_ text: String) -> Result<Scenario, InvalidScenario> {
  do throws(InvalidScenario) {
    return .success(try ScenarioFile.read(text, file: "f.yaml", vocabulary))
  } catch {
    return .failure(error)
  }
}

/// What is wrong, each as it is printed.
private func problems(_ text: String) -> [String] {
  switch read(text) {
  case .success: []
  case .failure(let error): error.diagnostics.map(\.description)
  }
}

@Suite struct ScenarioFileTests {
  @Test func theShortestScenarioTakesItsDefaultsFromTheSite() throws {
    let scenario = try read(start).get()
    #expect(scenario.strategy == "full-compare-exchange")
    #expect(scenario.racers == [RacerGroup(role: "allocate", count: 2)])
    #expect(scenario.stress == StressOptions())
    #expect(scenario.expect == Expectations())
  }

  @Test func everyKeyIsRead() throws {
    let scenario = try read(
      start + """
        strategy: compare-exchange
        racers: {allocate: 3, read: 1}
        faults:
          allocation-failure: {probability: 0.25, counted-per: visit, racer: 2}
        stress:
          shape: natural
          widening: delay
          start: adaptive
          visits-in-flight: 16
          delay: 50
          inodes: 1024
          spacing: 128
          order: strided
          heap: malloc
          time: 2.5
          collisions: 1_000
          minimum-yield: 0
          processors: 1
          checking: every-round
          seed: 7
          watchdog: 3
        expect:
          stress: {fail: [single-winner], may: [no-leak]}
          thread-sanitizer: crashed
          address-sanitizer: pass
        """
    ).get()
    #expect(scenario.racers == [RacerGroup(role: "allocate", count: 3), RacerGroup(role: "read", count: 1)])
    #expect(scenario.roles == ["allocate", "allocate", "allocate", "read"])
    #expect(scenario.faults.allocationFailure?.which == .probability(0.25))
    #expect(scenario.faults.allocationFailure?.counted == .visit)
    #expect(scenario.faults.allocationFailure?.racer == 2)
    let stress = scenario.stress
    #expect(stress.shape == .natural && stress.widening == .delay && stress.start == .adaptive)
    #expect(stress.visitsInFlight == 16 && stress.delay == 50 && stress.inodes == 1024 && stress.spacing == 128)
    #expect(stress.order == .strided && stress.heap == .malloc && stress.time == 2.5 && stress.collisions == 1000)
    #expect(stress.minimumYield == 0 && stress.yieldFloor == 0 && stress.processors == 1)
    #expect(stress.checking == .everyRound && stress.seed == 7 && stress.watchdog == 3)
    #expect(scenario.expect.stress == .fail(checkers: ["single-winner"], may: ["no-leak"]))
    #expect(scenario.expect.threadSanitizer == .verdict(.crashed))
    #expect(scenario.expect.addressSanitizer == .verdict(.pass))
  }

  @Test func anEmptyFile() {
    #expect(problems("").count == 1)
    #expect(problems("")[0].hasPrefix("f.yaml: error: the file is empty\n"))
    #expect(problems("# nothing\n")[0].hasPrefix("f.yaml: error: the file is empty\n"))
  }

  @Test func whatIsNotYAML() {
    #expect(problems("name: [1, 2\nsite")[0].contains("error: not YAML"))
    #expect(problems("- a\n- b") == ["f.yaml:1:1: error: the scenario must be a mapping of keys to values"])
  }

  @Test func anUnknownKeyWithItsNearest() {
    #expect(
      problems(start + "strategie: compare-exchange\n") == [
        "f.yaml:4:1: error: unknown key 'strategie' in the scenario\n    did you mean 'strategy'?"
      ])
    #expect(
      problems(start + "stress: {inode: 8}\n") == [
        "f.yaml:4:10: error: unknown key 'inode' in stress\n    did you mean 'inodes'?"
      ])
  }

  @Test func aDuplicateKey() {
    #expect(problems(start + "site: verity-info\n").count == 1)
    #expect(problems(start + "site: verity-info\n")[0].contains("duplicate key"))
  }

  @Test func aWrongType() {
    #expect(
      problems(start + "stress: {inodes: many}\n") == [
        "f.yaml:4:18: error: inodes must be a whole number\n    it may be 8 to 65536"
      ])
    #expect(problems(start + "stress: {inodes: '64'}\n").count == 1, "a quoted number is text")
    #expect(problems(start + "stress: 3\n") == ["f.yaml:4:9: error: stress must be a mapping of keys to values"])
  }

  @Test func outOfRange() {
    #expect(
      problems(start + "stress: {inodes: 4}\n") == [
        "f.yaml:4:18: error: inodes is 4, out of range\n    it may be 8 to 65536"
      ])
    #expect(problems(start + "stress: {minimum-yield: 2}\n").count == 1)
    #expect(problems(start + "stress: {spacing: 12}\n")[0].contains("no multiple of 8"))
  }

  @Test func unknownNamesWithTheNearest() {
    #expect(
      problems("name: n\nquestion: q\nsite: file-owned\n") == [
        "f.yaml:3:7: error: unknown site 'file-owned'\n    did you mean 'file-owner'?"
      ])
    #expect(
      problems(start + "strategy: compare-exchang\n") == [
        "f.yaml:4:11: error: unknown strategy 'compare-exchang'\n    did you mean 'compare-exchange'?"
      ])
    #expect(problems(start + "racers: {alocate: 2}\n")[0].contains("did you mean 'allocate'?"))
    #expect(problems(start + "stress: {shape: forsed}\n")[0].contains("did you mean 'forced'?"))
    #expect(problems(start + "expect: {fail: [single-winer]}\n")[0].contains("did you mean 'single-winner'?"))
    #expect(problems(start + "expect: passs\n")[0].contains("did you mean 'pass'?"))
  }

  @Test func aSiteAndAStrategyThatDoNotFit() {
    #expect(
      problems(start + "strategy: release-compare-exchange\n") == [
        "f.yaml:4:11: error: strategy 'release-compare-exchange' does not go with site 'file-owner'\n"
          + "    file-owner goes with: full-compare-exchange, compare-exchange; "
          + "release-compare-exchange goes with: verity-info"
      ])
  }

  @Test func moreRacersThanCanStart() {
    #expect(
      problems(start + "racers: {allocate: 256}\n") == [
        "f.yaml:4:9: error: 256 racers: no such race can start\n    name 2 to 255 in all"
      ])
    #expect(problems(start + "racers: {allocate: 1}\n").count == 1)
  }

  @Test func anAllocationFailureThatSaysNothingOrTooMuch() {
    #expect(problems(start + "faults: {allocation-failure: {}}\n").count == 1)
    #expect(problems(start + "faults: {allocation-failure: {nth: 1, every: 2}}\n").count == 1)
    #expect(problems(start + "faults: {allocation-failure: {nth: 1, racer: 2}}\n").count == 1, "there are two racers")
  }

  @Test func allThatIsWrongIsShownAtOnce() {
    let text = "nme: n\nsite: file-owned\nstress: {inodes: 1, sed: 3}\nexpect: maybe\n"
    #expect(problems(text).count == 7, "\(problems(text).joined(separator: "\n"))")
  }
}
