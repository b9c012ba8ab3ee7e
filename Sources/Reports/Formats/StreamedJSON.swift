import Foundation

/// A document in JSON that is little more than one long array, whose elements are encoded one at a time.
struct StreamedJSON {
  private static let place = "elements"
  private let before: String
  private let after: String
  private let separator: String
  private let margin: String
  private let encoder = JSONEncoder()

  /// - Parameters:
  ///   - envelope: the document, of which the array has the given text as its only element.
  ///   - isIndented: over many lines; otherwise each element is a line.
  init(isIndented: Bool, _ envelope: (String) -> some Encodable) throws {
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    let text = String(decoding: try encoder.encode(envelope(Self.place)), as: UTF8.self)
    let parts = text.components(separatedBy: "\"\(Self.place)\"")
    guard parts.count == 2 else { throw CocoaError(.coderInvalidValue) }
    margin = isIndented ? String(parts[0].reversed().prefix { $0 == " " }) : ""
    before = String(parts[0].dropLast(margin.count)) + (isIndented ? "" : "\n")
    after = (isIndented ? "" : "\n") + parts[1]
    separator = ",\n"
  }

  func write<Elements: Sequence>(_ elements: Elements, _ write: (String) throws -> Void) throws
  where Elements.Element: Encodable {
    try write(before)
    var isFirst = true
    for element in elements {
      try write((isFirst ? "" : separator) + margin + indented(try encoder.encode(element)))
      isFirst = false
    }
    try write(after)
  }

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
