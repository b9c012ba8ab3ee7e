/// An element, its attributes and what is in it.
struct XMLNode {
  var name: String
  var attributes: [(String, String)]
  var text: String?
  var children: [XMLNode] = []

  init(_ name: String, _ attributes: [(String, String)], text: String? = nil) {
    self.name = name
    self.attributes = attributes
    self.text = text
  }

  func text(depth: Int = 0) -> String {
    let margin = String(repeating: "  ", count: depth)
    if let text { return "\(margin)\(opening)>\(Self.escaped(text))\(closing)" }
    if children.isEmpty { return "\(margin)\(opening)/>" }
    return (["\(margin)\(opening)>"] + children.map { $0.text(depth: depth + 1) } + [margin + closing])
      .joined(separator: "\n")
  }

  /// The tag that it begins with, but for its end.
  var opening: String { "<\(name)" + attributes.map { " \($0)=\"\(Self.escaped($1))\"" }.joined() }
  var closing: String { "</\(name)>" }

  /// Characters that XML 1.0 has no way to say are left out as U+FFFD.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: escaped += "\u{fffd}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
