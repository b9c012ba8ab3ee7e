import AddonMemory
import Addons
import BenchEngine
import Checkers
import RaceModel
import ScenarioFiles
import StressEngine

/// One pair of site and strategy, as data.
public struct CatalogEntry: Sendable {
  public struct Role: Sendable {
    public let name: String
    public let sentence: String
    /// Only looks, and never populates.
    public let looksOnly: Bool
    /// Makes a slot go back to NULL.
    public let detaches: Bool
    /// Puts a reference to the inode, and evicts the inode if it was the last.
    public let putsInode: Bool
    /// The grace period that it waits for itself.
    public let waitsFor: GracePeriod?
  }
  public let site: SiteDescription
  public let strategy: StrategyDescription
  public let roles: [Role]
  /// Slots go back to NULL.
  public let keepsHistory: Bool

  /// What is wrong with the pair, on purpose.
  public var fault: Fault? { strategy.fault ?? site.fault }
  /// Racers that a scenario without any gets: the fault's, where it names some.
  public var racers: [RacerGroup] {
    let named = fault.map(\.racers) ?? []
    return (named.isEmpty ? site.racers : named).map { RacerGroup(role: $0.role, count: $0.count) }
  }
  /// The memory models in which the pair is right.
  public var rightIn: Set<MemoryModel> { site.fault.map(\.rightIn) ?? strategy.rightIn }
  /// The site's own strategy, and nothing is wrong with it.
  public var isOwn: Bool { strategy.name == site.ownStrategy }
}

/// The catalog as a list, for people and for reading files.
public enum Listing {
  public static let entries: [CatalogEntry] = {
    var collector = Collector()
    Catalog.visitAll(&collector)
    return collector.entries
  }()

  private struct Collector: CatalogVisitor {
    var entries: [CatalogEntry] = []
    mutating func visit<S: Site>(_ site: S.Type) {
      entries.append(
        CatalogEntry(
          site: S.about, strategy: S.strategy,
          roles: S.Role.allCases.map {
            CatalogEntry.Role(
              name: $0.name, sentence: $0.sentence, looksOnly: $0.looksOnly, detaches: $0.detaches,
              putsInode: $0.putsInode, waitsFor: $0.waitsFor)
          }, keepsHistory: S.keepsHistory))
    }
  }

  /// Entries by site, in the order of the catalog.
  public static let sites: [(name: String, entries: [CatalogEntry])] = {
    var names: [String] = []
    for entry in entries where !names.contains(entry.site.name) { names.append(entry.site.name) }
    return names.map { name in
      (name, entries.filter { $0.site.name == name }.sorted { $0.isOwn && !$1.isOwn })
    }
  }()

  public static let strategies: [StrategyDescription] = {
    var seen = Set<String>()
    return entries.map(\.strategy).filter { seen.insert($0.name).inserted }
  }()

  public static func entry(site: String, strategy: String) -> CatalogEntry? {
    entries.first { $0.site.name == site && $0.strategy.name == strategy }
  }

  public static let vocabulary = Vocabulary(
    sites: sites.map { name, entries in
      Vocabulary.Site(
        name: name, roles: entries[0].roles.map(\.name), strategies: entries.map(\.strategy.name),
        defaultRacers: entries[0].racers, detachingRoles: entries[0].roles.filter(\.detaches).map(\.name),
        destroyers: entries[0].roles.filter(\.putsInode).map(\.name),
        waitingRoles: entries[0].roles.reduce(into: [:]) { $0[$1.name] = $1.waitsFor })
    },
    checkers: CheckerCatalog.names, layouts: Bench.layouts.map(\.name), mostRacers: Stress.mostRacers)
}
