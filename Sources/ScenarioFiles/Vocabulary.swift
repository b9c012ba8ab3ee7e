import RaceModel

/// The names that a scenario may use. Files are read against it, so that a misspelt name is an error in its place.
public struct Vocabulary: Sendable {
  public struct Site: Sendable {
    public var name: String
    public var roles: [String]
    /// Those it goes with, its own first.
    public var strategies: [String]
    public var defaultRacers: [RacerGroup]
    public init(name: String, roles: [String], strategies: [String], defaultRacers: [RacerGroup]) {
      self.name = name
      self.roles = roles
      self.strategies = strategies
      self.defaultRacers = defaultRacers
    }
  }

  public var sites: [Site]
  public var checkers: [String]
  public var mostRacers: Int
  public init(sites: [Site], checkers: [String], mostRacers: Int) {
    self.sites = sites
    self.checkers = checkers
    self.mostRacers = mostRacers
  }

  public func site(_ name: String) -> Site? { sites.first { $0.name == name } }
  public var strategies: [String] {
    var seen = Set<String>()
    return sites.flatMap(\.strategies).filter { seen.insert($0).inserted }
  }
}

/// The nearest of some names, to suggest.
public enum Suggestion {
  /// The candidate with the smallest edit distance, if that is small for its length.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let best = candidates.map { ($0, distance(word.lowercased(), $0)) }.min { $0.1 < $1.1 }
    guard let (name, distance) = best, distance <= max(2, word.count / 3) else { return nil }
    return name
  }

  /// Levenshtein distance.
  static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
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
}
