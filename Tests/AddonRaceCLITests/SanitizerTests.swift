import AddonRace
import AddonRaceTestSupport
import Foundation
import Testing

/// Under ThreadSanitizer: what is right in C11 is clean, and what relies on less is reported, in the natural and in the
/// pipeline shape. So the harness orders nothing that the strategy leaves unordered.
@Suite(.serialized, .enabled(if: BuildKind.current == .threadSanitizer)) struct ThreadSanitizerTests {
  static let shapes = ["natural", "widened"]
  static let reported = Registry.linux.subjects.map(\.facts).filter { entry in
    if case .byThreadSanitizer = entry.fault?.caught { return true }
    // In a life the inode's own mutex orders racers more often than not; exploration shows what it leaves unordered.
    let isInLife = entry.site.name.hasSuffix("-in-life")
    return entry.fault == nil && !entry.strategy.rightIn.contains(.c11) && !isInLife
  }
  static let clean = Registry.linux.subjects.map(\.facts).filter {
    $0.fault == nil && $0.strategy.rightIn.contains(.c11)
  }

  /// Many races share a command: it would take longer to start than a race does.
  @Test(arguments: shapes)
  func whatReliesOnLessThanC11IsReported(_ shape: String) throws {
    var left = Self.reported.map { Pair($0) }
    // What else the racers do (locks, other compare-exchanges) orders them now and then: one run need not show it.
    for seed in 1...15 where !left.isEmpty {
      let (output, verdicts) = try race(
        left, shape, racers: lookingRacers, seconds: 0.5, seed: seed, expects: "{fail: [data-race]}")
      let reported = left.filter { verdicts[$0]?.findings.contains("data-race") ?? false }
      for pair in reported { #expect(verdicts[pair]?.outcome == "fail", "\(pair): \(output)") }
      left.removeAll { reported.contains($0) }
    }
    #expect(left.isEmpty, "not reported in fifteen runs")
  }

  @Test(arguments: shapes)
  func whatIsRightInC11IsClean(_ shape: String) throws {
    let pairs = Self.clean.map { Pair($0) }
    let (output, verdicts) = try race(pairs, shape, racers: usingRacers, seconds: 0.3)
    for pair in pairs {
      #expect(["pass", "vacuous"].contains(verdicts[pair]?.outcome), "\(pair): \(output)")
    }
  }

  private struct Pair: Hashable, CustomStringConvertible {
    let site, strategy: String
    init(_ facts: SubjectFacts) { (site, strategy) = (facts.site.name, facts.strategy.name) }
    var description: String { "\(site) \(strategy)" }
  }

  /// Of these no lock but the addon's own is taken by both sides.
  private func lookingRacers(_ pair: Pair) -> String {
    pair.site == "bpf-storage" ? "{update: 1, use: 2}" : usingRacers(pair)
  }

  /// In long rounds of the pipeline the locks of bpf-storage's updates order the racers nearly always.
  private func inodes(_ pair: Pair) -> Int { pair.site == "bpf-storage" ? 16 : 64 }

  /// Racers that look into what others made.
  private func usingRacers(_ pair: Pair) -> String {
    // Nothing but the slot may order reader and allocator: no lock that both take, no third racer between them.
    if pair.strategy.hasSuffix("-read") { return "{allocate: 1, read: 1}" }
    if pair.strategy.hasSuffix("flag-not-released") { return "{lock: 1, read: 1}" }
    return switch pair.site.replacing("-in-life", with: "") {
    case "file-owner": "{set-owner: 2, read: 1}"
    case "inode-addons": "{fsnotify: 2, bpf: 1, hook: 1}"
    case "inode-addons-container-relaxed": "{fsnotify: 1, hook: 1}"
    case "superblock-info": "{watch: 2, hook: 1}"
    case "lock-context", "lock-context-flag": "{lock: 2, read: 1}"
    case "crypt-info": "{setup: 2, use: 1}"
    case "verity-info": "{open: 2, verify: 1}"
    case "file-owner-with-table": "{set-owner: 1, read: 1}"
    case "spare-reuse": "{fill: 2}"
    case "free-list": "{fill: 3, use: 1}"
    case "fsnotify-marks-ordered": "{add-and-remove: 2, hook: 1}"
    case "fsnotify-marks", "fsnotify-marks-5.15", "fsnotify-marks-7.0": "{add-and-remove: 1, hook: 1}"
    case "inode-addons-whole", "inode-addons-whole-mask-inline": "{bpf: 2, program: 1}"
    case "lease-6.11": "{set-lease: 1, open: 1}"
    case "bpf-storage", "bpf-storage-7.2", "bpf-storage-of-socket", "bpf-storage-of-socket-ordered":
      "{update: 1, delete: 1, use: 1}"
    case "pending-flag": "{publish: 2, set: 1}"
    case "tagged-slot": "{populate: 2, tag: 1}"
    case "armed-timer": "{create: 2, expire: 1}"
    case "growing-table": "{add: 2, look: 1}"
    case "verity-table": "{open: 1, pass: 1}"
    case "attaching-hook", "attaching-hook-non-blocking": "{event: 1, look: 1}"
    case "universal-addons": "{crypt: 1, look: 1}"
    default: "{use: 2}"
    }
  }

  private func race(
    _ pairs: [Pair], _ shape: String, racers: (Pair) -> String, seconds: Double, seed: Int = 1,
    expects expected: String = "pass"
  ) throws -> (output: String, verdicts: [Pair: (outcome: String, findings: [String])]) {
    let folder = try TemporaryFolder()
    for pair in pairs {
      _ = try folder.write(
        """
        name: \(pair)
        question: '?'
        site: \(pair.site)
        strategy: \(pair.strategy)
        racers: \(racers(pair))
        stress: {shape: \(shape), minimum-yield: 0, collisions: 2000, time: \(seconds), inodes: \(inodes(pair)),
                 watchdog: 60, seed: \(seed)}
        expect: \(expected)
        """, to: "\(pair.site)-\(pair.strategy).yaml")
    }
    let command = try Command("run", folder.url.path, "--format", "json")
    let document = try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any]
    let entries = document?["verdicts"] as? [[String: Any]] ?? []
    let verdicts = pairs.map { pair in
      let entry = entries.first { ($0["scenario"] as? [String: Any])?["name"] as? String == "\(pair)" }
      let findings = entry?["findings"] as? [[String: Any]] ?? []
      return (pair, (entry?["outcome"] as? String ?? "none", findings.compactMap { $0["checker"] as? String }))
    }
    return (command.output, Dictionary(uniqueKeysWithValues: verdicts))
  }
}

