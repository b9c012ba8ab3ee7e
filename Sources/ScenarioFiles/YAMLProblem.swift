/// What is wrong with a file that is not YAML, in words of who writes one: libyaml's are about its own parser.
struct YAMLProblem {
  let message: String
  let remedy: String?

  /// - Parameter words: libyaml's.
  init(_ words: String) {
    let known = Self.known.first { words.contains($0.words) }
    message = known?.message ?? words
    remedy = known?.remedy
  }

  private static let known: [(words: String, message: String, remedy: String)] = [
    ("expected ',' or ']'", "a list does not end", "close what '[' opens with ']', and put commas between"),
    (
      "expected ',' or '}'", "a mapping in braces does not end", "close what '{' opens with '}', and put commas between"
    ),
    (
      "mapping values are not allowed", "a ':' where no key can be",
      "put text that has ': ' in it in quotes; indent keys of one mapping alike"
    ),
    (
      "cannot start any token", "text cannot begin with this character",
      "indent with spaces instead of tabs, and put text that begins with @, ` or % in quotes"
    ),
    ("did not find expected key", "a key is expected here", "write 'key: value', indented as the line above"),
    ("could not find expected ':'", "a key without ':'", "write 'key: value'"),
    ("unexpected end of stream", "a quoted text does not end", "close it with the quote that began it"),
    ("did not find expected '-'", "an item of the list is expected here", "begin it with '- ', indented as the others"),
    (
      "did not find expected alphabetic", "an anchor or alias without a name",
      "put text that begins with & or * in quotes"
    ),
    ("unknown escape character", "no such escape in double quotes", "write \\\\ for a backslash, or use single quotes"),
  ]
}
