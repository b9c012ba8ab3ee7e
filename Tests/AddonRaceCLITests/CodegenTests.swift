import AddonRaceTestSupport
import Foundation
import Testing

/// What the compiler made of the loop that `addonrace run` reaches through the catalog, in the release build whose path
/// is in `ADDONRACE_RELEASE` (scripts/test.sh sets it).
@Suite(.enabled(if: Disassembly.binary != nil, "scripts/test.sh builds the release binary that this looks at"))
struct CodegenTests {
  static let strategy = "FullCompareExchange"
  let loops: [Disassembly.Function]

  init() throws { loops = try Disassembly.functions(of: ["visitFreely", "visitInTurns"], Self.strategy) }

  @Test func theRunReachesTheseLoops() throws {
    let callers = try Disassembly.functions(of: ["raceRounds"], Self.strategy)
    let free = try #require(loops.first { $0.name.contains("visitFreely") })
    #expect(callers.contains { $0.calls.contains(free.name) }, "raceRounds of file-owner calls another loop")
    #expect(loops.contains { $0.name.contains("visitInTurns") })
  }

  /// The slow paths, which stay calls on purpose; everything else of the memory is inlined.
  static let slowPaths = [
    "violated", "lockPatiently", "actInWindow", "blockWithCare", "freeElsewhere", "notePublicationElsewhere",
    "fillRest", "cfiber_switch_sanitized", "CallersSection",
    // The pipeline's own, twice for a group of inodes.
    "reachMilestone",
    // Without memory there is something to throw.
    "OutOfMemory", "OutOfB0V", "swift_willThrowTyped",
  ]

  @Test func noOperationOfMemoryIsACall() {
    for loop in loops {
      for call in loop.calls where !Self.slowPaths.contains(where: call.contains) {
        Issue.record("\(loop.name) calls \(call)")
      }
    }
  }

  @Test func publicationIsOneLockedCompareExchange() {
    for loop in loops {
      let locked = loop.instructions.filter { $0.hasPrefix("lock") }
      #expect(locked.allSatisfy { $0.hasPrefix("lock cmpxchg") }, "\(locked)")
      // Two roles populate, so the strategy stands here twice; the other locked instructions, of 32 bits, take locks.
      let wide = locked.filter { $0.contains("cmpxchg %r") && !$0.contains(/%r\d+d/) }
      #expect(wide.count == 2, "\(loop.name): \(wide)")
    }
  }

  @Test func thePopulatedPathIsOneLoadAndOneTest() throws {
    for loop in loops {
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
      instructions.filter { $0.hasPrefix("call") }.map { instruction in
        String(instruction.drop { $0 != "<" }.dropFirst().dropLast())
      }
    }
  }

  static var binary: String? { ProcessInfo.processInfo.environment["ADDONRACE_RELEASE"] }

  /// The specialisations for `FileOwner<strategy>` of the functions with these names.
  static func functions(of names: [String], _ strategy: String) throws -> [Function] {
    let text = try disassembly.get()
    let entry = try Regex("FileOwnerO.*[0-9]\(strategy)O")
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

  private static let disassembly = Result { () throws -> String in
    let folder = try TemporaryFolder()
    let file = try folder.write("", to: "disassembly")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/objdump")
    process.arguments = ["--disassemble", "--no-show-raw-insn", binary ?? ""]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try process.run()
    process.waitUntilExit()
    return try String(contentsOfFile: file, encoding: .utf8)
  }
}