/// Under AddressSanitizer, with `malloc`: a use after free ends the child, exactly where it happens.
@Suite(.serialized, .enabled(if: BuildKind.current == .addressSanitizer)) struct AddressSanitizerTests {
  @Test func aUseAfterFreeIsACrash() throws {
    let command = try Command(
      "run", "scenarios/faults/winner-freed.yaml", "--racers", "set-owner=2", "--heap", "malloc", "--inodes", "32",
      "--time", "20")
    #expect(command.output.contains("winner-freed: crashed"), "\(command.output)")
    #expect(command.output.contains("heap-use-after-free"), "\(command.output)")
  }

  @Test func whatIsRightIsClean() throws {
    let command = try Command(
      "run", "scenarios/sites/file-owner-used.yaml", "scenarios/sites/lock-context.yaml", "--heap", "malloc",
      "--inodes", "32", "--collisions", "300", "--time", "20")
    #expect(command.status == 0, "\(command.output)")
  }
}

@Suite struct DataRaceReportTests {
  @Test func aReportBecomesAFinding() {
    let text = """
      ==================
      WARNING: ThreadSanitizer: data race (pid=7)
        Read of size 8 at 0x7f00 by thread T2:
          #0 read /a/b/HardwareOperations.swift:88:12 (addonrace+0x1)
        Previous write of size 8 at 0x7f00 by thread T1:
          #0 write /a/b/HardwareOperations.swift:89:3 (addonrace+0x2)
      SUMMARY: ThreadSanitizer: data race
      ==================
      """
    let findings = DataRaceReport.findings(in: text)
    #expect(findings.map(\.checker) == ["data-race"])
    #expect(
      findings.first?.message
        == "data race: Read of size 8: HardwareOperations.swift:88:12; "
        + "Previous write of size 8: HardwareOperations.swift:89:3")
    #expect(DataRaceReport.findings(in: "nothing").isEmpty)
  }
}
