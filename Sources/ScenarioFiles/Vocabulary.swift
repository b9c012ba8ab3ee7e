import AddonMemory
import Addons
import RaceModel

/// The names that a scenario may use. Files are read against it, so that a misspelt name is an error in its place.
public struct Vocabulary: Sendable {
  public var sites: [SiteFacts]
  public var checkers: [String]
  /// Those that a layout study compares.
  public var layouts: [String]
  public var mostRacers: Int
  public init(sites: [SiteFacts], checkers: [String], layouts: [String], mostRacers: Int) {
    self.sites = sites
    self.checkers = checkers
    self.layouts = layouts
    self.mostRacers = mostRacers
  }

  public func site(_ name: String) -> SiteFacts? { sites.first { $0.name == name } }

  /// The sites that model one place as it is in some versions of Linux, oldest first.
  func versions(ofPlace place: String) -> [(versions: LinuxVersions, site: SiteFacts)] {
    sites.compactMap { site in site.description.versions.map { ($0, site) } }
      .filter { $0.0.place == place }.sorted { $0.0.first < $1.0.first }
  }

  public var strategies: [String] {
    var seen = Set<String>()
    return sites.flatMap(\.strategies).filter { seen.insert($0).inserted }
  }

  /// What to do about a role that a site does not have.
  func remedy(forRole role: String, of site: SiteFacts) -> String {
    let detaching = Set(sites.flatMap(\.detachingRoles)).union(["detach", "remove"])
    if site.detachingRoles.isEmpty, detaching.contains(role) {
      let others = sites.filter { !$0.detachingRoles.isEmpty }.map(\.name).prefix(4).joined(separator: ", ")
      return
        "nothing ever detaches there; its roles: \(site.roleNames.joined(separator: ", ")). Sites that detach: \(others), ..."
    }
    return Suggestion.remedy(
      for: role, among: site.roleNames, else: "its roles: \(site.roleNames.joined(separator: ", "))")
  }
}

/// Something that does not go, and what to do instead.
public struct Objection: Sendable {
  public let message: String
  public let remedy: String
}

extension SiteFacts {
  /// Roles that make a slot go back to NULL.
  var detachingRoles: [String] { roles.filter(\.detaches).map(\.name) }

  /// What is wrong with these racers where inodes go away: nobody lets them.
  public func lackOfDestroyer(_ racers: [RacerGroup]) -> Objection? {
    let destroyers = roles.filter(\.putsInode).map(\.name)
    if destroyers.isEmpty || racers.contains(where: { destroyers.contains($0.role) }) { return nil }
    return Objection(
      message: "nobody destroys the inodes of '\(name)': no racer puts what it got",
      remedy: "add one of the roles that do: \(destroyers.joined(separator: ", "))")
  }

  /// What is wrong with a role that makes its visits inside a section.
  func objection(to domain: ReadDomain, around role: String) -> Objection? {
    guard let gracePeriod = subjects[0].role(named: role)?.waitsFor else { return nil }
    let start = "role '\(role)' waits for a grace period of \(gracePeriod.name), and "
    let free = roles.filter { $0.waitsFor == nil }.map(\.name).joined(separator: ", ")
    if gracePeriod.isAbout(domain) {
      return Objection(message: start + "would wait for its own section", remedy: "sections may be around: \(free)")
    }
    if domain.maySleep { return nil }
    return Objection(
      message: start + "may not sleep inside a section of \(domain.name)", remedy: "sections may be around: \(free)")
  }
}
