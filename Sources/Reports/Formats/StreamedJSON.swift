import Foundation

/// A document in JSON that is little more than one long array, whose elements are encoded one at a time, or side by side.
struct StreamedJSON: Sendable {
  private static let place = "elements"
  private let before: String
  private let after: String
  private let margin: String
  private let encoder = JSONEncoder()
  private var isEmpty = true

  /// - Parameters:
  ///   - isIndented: over many lines; otherwise each element is a line.
  ///   - envelope: the document, of which the array has the given text as its only element.
  init(isIndented: Bool, _ envelope: (String) -> some Encodable) throws {
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    let text = String(decoding: try encoder.encode(envelope(Self.place)), as: UTF8.self)
    let parts = text.components(separatedBy: "\"\(Self.place)\"")
    guard parts.count == 2 else { throw CocoaError(.coderInvalidValue) }
    margin = isIndented ? String(parts[0].reversed().prefix { $0 == " " }) : ""
    before = String(parts[0].dropLast(margin.count)) + (isIndented ? "" : "\n")
    after = (isIndented ? "" : "\n") + parts[1]
  }

  /// An element's JSON as it stands in the document.
  func json(_ element: some Encodable) throws -> String { indented(try encoder.encode(element)) }

  /// That of several elements, all on one line. Not of an indented document.
  func json(of elements: [some Encodable]) throws -> String {
    String(decoding: try encoder.encode(elements).dropFirst().dropLast(), as: UTF8.self)
  }

  /// The next piece of the document, which has one element more, or more where `element` is the JSON of several.
  mutating func piece(_ element: String) -> String {
    defer { isEmpty = false }
    return (isEmpty ? before : ",\n") + margin + element
  }

  /// The last piece.
  var end: String { (isEmpty ? before : "") + after }

  /// With the margin before each line but the first and those without text. No text of JSON has a line's end in it.
  private func indented(_ json: Data) -> String {
    if margin.isEmpty { return String(decoding: json, as: UTF8.self) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(json.count * 2)
    var beginsLine = false
    for byte in json {
      let endsLine = byte == UInt8(ascii: "\n")
      if beginsLine, !endsLine { bytes.append(contentsOf: margin.utf8) }
      bytes.append(byte)
      beginsLine = endsLine
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Values on a line each.
struct CompactJSON: Sendable {
  private let encoder = JSONEncoder()
  init() { encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes] }

  func text(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
}
