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
    "violated", "lockPatiently", "waitPatiently", "actInWindow", "blockSlowly", "freeElsewhere",
    "notePublicationElsewhere",
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
      // A reader gives its share of the owner's lock back.
      let others = locked.filter { !$0.hasPrefix("lock cmpxchg") }
      #expect(others.allSatisfy { $0.hasPrefix("lock decl") } && others.count <= 1, "\(locked)")
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
  ///
  /// The symbol table says where they are, so that these alone are disassembled: the whole binary is hundreds of megabytes
  /// of text.
  static func functions(of names: [String], _ subject: Subject) throws -> [Function] {
    let symbols = try output(
      "nm --print-size --defined-only \"$1\" | grep -E \"$2\" | grep -E \"$3\"", subject.binary,
      names.joined(separator: "|"), subject.pair)
    return try symbols.split(separator: "\n").compactMap { line in
      let columns = line.split(separator: " ")
      guard columns.count == 4, let start = UInt64(columns[0], radix: 16), let size = UInt64(columns[1], radix: 16),
        columns[2].lowercased() == "t"
      else { return nil }
      let text = try output(
        "objdump --disassemble --no-show-raw-insn --start-address=$2 --stop-address=$3 \"$1\"", subject.binary,
        String(start), String(start + size))
      return function(String(columns[3]), text)
    }
  }

  private static func function(_ name: String, _ text: String) -> Function {
    Function(
      name: name,
      instructions: text.split(separator: "\n").drop { !$0.hasSuffix(">:") }.dropFirst().compactMap { line in
        line.split(separator: "\t", maxSplits: 1).dropFirst().first
          .map { $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces) }
      })
  }

  private static func output(_ command: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command, "sh"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
