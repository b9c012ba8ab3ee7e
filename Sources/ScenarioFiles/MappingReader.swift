import RaceModel
import Yams

/// Collects what is wrong while a file is read, so that all of it is shown at once.
final class Diagnostics {
  let file: String
  private(set) var all: [Diagnostic] = []
  init(file: String) { self.file = file }

  func add(_ message: String, at node: Node, remedy: String? = nil) {
    all.append(
      Diagnostic(
        file: file, line: node.mark?.line, column: node.mark?.column, message: message, remedy: remedy))
  }
}

/// Reads the keys of one mapping strictly: what is not asked for is an error, with the nearest key as a suggestion.
struct MappingReader {
  let mapping: Node.Mapping
  let node: Node
  /// What the mapping is, for messages: "stress".
  let place: String
  let diagnostics: Diagnostics
  private var known: [String] = []

  init?(_ node: Node, place: String, _ diagnostics: Diagnostics) {
    guard let mapping = node.mapping else {
      diagnostics.add("\(place) must be a mapping of keys to values", at: node)
      return nil
    }
    self.mapping = mapping
    self.node = node
    self.place = place
    self.diagnostics = diagnostics
  }

  mutating func value(_ key: String) -> Node? {
    known.append(key)
    return mapping.first { $0.key.string == key }?.value
  }

  /// To be called last.
  func rejectUnknownKeys() {
    let unknown = mapping.compactMap { key, _ in key.string.flatMap { known.contains($0) ? nil : (key, $0) } }
    for (key, name) in unknown.prefix(Self.mostUnknownKeys) {
      diagnostics.add(
        "unknown key '\(name)' in \(place)", at: key,
        remedy: Suggestion.remedy(for: name, among: known, else: "known keys: \(known.joined(separator: ", "))"))
    }
    if unknown.count > Self.mostUnknownKeys {
      diagnostics.add(
        "and \(unknown.count - Self.mostUnknownKeys) more unknown keys in \(place)",
        at: unknown[Self.mostUnknownKeys].0)
    }
  }

  /// As many are named, each with a remedy.
  private static let mostUnknownKeys = 10

  mutating func string(_ key: String) -> String? {
    guard let node = value(key) else { return nil }
    guard let text = node.scalar?.string else {
      diagnostics.add("\(key) must be text", at: node)
      return nil
    }
    if text.isEmpty {
      diagnostics.add("\(key) is empty", at: node, remedy: "give it some text")
      return nil
    }
    return text
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    value(key).flatMap { integer($0, key, in: range) }
  }

  func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = node.scalar?.string, let number = Int(text.filter { $0 != "_" }), isPlain(node) else {
      diagnostics.add("\(key) must be a whole number", at: node, remedy: "it may be \(limits(of: range))")
      return nil
    }
    guard range.contains(number) else {
      diagnostics.add("\(key) is \(number), out of range", at: node, remedy: "it may be \(limits(of: range))")
      return nil
    }
    return number
  }

  /// One or several.
  mutating func integers(_ key: String, in range: ClosedRange<Int>) -> [Int]? {
    guard let node = value(key) else { return nil }
    let items = node.sequence.map(Array.init) ?? [node]
    if items.isEmpty { diagnostics.add("\(key) is empty", at: node, remedy: "each may be \(limits(of: range))") }
    return items.compactMap { integer($0, key, in: range) }
  }

  /// Reads every setting of a section.
  mutating func apply(_ section: Setting.Section, to scenario: inout Scenario) {
    for setting in Setting.all(of: section) {
      guard let node = value(setting.key) else { continue }
      do throws(SettingError) {
        // A quoted number is text.
        let text = node.scalar?.string ?? ""
        setting.apply(try setting.parse(isPlain(node) || setting.isText ? text : "'\(text)'"), to: &scenario)
      } catch {
        let message = error.unknown.map { "unknown \(setting.key) '\($0)'" } ?? "\(setting.key) \(error.problem)"
        diagnostics.add(message, at: node, remedy: error.remedy)
      }
    }
  }

  mutating func probability(_ key: String) -> Double? {
    guard let node = value(key) else { return nil }
    guard let text = node.scalar?.string, let number = Double(text), isPlain(node), (0...1).contains(number) else {
      diagnostics.add("\(key) must be a number", at: node, remedy: "it may be 0 to 1")
      return nil
    }
    return number
  }

  mutating func choice<T: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: T.Type) -> T? {
    guard let node = value(key) else { return nil }
    return choice(node, key, type)
  }

  private func choice<T: RawRepresentable<String> & CaseIterable>(_ node: Node, _ key: String, _ type: T.Type) -> T? {
    let text = node.scalar?.string ?? ""
    if let choice = T(rawValue: text) { return choice }
    diagnostics.add(
      "unknown \(key) '\(text)'", at: node,
      remedy: Suggestion.remedy(for: text, among: T.allCases.map(\.rawValue)))
    return nil
  }

  /// One or several of a kind: a word, or a list of words.
  mutating func choices<T: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: T.Type) -> [T]? {
    guard let node = value(key) else { return nil }
    let items = node.sequence.map(Array.init) ?? [node]
    let known = T.allCases.map(\.rawValue).joined(separator: ", ")
    if items.isEmpty { diagnostics.add("\(key) is empty", at: node, remedy: "it may be: \(known)") }
    return items.compactMap { choice($0, key, type) }
  }

  /// A quoted number is text.
  private func isPlain(_ node: Node) -> Bool {
    switch node.scalar?.style {
    case .singleQuoted, .doubleQuoted: false
    default: true
    }
  }

  private func limits(of range: ClosedRange<Int>) -> String {
    range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
  }
}

extension Setting {
  fileprivate var isText: Bool { if case .choice = kind { true } else { false } }
}
