/// A word of a litmus file.
struct LitmusToken {
  enum Kind { case name, number, symbol, end }
  let kind: Kind
  let text: String
  /// From 1.
  let line: Int
  let column: Int
}

/// Cuts a litmus file into words. `(* *)` is a comment outside of code only: in code it is `READ_ONCE(*x)`.
struct LitmusLexer {
  private let text: [Character]
  private var index = 0
  private var line: Int
  private var column = 1
  private var depth = 0
  private var isCode = false
  private var tokens: [LitmusToken] = []

  /// - Parameter line: of the text's first.
  static func tokens(_ text: Substring, line: Int) throws(LitmusFile.Invalid) -> [LitmusToken] {
    var lexer = LitmusLexer(text: Array(text), line: line)
    return try lexer.run()
  }

  private init(text: [Character], line: Int) {
    self.text = text
    self.line = line
  }

  private mutating func run() throws(LitmusFile.Invalid) -> [LitmusToken] {
    while index < text.count {
      let character = text[index]
      if character.isWhitespace {
        advance()
      } else if starts("/*") {
        try skip(to: "*/")
      } else if starts("//") {
        while index < text.count, !text[index].isNewline { advance() }
      } else if !isCode, starts("(*") {
        try skip(to: "*)")
      } else if !isCode, character == "\"" {
        advance()
        try skip(to: "\"")
      } else if character.isLetter || character == "_" {
        take(.name) { $0.isLetter || $0.isNumber || $0 == "_" }
        let name = tokens[tokens.count - 1].text
        if depth == 0, name.first == "P", !name.dropFirst().isEmpty, name.dropFirst().allSatisfy(\.isNumber) {
          isCode = true
        }
      } else if character.isNumber {
        take(.number) { $0.isLetter || $0.isNumber }
      } else {
        symbol()
      }
    }
    tokens.append(LitmusToken(kind: .end, text: "the end of the file", line: line, column: column))
    return tokens
  }

  private static let pairs = ["/\\", "\\/", "==", "!=", "<=", ">=", "&&", "||", "++", "--"]

  private mutating func symbol() {
    let word = Self.pairs.first { starts($0) } ?? String(text[index])
    if word == "{" { depth += 1 }
    if word == "}" {
      depth -= 1
      if depth == 0 { isCode = false }
    }
    tokens.append(LitmusToken(kind: .symbol, text: word, line: line, column: column))
    for _ in word { advance() }
  }

  private mutating func take(_ kind: LitmusToken.Kind, while belongs: (Character) -> Bool) {
    let (line, column) = (line, column)
    var word = ""
    while index < text.count, belongs(text[index]) {
      word.append(text[index])
      advance()
    }
    tokens.append(LitmusToken(kind: kind, text: word, line: line, column: column))
  }

  private func starts(_ word: String) -> Bool {
    index + word.count <= text.count && zip(text[index...], word).allSatisfy { $0 == $1 }
  }

  private mutating func skip(to end: String) throws(LitmusFile.Invalid) {
    let (line, column) = (line, column)
    while !starts(end) {
      guard index < text.count else {
        throw LitmusFile.Invalid(line: line, column: column, message: "this comment has no end")
      }
      advance()
    }
    for _ in end { advance() }
  }

  private mutating func advance() {
    if text[index].isNewline {
      line += 1
      column = 1
    } else {
      column += 1
    }
    index += 1
  }
}
