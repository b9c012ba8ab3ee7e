import Addons
import BenchEngine
import RaceModel

/// All subjects that a run can be about: those of some catalogs, Linux's first.
public struct Registry: Sendable {
  public let subjects: [Subject]
  /// Subjects by site, in the order of the catalogs.
  public let sites: [SiteFacts]

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
        if let objection = Self.objection(to: subject, beside: subjects) {
          complaints.append(objection)
        } else if !subjects.contains(where: { $0.facts.typeName == subject.facts.typeName }) {
          subjects.append(subject)
        }
      }
    }
    if !complaints.isEmpty { throw RegistryError(complaints: complaints) }
    self.subjects = subjects
    var names: [String] = []
    for subject in subjects where !names.contains(subject.facts.site.name) { names.append(subject.facts.site.name) }
    sites = names.compactMap { name in SiteFacts(subjects.map(\.facts).filter { $0.site.name == name }) }
  }

  private static func objection(to subject: Subject, beside others: [Subject]) -> String? {
    let facts = subject.facts
    if let objection = facts.limits.objection(slotNames: facts.site.slots) {
      return "site \(facts.site.name) (\(facts.typeName), catalog \(subject.catalog)): \(objection)"
    }
    let same = others.first { $0.facts.name == facts.name }
    if let same, same.facts.typeName != facts.typeName {
      return "'\(facts.name)' is two pairs: \(same.facts.typeName) of catalog \(same.catalog), and \(facts.typeName) of "
        + "catalog \(subject.catalog): give one of the sites, or of the strategies, another name"
    }
    let site = others.first { $0.facts.site.name == facts.site.name }
    if let site, site.facts.roles.map(\.name) != facts.roles.map(\.name) || site.facts.site.slots != facts.site.slots {
      return "site '\(facts.site.name)' has other roles or slots in \(facts.typeName) of catalog \(subject.catalog) than in "
        + "\(site.facts.typeName) of catalog \(site.catalog): give one of them another name"
    }
    return nil
  }

  public func site(_ name: String) -> SiteFacts? { sites.first { $0.name == name } }

  public func subject(site: String, strategy: String) -> Subject? {
    subjects.first { $0.facts.site.name == site && $0.facts.strategy.name == strategy }
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
