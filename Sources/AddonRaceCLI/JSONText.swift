import Foundation

/// A value as JSON, its keys in order.
enum JSONText {
  /// - Parameter isIndented: otherwise on one line.
  static func of(_ value: some Encodable, isIndented: Bool) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    return (try? String(decoding: encoder.encode(value), as: UTF8.self)) ?? ""
  }
}
