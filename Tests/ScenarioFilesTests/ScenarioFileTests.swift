import AddonMemory
import Addons
import BenchModel
import RaceModel
import ScenarioFiles
import Testing

private func role(
  _ name: String, detaches: Bool = false, putsInode: Bool = false, waitsFor gracePeriod: GracePeriod? = nil
) -> SubjectFacts.Role {
  SubjectFacts.Role(
    name: name, sentence: "?", looksOnly: false, detaches: detaches, putsInode: putsInode, waitsFor: gracePeriod)
}

private func site(
  _ name: String, _ roles: [SubjectFacts.Role], _ strategies: [String], domains: [ReadDomain] = [.rcu],
  versions: LinuxVersions? = nil
) -> SiteFacts {
  let subjects = strategies.map { strategy in
    SubjectFacts(
      SiteDescription(
        name, "?", source: "?", slots: ["slot"], ownStrategy: strategies[0], racers: [(roles[0].name, 2)],
        domains: domains, versions: versions),
      StrategyDescription(strategy, "?", rightIn: .everyModel), roles: roles, keepsHistory: false)
  }
  return SiteFacts(subjects)!
}

private let vocabulary = Vocabulary(
  sites: [
    site("file-owner", [role("allocate"), role("read")], ["full-compare-exchange", "compare-exchange"]),
    site("verity-info", [role("open")], ["release-compare-exchange"]),
    site(
      "marks",
      [
        role("add", putsInode: true), role("hook"),
        role("destroy-group", detaches: true, waitsFor: .fsnotifyMarks),
      ], ["compare-exchange"], domains: [.rcu, .fsnotifyMarks]),
    site("lease", [role("open")], ["compare-exchange"], versions: LinuxVersions("6.12", nil, of: "lease")),
    site("lease-old", [role("open")], ["compare-exchange"], versions: LinuxVersions("5.15", "6.9", of: "lease")),
  ], checkers: ["single-winner", "no-leak"], layouts: ["V0", "V2"], mostRacers: 255)

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
  @Test func aVersionOfLinuxChoosesAmongTheSitesOfOnePlace() throws {
    let start = "name: n\nquestion: q\nsite: lease\n"
    #expect(try read(start).get().site == "lease")
    #expect(try read(start + "linux: 6.12\n").get().site == "lease")
    #expect(try read(start + "linux: 7.10\n").get().site == "lease")
    #expect(try read(start + "linux: 6.6\n").get().site == "lease-old")
    #expect(try read(start + "linux: 5.15.3\n").get().site == "lease-old")
    #expect(
      problems(start + "linux: 6.10\n") == [
        "f.yaml:4:8: error: site 'lease' does not say what it is in Linux 6.10\n    there are: 5.15 to 6.9, 6.12 and later"
      ])
    #expect(
      problems(start + "linux: newest\n") == [
        "f.yaml:4:8: error: 'newest' is no version of Linux\n    there are: 5.15 to 6.9, 6.12 and later"
      ])
    #expect(
      problems("name: n\nquestion: q\nsite: file-owner\nlinux: 6.12\n") == [
        "f.yaml:4:8: error: site 'file-owner' is not told apart by versions of Linux\n    leave out 'linux'; it is from ?"
      ])
  }

  /// A defect that is there may take long to show; only a file that says so gives it up after some collisions.
  @Test func aRaceThatIsToFailIsGivenUpByTimeAlone() throws {
    let passing = "name: a\nquestion: b?\nsite: file-owner\n"
    let failing = passing + "expect: {fail: [no-leak]}\n"
    #expect(try read(passing).get().stress.collisions == 200_000)
    #expect(try read(passing + "expect: {may: [no-leak]}\n").get().stress.collisions == 200_000)
    #expect(try read(failing).get().stress.collisions == .max)
    #expect(try read(failing + "stress: {time: 2}\n").get().stress.collisions == .max)
    #expect(try read(failing + "stress: {collisions: 9}\n").get().stress.collisions == 9)
  }

  @Test func theShortestScenarioTakesItsDefaultsFromTheSite() throws {
    let scenario = try read(start).get()
    #expect(scenario.strategy == "full-compare-exchange")
    #expect(scenario.racers == [RacerGroup(role: "allocate", count: 2)])
    #expect(scenario.stress == StressOptions())
    #expect(scenario.expect == ExpectedVerdicts())
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

  @Test func exploration() throws {
    let scenario = try read(
      start + """
        explore:
          racers: {allocate: 3}
          inodes: 2
          memory-models: [c11, kernel]
          allocation-failures: 1
          spurious-failures: 0
          symmetry: false
          executions: 1_000
          time: 2.5
          memory: 64
          samples: 10
          seed: 9
        expect:
          explore: {c11: {fail: [single-winner]}, kernel: pass, sc: inconclusive}

        """
    ).get()
    let explore = scenario.explore
    #expect(explore.racers == [RacerGroup(role: "allocate", count: 3)])
    #expect(explore.inodes == 2 && explore.memoryModels == [.c11, .kernel])
    #expect(explore.allocationFailures == 1 && explore.spuriousFailures == 0 && !explore.symmetry)
    #expect(explore.executions == 1000 && explore.time == 2.5 && explore.memory == 64)
    #expect(explore.samples == 10 && explore.seed == 9)
    #expect(scenario.expect.explore[.c11] == .fail(checkers: ["single-winner"], may: []))
    #expect(scenario.expect.explore[.sc] == .verdict(.inconclusive))
    #expect(scenario.expect.explore[.tso] == nil)
    let everywhere = try read(start + "expect: {explore: {fail: [no-leak]}}\n").get()
    #expect(MemoryModel.allCases.allSatisfy { everywhere.expect.explore[$0] != nil })
  }

  @Test func explorationThatCannotBe() {
    #expect(
      problems(start + "explore: {memory-models: [c12]}\n") == [
        "f.yaml:4:27: error: unknown memory-models 'c12'\n    did you mean 'c11'?"
      ])
    #expect(problems(start + "explore: {racers: {allocate: 65}}\n")[0].contains("name 1 to 64 in all"))
    #expect(problems(start + "explore: {inode: 2}\n")[0].contains("did you mean 'inodes'?"))
    #expect(problems(start + "explore: {symmetry: 3}\n")[0].contains("symmetry must be true or false"))
    #expect(problems(start + "expect: {explore: {c13: pass}}\n")[0].contains("did you mean 'c11'?"))
  }

  @Test func bench() throws {
    let options = try read(
      start + "bench: {racers: [2, 8], strategies: [compare-exchange], role: allocate, inodes: 512, spacing: 128, "
        + "processes: 9, repetitions: 99, warm-up: 3}\n"
    ).get().bench
    #expect(options?.racers == [2, 8] && options?.strategies == ["compare-exchange"] && options?.role == "allocate")
    #expect(options?.inodes == 512 && options?.spacing == 128 && options?.repetitions == 99 && options?.warmUp == 3)
    #expect(options?.processes == 9)
    #expect(try read(start + "bench: {}\n").get().bench == BenchOptions())
    #expect(try read(start).get().bench == nil)
    #expect(problems(start + "bench: {racers: 0}\n")[0].hasPrefix("f.yaml:4:17: error: racers"))
    #expect(
      problems(start + "bench: {strategies: [eager]}\n")[0].contains("'eager' does not go with site 'file-owner'"))
    #expect(problems(start + "bench: {role: alocate}\n")[0].contains("did you mean 'allocate'?"))
    #expect(problems(start + "bench: {repetition: 3}\n")[0].contains("did you mean 'repetitions'?"))
  }

  @Test func layout() throws {
    let text = start + "bench: {layout: {layouts: [V2, V0], regimes: inode-watched, inodes: [16, 64], beside: [lock], "
    let layout = try #require(try read(text + "objects: 624, slabs: [8192]}}\n").get().bench?.layout)
    #expect(layout.layouts == ["V2", "V0"] && layout.regimes == [.inodeWatched] && layout.inodes == [16, 64])
    #expect(layout.beside == [.lock] && layout.objects == [624] && layout.slabs == [8192])
    let usual = try read(start + "bench: {layout: {}}\n").get().bench
    #expect(usual?.layout == LayoutOptions() && usual?.processes == 1, "a study takes minutes")
    #expect(try read(start + "bench: {processes: 3, layout: {}}\n").get().bench?.processes == 3)
    for (wrong, remedy) in [
      ("layouts: [V9]", "known: V0, V2"), ("layouts: [V0]", "name another"),
      ("regimes: inode-watchd", "'inode-watched'?"),
      ("inodes: [3]", "8 to 262144"), ("inodes: []", "8 to 262144"), ("slab: 1", "'slabs'?"),
      ("objects: 8193", "256 to 8192"), ("objects: 8192, slabs: 4096", "larger slabs"),
    ] {
      #expect(problems(start + "bench: {layout: {\(wrong)}}\n").joined().contains(remedy), "\(wrong)")
    }
  }

  @Test func readSections() throws {
    #expect(try read(start + "read-sections: {allocate: rcu}\n").get().readSections == ["allocate": .rcu])
    #expect(
      problems(start + "read-sections: {alocate: rcu}\n")
        == ["f.yaml:4:17: error: site 'file-owner' has no role 'alocate'\n    did you mean 'allocate'?"])
    #expect(
      problems(start + "read-sections: {allocate: rcux}\n")
        == ["f.yaml:4:27: error: unknown domain of read-side sections 'rcux'\n    did you mean 'rcu'?"])
    #expect(problems(start + "read-sections: [allocate]\n")[0].contains("must be a mapping"))
  }

  @Test func aGracePeriodInsideItsOwnSection() throws {
    let start = "name: n\nquestion: q\nsite: marks\n"
    #expect(try read(start + "read-sections: {hook: fsnotify-marks}\n").get().readSections.count == 1)
    #expect(
      problems(start + "read-sections: {destroy-group: fsnotify-marks}\n")
        == [
          "f.yaml:4:17: error: role 'destroy-group' waits for a grace period of fsnotify-marks, and would wait for its own "
            + "section\n    sections may be around: add, hook"
        ])
    #expect(
      problems(start + "read-sections: {destroy-group: rcu}\n")
        == [
          "f.yaml:4:17: error: role 'destroy-group' waits for a grace period of fsnotify-marks, and may not sleep inside a "
            + "section of rcu\n    sections may be around: add, hook"
        ])
  }

  @Test func inodesThatNobodyDestroys() throws {
    let start = "name: n\nquestion: q\nsite: marks\n"
    #expect(throws: Never.self) { try read(start + "racers: {add: 1, hook: 1}\n").get() }
    let complaint =
      "nobody destroys the inodes of 'marks': no racer puts what it got\n    add one of the roles that do: add"
    #expect(problems(start + "racers: {hook: 2, add: 0}\n") == ["f.yaml:4:9: error: \(complaint)"])
    #expect(problems(start + "explore: {racers: {hook: 2}}\n") == ["f.yaml:4:19: error: \(complaint)"])
  }

  @Test func manyUnknownKeysAreToldOnce() {
    let told = problems(start + (0..<1000).map { "no\($0): 1\n" }.joined())
    #expect(told.count == 11)
    #expect(told.last == "f.yaml:14:1: error: and 990 more unknown keys in the scenario")
    #expect(
      problems("name: ''\nquestion: q\nsite: file-owner\n") == [
        "f.yaml:1:7: error: name is empty\n    give it some text"
      ])
  }

  @Test func anEmptyFile() {
    #expect(problems("").count == 1)
    #expect(problems("")[0].hasPrefix("f.yaml: error: the file is empty\n"))
    #expect(problems("# nothing\n")[0].hasPrefix("f.yaml: error: the file is empty\n"))
  }

  @Test func whatIsNotYAML() {
    #expect(
      problems("name: [1, 2\nsite")[0].hasSuffix(
        "error: not YAML: a list does not end\n    close what '[' opens with ']', and put commas between"))
    #expect(problems("name: a: b")[0].contains(": error: not YAML: a ':' where no key can be\n"))
    #expect(problems("name: \"a")[0].contains(": error: not YAML: a quoted text does not end\n"))
    #expect(problems("name: @a")[0].contains(": error: not YAML: text cannot begin with this character\n"))
    #expect(
      problems("question: q\nname: a\u{7}")[0].hasPrefix("f.yaml:2: error: not YAML: character U+7 may not stand"))
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
