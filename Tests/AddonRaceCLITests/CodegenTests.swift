import AddonRaceTestSupport
import Foundation
import Testing

/// What the compiler made of the loops that a run reaches through a catalog: Linux's in the release build whose path is in
/// `ADDONRACE_RELEASE`, and that of a package of one's own in `ADDONRACE_OWN_RELEASE` (scripts/test.sh sets both).
@Suite(.enabled(if: !Disassembly.subjects.isEmpty, "scripts/test.sh builds the release binaries that this looks at"))
struct CodegenTests {
  let loops: [(Disassembly.Subject, Disassembly.Function)]

  init() throws {
    loops = try Disassembly.subjects.flatMap { subject in
      try Disassembly.functions(of: ["visitFreely", "visitInTurns"], subject).map { (subject, $0) }
    }
  }

  /// A subject's code values are closures over its loops.
  @Test func theRunReachesTheseLoops() throws {
    for subject in Disassembly.subjects {
      let values = try Disassembly.functions(of: ["RacedCode"], subject)
      for name in ["visitFreely", "visitInTurns"] {
        let loop = try #require(loops.first { $0.0 == subject && $0.1.name.contains(name) }?.1, "\(subject): \(name)")
        #expect(values.contains { $0.calls.contains(loop.name) }, "the code value of \(subject) calls another \(name)")
      }
    }
  }

  /// The slow paths, which stay calls on purpose; everything else of the memory is inlined.
  static let slowPaths = [
    "violated", "lockPatiently", "actInWindow", "blockSlowly", "freeElsewhere", "notePublicationElsewhere",
    "fillRest", "cfiber_switch_sanitized", "CallersSection",
    // The pipeline's own, twice for a group of inodes.
    "reachMilestone",
    // Without memory there is something to throw.
    "OutOfMemory", "OutOfB0V", "swift_willThrowTyped",
  ]

  @Test func noOperationOfMemoryIsACall() {
    for (subject, loop) in loops {
      for call in loop.calls where !Self.slowPaths.contains(where: call.contains) {
        Issue.record("\(subject): \(loop.name) calls \(call)")
      }
    }
  }

  @Test func publicationIsOneLockedCompareExchange() {
    for (_, loop) in loops {
      let locked = loop.instructions.filter { $0.hasPrefix("lock") }
      #expect(locked.allSatisfy { $0.hasPrefix("lock cmpxchg") }, "\(locked)")
      // Two roles populate, so the strategy stands here twice; the other locked instructions, of 32 bits, take locks.
      let wide = locked.filter { $0.contains("cmpxchg %r") && !$0.contains(/%r\d+d/) }
      #expect(wide.count == 2, "\(loop.name): \(wide)")
    }
  }

  @Test func thePopulatedPathIsOneLoadAndOneTest() throws {
    for (_, loop) in loops {
      var loads = 0
      for (index, instruction) in loop.instructions.enumerated() {
        guard let load = instruction.firstMatch(of: /^mov +(?:0x0)?\([^)]+\),(%r\w+)$/) else { continue }
        let next = loop.instructions.dropFirst(index + 1)
        guard next.prefix(6).contains("test   \(load.1),\(load.1)") else { continue }
        let between = next.prefix { $0 != "test   \(load.1),\(load.1)" }
        // Between load and test nothing else is read.
        if between.contains(where: { $0.contains(/\(%/) && !$0.hasPrefix("lea") && !$0.hasPrefix("mov    %") }) {
          continue
        }
        loads += 1
      }
      #expect(loads >= 1, "\(loop.name): no load that is tested at once")
    }
  }
}

enum Disassembly {
  struct Function {
    let name: String
    let instructions: [String]
    var calls: [String] {
      // A function that ends with a call jumps there; a jump to an address in memory is the switch to another fiber.
      let calls = instructions.filter {
        $0.hasPrefix("call") || $0.hasPrefix("jmp") && $0.contains("<") && !$0.contains("<\(name)+")
      }
      return calls.map { String($0.drop { $0 != "<" }.dropFirst().dropLast()) }
    }
  }

  /// A pair of site and strategy in a binary.
  struct Subject: Hashable, CustomStringConvertible {
    let binary: String
    /// As mangled names have it.
    let pair: String
    var description: String { "\(pair) in \(binary)" }
  }

  static let subjects: [Subject] = [
    ("ADDONRACE_RELEASE", "FileOwnerO.*[0-9]FullCompareExchangeO"),
    ("ADDONRACE_OWN_RELEASE", "FileOwnerO.*[0-9]PublishOnceO"),
  ].compactMap { variable, pair in
    ProcessInfo.processInfo.environment[variable].map { Subject(binary: $0, pair: pair) }
  }

  /// The specialisations for a subject of the functions with these names.
  static func functions(of names: [String], _ subject: Subject) throws -> [Function] {
    let text = try (disassemblies[subject.binary] ?? .failure(CocoaError(.fileNoSuchFile))).get()
    let entry = try Regex(subject.pair)
    var functions: [Function] = []
    for part in text.components(separatedBy: "\n\n") {
      guard let title = part.split(separator: "\n").first, title.hasSuffix(">:") else { continue }
      let name = String(title.drop { $0 != "<" }.dropFirst().dropLast(2))
      let isWanted = names.contains(where: name.contains) && name.contains(entry)
      guard isWanted else { continue }
      let instructions = part.split(separator: "\n").dropFirst().compactMap { line in
        line.split(separator: "\t", maxSplits: 1).dropFirst().first.map { String($0.prefix { $0 != "#" }) }
          .map { $0.trimmingCharacters(in: .whitespaces) }
      }
      functions.append(Function(name: name, instructions: instructions))
    }
    return functions
  }

  private static let disassemblies = Dictionary(
    subjects.map { subject in (subject.binary, Result { try disassembly(of: subject.binary) }) },
    uniquingKeysWith: { first, _ in first })

  private static func disassembly(of binary: String) throws -> String {
    let folder = try TemporaryFolder()
    let file = try folder.write("", to: "disassembly")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/objdump")
    process.arguments = ["--disassemble", "--no-show-raw-insn", binary]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try process.run()
    process.waitUntilExit()
    return try String(contentsOfFile: file, encoding: .utf8)
  }
}
