import Foundation
import Machine
import RaceModel

/// Names that a person knows, by addresses of a loaded candidate: lines of source, functions, variables. Asked of the
/// toolchain's symbolizer, once for each address.
final class SourceNames {
  private let object: LoadedObject
  private var knownLines: [UInt: String] = [:]
  private var knownFunctions: [UInt: String] = [:]
  private var knownVariables: [UInt: (name: String, offset: Int)?] = [:]

  init(_ object: LoadedObject) { self.object = object }

  /// "mine.c:12", by where hooks were called from: the line of the call, not of what comes after it.
  func lines(of places: Set<UInt>) -> [UInt: String] {
    let base = object.image.base
    for pc in places where pc > base && knownLines[pc] == nil {
      knownLines[pc] = Self.line(in: ask("CODE 0x" + String(pc - base - 1, radix: 16))) ?? ""
    }
    return knownLines.filter { places.contains($0.key) && !$0.value.isEmpty }
  }

  /// The innermost frame whose source is not a header of the language.
  static func line(in answer: [String]) -> String? {
    // Each frame is a function, and then where it is: file, line and column.
    for number in stride(from: 1, to: answer.count, by: 2) {
      let parts = answer[number].split(separator: ":")
      guard parts.count >= 3, parts[1] != "0" else { continue }
      let path = parts[0]
      let isForeign = ["/include/", "/rustc/", "/lib/", "<addonrace>", "/addonrace/"].contains { path.contains($0) }
      if isForeign { continue }
      return "\(path.split(separator: "/").last ?? ""):\(parts[1])"
    }
    return nil
  }

  func function(at address: UnsafeMutableRawPointer?) -> String? {
    let place = UInt(bitPattern: address)
    if let known = knownFunctions[place] { return known }
    guard place > object.image.base else { return nil }
    let answer = ask("CODE 0x" + String(place - object.image.base, radix: 16))
    guard let name = answer.first, name != "??" else { return nil }
    // The last part of a qualified name; not what only its language's library knows.
    let plain = name.split(separator: "(").first.map(String.init) ?? name
    let isLibrarys =
      plain.hasPrefix("$s") || plain.hasPrefix("std::") || plain.contains("<std::")
      || plain == "execute_native_thread_routine"
    knownFunctions[place] = isLibrarys ? "thread" : plain
    return knownFunctions[place]
  }

  /// A global variable, and the byte in it.
  func variable(at address: UInt) -> (name: String, offset: Int)? {
    if let known = knownVariables[address] { return known }
    var found: (name: String, offset: Int)?
    let image = object.image
    if address &- image.data < UInt(image.data_size) {
      let answer = ask("DATA 0x" + String(address - image.base, radix: 16))
      // The name, then where it begins and its size in decimal.
      if let name = answer.first, name != "??", answer.count > 1,
        let start = answer[1].split(separator: " ").first.flatMap({ UInt($0) })
      {
        let shown = name.hasPrefix("$s") ? Self.demangled(name) : name.replacing("(anonymous namespace)::", with: "")
        found = field(shown, Int(address - image.base - start))
      }
    }
    knownVariables[address] = .some(found)
    return found
  }

  /// Swift's names, which the symbolizer does not know.
  private static func demangled(_ name: String) -> String {
    guard let tool = Tools.find("swift-demangle"),
      let answer = try? Toolchain.run(tool, ["--compact", "--simplified", name]), answer.status == 0
    else { return name }
    let text = answer.output.split(separator: "\n").first.map(String.init) ?? name
    return text.replacing(/^static | : .*$/, with: "")
  }

  /// A field of the racers' object by its name.
  private func field(_ name: String, _ offset: Int) -> (name: String, offset: Int) {
    guard name == RacerFunctions.objectName else { return (name, offset) }
    guard let field = object.fields.filter({ $0.offset <= offset }).max(by: { $0.offset < $1.offset }) else {
      return ("object", offset)
    }
    return (field.name, offset - field.offset)
  }

  private func ask(_ question: String) -> [String] { object.symbolizer?.answer(question) ?? [] }
}
