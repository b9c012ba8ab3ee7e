import Foundation
import Machine
import RaceModel

/// Compiles C so that a program tells what each access depends on.
///
/// The compiler's passes of ThreadSanitizer and DataFlowSanitizer run one after the other: the first puts a hook at every
/// access, and the second passes labels of values on, to the hooks as to everybody: in `__dfsan_arg_tls` those of a call's
/// arguments, two bytes each. SanitizerCoverage tells of every block that is entered, and leaves the control-flow graph, so
/// that a control dependency ends where the ways of its branch join.
struct TrackedBuild {
  let compiler: String
  let folder: URL
  /// Objects that the program is linked with.
  let runtime: [String]

  private static let passes =
    [
      "-fsanitize=thread,dataflow", "-fno-sanitize-ignorelist",
      "-fsanitize-coverage=trace-pc-guard,control-flow,pc-table",
    ]
    + [
      "-tsan-instrument-func-entry-exit=0", "-tsan-distinguish-volatile=1", "-dfsan-conditional-callbacks=1",
      // What is loaded through a pointer depends on what it was loaded from, and not on the pointer.
      "-dfsan-combine-pointer-labels-on-load=0", "-sanitizer-coverage-prune-blocks=0",
    ].flatMap { ["-mllvm", $0] }

  /// Whether the compiler has all of these passes: Debian 12's clang, which is 14, has not.
  static func isPossible(with compiler: String) throws(EngineError) -> Bool {
    try Toolchain.run(compiler, passes + ["-x", "c", "-S", "-emit-llvm", "/dev/null", "-o", "/dev/null"]).status == 0
  }

  /// - Throws: what the compiler says, as it says it.
  func compile(_ source: String, _ flags: [String], to object: String) throws(EngineError) {
    let text = object + ".ll"
    // Functions that are not compiled in this way keep their names, and what they return depends on nothing. Which they
    // are shows in what a first run leaves undefined.
    var natives: Set<String> = []
    while true {
      let list = object + ".abilist"
      try Self.write(Self.abiList(natives), to: list)
      let answer = try Toolchain.run(
        compiler,
        flags.filter { $0 != "-fsanitize=thread" } + Self.passes
          + ["-mllvm", "-dfsan-abilist=\(list)", "-S", "-emit-llvm", source, "-o", text])
      guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
      try rewrite(text)
      let compiled = try Toolchain.run(compiler, ["-O0", "-g", "-fPIC", "-w", "-c", text, "-o", object])
      guard compiled.status == 0 else { throw EngineError(compiled.errors.trimmed) }
      let new = try undefined(object).filter { !Self.tellsLabels($0) && !natives.contains($0) }
      if new.isEmpty { return }
      natives.formUnion(new)
    }
  }

  /// For the linker: hooks by the names that the second pass gives them.
  func aliases(of objects: [String]) throws(EngineError) -> [String] {
    var names: Set<String> = []
    for object in objects { names.formUnion(try undefined(object)) }
    return names.filter(Self.tellsLabels).sorted().map { "-Wl,--defsym=\($0)\(Self.suffix)=\($0)" }
  }

  private static let suffix = ".dfsan"

  /// Functions that take and give labels, ours.
  private static func tellsLabels(_ name: String) -> Bool {
    name.hasPrefix("__tsan_") || name.hasPrefix("__sanitizer_cov_")
      || kernels.contains { name == "addonrace_kernel_" + $0 }
  }

  private static let kernels = [
    "load", "store", "update", "fence", "lock", "trylock", "unlock", "rwlock", "rwunlock", "wait",
  ]

  /// What an object calls by the names of the second pass, and has not.
  private func undefined(_ object: String) throws(EngineError) -> Set<String> {
    guard let tool = Tools.find("llvm-nm") ?? Tools.find("nm") else {
      throw EngineError("there is no nm: install binutils")
    }
    let answer = try Toolchain.run(tool, ["--undefined-only", object])
    let names = answer.output.split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
    return Set(names.filter { $0.hasSuffix(Self.suffix) }.map { String($0.dropLast(Self.suffix.count)) })
  }

