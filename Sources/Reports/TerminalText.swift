extension String {
  /// For a terminal: what would act on it, or begin a line, is shown instead of sent; names beyond any use are cut.
  public var safe: String {
    let isPlain = unicodeScalars.count <= Self.mostCharacters && unicodeScalars.allSatisfy { !$0.acts }
    if isPlain { return self }
    var text = ""
    for scalar in unicodeScalars.prefix(Self.mostCharacters) {
      if scalar.acts {
        text += scalar == "\n" ? "\\n" : scalar == "\t" ? " " : "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return unicodeScalars.count > Self.mostCharacters ? text + "..." : text
  }

  private static var mostCharacters: Int { 400 }

  /// Columns that it takes on a terminal.
  var columns: Int {
    if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
    return reduce(0) { $0 + $1.columns }
  }

  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }

  /// Lines that fit, broken between words where words are short enough; those that follow are indented by two more than the
  /// first. Colours take no columns.
  public func folded(to width: Int) -> String {
    if columns <= width { return self }
    let indent = prefix { $0 == " " }
    let margin = String(repeating: " ", count: indent.count + 2)
    var lines: [String] = []
    var line = String(indent)
    var hasWords = false
    for word in dropFirst(indent.count).split(separator: " ", omittingEmptySubsequences: false) {
      let longer = line + (hasWords ? " " : "") + word
      if hasWords, longer.replacing(Style.colours, with: "").columns > width {
        lines.append(line)
        line = margin + word
      } else {
        line = longer
      }
      hasWords = true
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// As much of it as fits.
  public func cut(to width: Int) -> String {
    if columns <= width { return self }
    var text = ""
    var left = width - 1
    for character in self {
      left -= character.columns
      if left < 0 { break }
      text.append(character)
    }
    return text + "…"
  }
}

extension Unicode.Scalar {
  /// Whether it is a control character, or turns the direction of text.
  fileprivate var acts: Bool {
    value < 0x20 || (0x7f...0x9f).contains(value) || (0x202a...0x202e).contains(value)
      || (0x2066...0x2069).contains(value) || value == 0x2028 || value == 0x2029
  }
}

extension Character {
  /// Two for what East Asian scripts and pictures take (Unicode's report 11, wide and full-width), none for what combines.
  fileprivate var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
      0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f,
      0x1f900...0x1f9ff, 0x20000...0x3fffd:
      return 2
    case 0x200b...0x200f, 0x300...0x36f: return 0
    default: return 1
    }
  }
}
