/// The nearest of some names, to suggest.
public enum Suggestion {
  /// The candidate with the smallest edit distance, if that is small for its length.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let best = candidates.map { ($0, distance(word.lowercased(), $0.lowercased())) }.min { $0.1 < $1.1 }
    guard let (name, distance) = best, distance <= max(2, word.count / 3) else { return nil }
    return name
  }

  /// "did you mean 'this'?", or all that there are, or where to look.
  public static func remedy(for word: String, among candidates: [String], else other: String? = nil) -> String {
    nearest(to: word, among: candidates).map { "did you mean '\($0)'?" } ?? other
      ?? "it may be: \(candidates.joined(separator: ", "))"
  }

  /// Levenshtein distance.
  static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.prefix(mostCharacters).enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let substitution = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }

  /// Of a longer word no name is near.
  private static let mostCharacters = 200
}