  /// Entry points keep their names too, so that they can be found.
  private static func abiList(_ natives: Set<String>) -> String {
    let entries = ["main", "addonrace_setup", "addonrace_racer_*", "addonrace_check", "addonrace_teardown"]
    let all = entries + ["addonrace_*_object", "addonrace_visits_*", "addonrace_timed_*"] + natives.sorted()
    return all.map { "fun:\($0)=uninstrumented\nfun:\($0)=discard\n" }.joined()
  }

  // MARK: The intermediate text

  /// Labels pass through variables of the runtime; and a value that a branch has chosen, as `a && b` does, depends on what
  /// the branch depends on.
  private func rewrite(_ file: String) throws(EngineError) {
    guard let data = FileManager.default.contents(atPath: file) else { throw EngineError("\(file): it cannot be read") }
    var lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    for index in lines.indices where lines[index].hasPrefix("@__dfsan_") {
      lines[index] = lines[index].replacingOccurrences(
        of: "external thread_local(initialexec)", with: "external hidden")
    }
    try Self.write(ChosenValues.rewrite(lines).joined(separator: "\n"), to: file)
  }

  private static func write(_ text: String, to file: String) throws(EngineError) {
    do { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) } catch {
      throw EngineError("\(file) could not be written: \(error.localizedDescription)")
    }
  }
}

/// Truth values that come of a branch: `a && b` is false because of `a` where `b` was not looked at, and the pass labels it
/// with what is constant there. Its label becomes that of the branches that come together in it.
enum ChosenValues {
  /// - Parameter lines: intermediate text of the compiler, with labels.
  static func rewrite(_ lines: [String]) -> [String] {
    var lines = lines
    var block = ""
    var function = 0
    /// By predecessor: what to add at its end.
    var added: [String: [String]] = [:]
    var starts: [Int: [String: [String]]] = [:]
    for index in lines.indices {
      let line = lines[index]
      if line.hasPrefix("define ") {
        function = index
        added = [:]
        block = "0"
      } else if line == "}" {
        starts[function] = added
      } else if let label = name(ofBlock: line) {
        block = label
      } else if line.contains("= phi i1 "), index > 0, lines[index - 1].contains("= phi i8 ") {
        lines[index - 1] = choosing(lines[index - 1], in: block, &added)
      }
    }
    return insert(starts, into: lines)
  }

  private static func name(ofBlock line: String) -> String? {
    guard let first = line.first, first.isNumber || first.isLetter, let colon = line.firstIndex(of: ":") else {
      return nil
    }
    return String(line[..<colon])
  }

  /// `%35 = phi i8 [ 0, %29 ], [ %31, %30 ]`, with each label joined by what was chosen on that way.
  private static func choosing(_ line: String, in block: String, _ added: inout [String: [String]]) -> String {
    let parts = line.components(separatedBy: "[ ")
    var result = parts[0]
    for (number, part) in parts.dropFirst().enumerated() {
      let pieces = part.components(separatedBy: " ]")
      let operands = pieces[0].components(separatedBy: ", ")
      guard operands.count == 2, operands[1].hasPrefix("%") else { return line }
      let way = String(operands[1].dropFirst())
      let name = "%chosen.\(block).\(way).\(number)"
      added[way, default: []] += [
        "  \(name).own = call i8 @addonrace_chosen()", "  \(name) = or i8 \(name).own, \(operands[0])",
      ]
      result += "[ \(name), \(operands[1]) ]" + pieces.dropFirst().joined(separator: " ]")
    }
    return result
  }

  /// In front of the last instruction of blocks.
  private static func insert(_ starts: [Int: [String: [String]]], into lines: [String]) -> [String] {
    if starts.values.allSatisfy(\.isEmpty) { return lines }
    var result: [String] = []
    var added: [String: [String]] = [:]
    var block = ""
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("define ") {
        added = starts[index] ?? [:]
        block = "0"
      } else if let label = name(ofBlock: line) {
        block = label
      } else if line.hasPrefix("  br label "), let calls = added[block] {
        result += calls
      }
      result.append(line)
    }
    return result + ["declare zeroext i8 @addonrace_chosen()"]
  }
}
