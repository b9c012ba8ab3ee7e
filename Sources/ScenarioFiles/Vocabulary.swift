import AddonMemory
import RaceModel

/// The names that a scenario may use. Files are read against it, so that a misspelt name is an error in its place.
public struct Vocabulary: Sendable {
  public struct Site: Sendable {
    public var name: String
    public var roles: [String]
    /// Those it goes with, its own first.
    public var strategies: [String]
    public var defaultRacers: [RacerGroup]
    /// Those of its roles that make a slot go back to NULL.
    public var detachingRoles: [String]
    /// Of a site whose inodes go away: those of its roles that put the inode, the last of which destroys it.
    public var destroyers: [String]
    /// Those of its roles that wait for a grace period, and for which.
    public var waitingRoles: [String: GracePeriod]
    public init(
      name: String, roles: [String], strategies: [String], defaultRacers: [RacerGroup], detachingRoles: [String] = [],
      destroyers: [String] = [], waitingRoles: [String: GracePeriod] = [:]
    ) {
      self.name = name
      self.roles = roles
      self.strategies = strategies
      self.defaultRacers = defaultRacers
      self.detachingRoles = detachingRoles
      self.destroyers = destroyers
      self.waitingRoles = waitingRoles
    }

    /// What is wrong with these racers where inodes go away: nobody lets them.
    public func lackOfDestroyer(_ racers: [RacerGroup]) -> (message: String, remedy: String)? {
      if destroyers.isEmpty || racers.contains(where: { destroyers.contains($0.role) }) { return nil }
      return (
        "nobody destroys the inodes of '\(name)': no racer puts what it got",
        "add one of the roles that do: \(destroyers.joined(separator: ", "))"
      )
    }

    /// What is wrong with a role that makes its visits inside a section.
    func objection(to domain: ReadDomain, around role: String) -> (message: String, remedy: String)? {
      guard let gracePeriod = waitingRoles[role] else { return nil }
      let free = roles.filter { waitingRoles[$0] == nil }.joined(separator: ", ")
      if gracePeriod.domains.contains(domain.index) {
        return (
          "role '\(role)' waits for a grace period of \(gracePeriod.name), and would wait for its own section",
          "sections may be around: \(free)"
        )
      }
      if domain.maySleep { return nil }
      return (
        "role '\(role)' waits for a grace period of \(gracePeriod.name), and may not sleep inside a section of "
          + domain.name,
        "sections may be around: \(free)"
      )
    }
  }

  public var sites: [Site]
  public var checkers: [String]
  /// Those that a layout study compares.
  public var layouts: [String]
  public var mostRacers: Int
  public init(sites: [Site], checkers: [String], layouts: [String], mostRacers: Int) {
    self.sites = sites
    self.checkers = checkers
    self.layouts = layouts
    self.mostRacers = mostRacers
  }

  /// What to do about a role that a site does not have.
  func remedy(forRole role: String, of site: Site) -> String {
    let detaching = Set(sites.flatMap(\.detachingRoles)).union(["detach", "remove"])
    if site.detachingRoles.isEmpty, detaching.contains(role) {
      let others = sites.filter { !$0.detachingRoles.isEmpty }.map(\.name).prefix(4).joined(separator: ", ")
      return
        "nothing ever detaches there; its roles: \(site.roles.joined(separator: ", ")). Sites that detach: \(others), ..."
    }
    return Suggestion.nearest(to: role, among: site.roles).map { "did you mean '\($0)'?" }
      ?? "its roles: \(site.roles.joined(separator: ", "))"
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
