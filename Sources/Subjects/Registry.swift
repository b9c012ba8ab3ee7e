import Addons
import BenchEngine
import RaceModel

/// All subjects that a run can be about: those of some catalogs, Linux's first.
public struct Registry: Sendable {
  public let subjects: [Subject]
  /// Subjects by site, in the order of the catalogs.
  public let sites: [SiteFacts]
  private let byName: [String: Subject]

  /// Linux's alone.
  public static let linux: Registry = {
    do throws(RegistryError) {
      return try Registry([LinuxCatalog.self])
    } catch {
      fatalError("\(error)")
    }
  }()

  /// - Throws: what is wrong with the catalogs: all of it at once.
  public init(_ catalogs: [any Catalog.Type]) throws(RegistryError) {
    var subjects: [Subject] = []
    var byName: [String: Subject] = [:]
    var bySite: [String: [SubjectFacts]] = [:]
    var names: [String] = []
    var complaints: [String] = []
    for catalog in catalogs {
      guard catalog.interfaceVersion == CatalogInterface.version else {
        complaints.append(
          "catalog \(catalog.name) was built against version \(catalog.interfaceVersion) of AddonRace's interface, and "
            + "this is version \(CatalogInterface.version): build its package anew (swift package clean)")
        continue
      }
      var visitor = SubjectVisitor()
      catalog.visitAll(&visitor)
      for var subject in visitor.subjects {
        subject.catalog = catalog.name
        let facts = subject.facts
        let objection = Self.objection(
          to: subject, same: byName[facts.name], site: bySite[facts.site.name]?.first)
        if let objection {
          complaints.append(objection)
        } else if byName[facts.name] == nil {
          if bySite[facts.site.name] == nil { names.append(facts.site.name) }
          subjects.append(subject)
          byName[facts.name] = subject
          bySite[facts.site.name, default: []].append(facts)
        }
      }
    }
    if !complaints.isEmpty { throw RegistryError(complaints: complaints) }
    self.subjects = subjects
    self.byName = byName
    sites = names.compactMap { SiteFacts(bySite[$0] ?? []) }
  }

  /// `same`: what has the pair's names already; `site`: what has the site's.
  private static func objection(to subject: Subject, same: Subject?, site: SubjectFacts?) -> String? {
    let facts = subject.facts
    if let objection = facts.limits.objection(slotNames: facts.site.slots) {
      return "site \(facts.site.name) (\(facts.typeName), catalog \(subject.catalog)): \(objection)"
    }
    if let same, same.facts.typeName != facts.typeName {
      return
        "'\(facts.name)' is two pairs: \(same.facts.typeName) of catalog \(same.catalog), and \(facts.typeName) of "
        + "catalog \(subject.catalog): give one of the sites, or of the strategies, another name"
    }
    if let site, site.roles.map(\.name) != facts.roles.map(\.name) || site.site.slots != facts.site.slots {
      return
        "site '\(facts.site.name)' has other roles or slots in \(facts.typeName) of catalog \(subject.catalog) than in "
        + "\(site.typeName): give one of them another name"
    }
    return nil
  }

  public func site(_ name: String) -> SiteFacts? { sites.first { $0.name == name } }

  public func subject(site: String, strategy: String) -> Subject? {
    byName[SubjectFacts.name(site: site, strategy: strategy)]
  }

  /// The subject of a scenario.
  ///
  /// - Throws: `EngineError`, with what there is instead.
  public func subject(of scenario: Scenario) throws(EngineError) -> Subject {
    if let subject = subject(site: scenario.site, strategy: scenario.strategy) { return subject }
    guard let site = site(scenario.site) else { throw EngineError("there is no site '\(scenario.site)'") }
    throw EngineError(
      "there is no strategy '\(scenario.strategy)' at site '\(scenario.site)', which goes with: "
        + site.strategies.joined(separator: ", "))
  }

  /// All that can be measured.
  public var measured: [MeasuredCode] { subjects.compactMap(\.measured) }

  /// Every strategy, once.
  public var strategies: [StrategyDescription] {
    var seen = Set<String>()
    return subjects.map(\.facts.strategy).filter { seen.insert($0.name).inserted }
  }
}

/// What is wrong with some catalogs.
public struct RegistryError: Error, CustomStringConvertible, Sendable {
  public let complaints: [String]
  public var description: String { complaints.joined(separator: "\n") }
}
