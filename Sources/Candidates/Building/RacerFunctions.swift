import RaceModel

/// The functions of a candidate that AddonRace calls, as its preprocessed source has them: `setup`, `racer_NAME`, `check`,
/// `teardown`, each with a pointer to one object.
struct RacerFunctions {
  /// Without `racer_`, in the order of the source.
  let roles: [String]
  /// Of the object, without the pointer; nil where no function takes one.
  let objectType: String?
  let hasMain: Bool
  private let present: Set<String>
  private let takesObject: Set<String>
  private let takesReference: Set<String>
  let fields: [String]

  init(preprocessed text: String) throws(EngineError) {
    let text = Self.withoutStringsAndMarkers(text)
    var roles: [String] = []
    var present: Set<String> = []
    var takesObject: Set<String> = []
    var takesReference: Set<String> = []
    var objectType: String?
    let definition = /\b(racer_\w+|setup|check|teardown|main)\s*\(([^(){};]*)\)\s*\{/
    for match in text.matches(of: definition) {
      let name = String(match.1)
      guard !Self.isInsideBraces(text, match.range.lowerBound), present.insert(name).inserted, name != "main" else {
        continue
      }
      if name.hasPrefix("racer_") { roles.append(String(name.dropFirst("racer_".count))) }
      let parameter = match.2.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      guard !parameter.isEmpty, parameter != "void" else { continue }
      guard let type = Self.pointedTo(parameter) else {
        throw EngineError(
          "\(name) takes '\(parameter)'; it may take a pointer to the object that all racers share, or nothing")
      }
      if let other = objectType, other != type {
        throw EngineError(
          "\(name) takes a pointer to '\(type)', and another function one to '\(other)': all of them share one object")
      }
      objectType = type
      takesObject.insert(name)
      if parameter.contains("&") { takesReference.insert(name) }
    }
    self.roles = roles
    self.present = present
    self.takesObject = takesObject
    self.takesReference = takesReference
    self.objectType = objectType
    hasMain = present.contains("main")
    fields = objectType.map { Self.fields(of: $0, in: text) } ?? []
  }

  /// "struct ctx" of "struct ctx *c".
  private static func pointedTo(_ parameter: String) -> String? {
    guard let star = parameter.lastIndex(where: { $0 == "*" || $0 == "&" }), !parameter.contains(",") else {
      return nil
    }
    let type = parameter[..<star].trimmingPrefix(/\s*/)
    let text = String(type).split(separator: " ").filter { $0 != "const" }.joined(separator: " ")
    return text.isEmpty || text.hasSuffix("*") ? nil : text
  }

  /// Names of the object's fields, as far as they can be read from simple declarations.
  private static func fields(of type: String, in text: String) -> [String] {
    guard type.hasPrefix("struct "),
      let start = text.firstRange(of: type + " {") ?? text.firstRange(of: type + "\n{")
    else { return [] }
    var names: [String] = []
    var depth = 1
    var declaration = ""
    for character in text[start.upperBound...] {
      switch character {
      case "{": depth += 1
      case "}": depth -= 1
      case ";" where depth == 1:
        let plain = declaration.replacing(/\[[^\]]*\]|:\s*\d+|__attribute__\s*\(\(.*\)\)/, with: "")
        if let name = plain.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }).last,
          !declaration.contains(":")
        {
          names.append(String(name))
        }
        declaration = ""
        continue
      default: break
      }
      if depth == 0 { break }
      declaration.append(character)
    }
    return names
  }

  /// Whether a preprocessed source has assembly in it that does something: an empty one only keeps a compiler in order.
  static func hasAssembly(preprocessed text: String) -> Bool {
    usersLines(of: text).contains(/\b(asm|__asm|__asm__)\b[\w\s]*\(\s*"(?!")/)
  }

  private static func withoutStringsAndMarkers(_ text: String) -> String {
    usersLines(of: text)
      .replacing(/"(\\.|[^"\\\n])*"/, with: "\"\"").replacing(/'(\\.|[^'\\\n])*'/, with: "0")
  }

  /// What the user wrote: nothing of system headers.
  private static func usersLines(of text: String) -> String {
    var isSystems = false
    var lines: [Substring] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") {
        // A marker: `# line "file" flags`, and flag 3 says that it is a system header.
        if let flags = line.split(separator: "\"", omittingEmptySubsequences: false).last, line.hasPrefix("# ") {
          isSystems = flags.split(separator: " ").contains("3")
        }
      } else if !isSystems {
        lines.append(line)
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func isInsideBraces(_ text: String, _ place: String.Index) -> Bool {
    // A definition stands at the beginning of what is outside all braces, but for namespaces and extern "C".
    var depth = 0
    for byte in text.utf8[..<place] {
      if byte == UInt8(ascii: "{") { depth += 1 } else if byte == UInt8(ascii: "}") { depth -= 1 }
    }
    return depth > 1
  }

  // MARK: What is compiled with them

  /// A source that includes the user's, so that static functions are reached too.
  func driver(including source: String, isCPlusPlus: Bool) -> String {
    func call(_ name: String) -> String {
      guard present.contains(name) else { return "" }
      let argument = (takesReference.contains(name) ? "" : "&") + Self.objectName
      return "  \(name)(\(takesObject.contains(name) ? argument : ""));\n"
    }
    let export =
      (isCPlusPlus ? "extern \"C\" " : "") + "__attribute__((visibility(\"default\"))) "
    var text = "#include \"\(source)\"\n" + (isCPlusPlus ? "#include <new>\n" : "") + "#line 1 \"<addonrace>\"\n"
    if let objectType { text += "static \(objectType) \(Self.objectName);\n" }
    text += "\(export)void addonrace_setup(void) {\n\(call("setup"))}\n"
    for role in roles { text += "\(export)void addonrace_racer_\(role)(void) {\n\(call("racer_" + role))}\n" }
    text += "\(export)void addonrace_check(void) {\n\(call("check"))}\n"
    text += "\(export)void addonrace_teardown(void) {\n\(call("teardown"))}\n"
    if let objectType { text += onManyObjects(objectType, export, isCPlusPlus) }
    if objectType != nil, !fields.isEmpty, let objectType {
      text += "\(export)const unsigned long addonrace_fields[] = {"
      text += fields.map { "__builtin_offsetof(\(objectType), \($0))" }.joined(separator: ", ") + "};\n"
    }
    return text
  }

  /// The same functions for any object: a race has many.
  private func onManyObjects(_ type: String, _ export: String, _ isCPlusPlus: Bool) -> String {
    func call(_ name: String) -> String {
      guard present.contains(name) else { return "" }
      let argument = "\(takesReference.contains(name) ? "*" : "")(\(type) *)object"
      return "  \(name)(\(takesObject.contains(name) ? argument : ""));\n"
    }
    func define(_ name: String, _ body: String) -> String {
      "\(export)void addonrace_\(name)_object(void *object) {\n  (void)object;\n\(body)}\n"
    }
    // "struct S" and "S" are types that a name stands for.
    let alias = "addonrace_object_type"
    var text = "typedef \(type) \(alias);\n"
    text += "\(export)const unsigned long addonrace_object_layout[] = {sizeof(\(alias)), __alignof__(\(alias))};\n"
    text += define("setup", (isCPlusPlus ? "  ::new (object) \(alias)();\n" : "") + call("setup"))
    text += "#include \"addonrace_loops.h\"\n"
    for role in roles {
      let visit = call("racer_" + role)
      text += define("racer_\(role)", visit)
      text += "ADDONRACE_LOOPS(\(export), \(role), \(visit.filter { $0 != ";" && $0 != "\n" }))\n"
    }
    text += define("check", call("check"))
    text += define("teardown", call("teardown") + (isCPlusPlus ? "  ((\(alias) *)object)->~\(alias)();\n" : ""))
    return text
  }

  static let objectName = "addonrace_object"
}
