import Addons
import BenchEngine
import ExploreEngine
import RaceLoops
import RaceModel

/// What is raced, explored or measured: a pair of site and strategy, as data and as three values of code.
public struct Subject: Sendable {
  public let facts: SubjectFacts
  public let raced: RacedCode
  public let explored: ExploredCode
  /// Nil where nobody asks what it costs.
  public let measured: MeasuredCode?
  /// The catalog that has it.
  public internal(set) var catalog = ""

  @inlinable public init(facts: SubjectFacts, raced: RacedCode, explored: ExploredCode, measured: MeasuredCode?) {
    self.facts = facts
    self.raced = raced
    self.explored = explored
    self.measured = measured
  }
}

/// Collects the subjects of a catalog. Its functions are inlined where a catalog calls them, so that the hot loops are
/// specialised in the catalog's own module. (Opening an `any Site.Type` would run unspecialised code: ten times slower.)
@frozen public struct SubjectVisitor {
  public private(set) var subjects: [Subject] = []
  public init() {}

  /// A pair that is raced, explored and measured.
  @inlinable public mutating func visit<S: Site>(_ site: S.Type) {
    add(
      Subject(
        facts: facts(site), raced: RacedCode(site), explored: ExploredCode(site), measured: MeasuredCode(site)))
  }

  /// A pair that is raced and explored: one with a fault, of which nobody asks what it costs.
  @inlinable public mutating func visitUnmeasured<S: Site>(_ site: S.Type) {
    add(Subject(facts: facts(site), raced: RacedCode(site), explored: ExploredCode(site), measured: nil))
  }

  /// Strategies of one generic site share its roles.
  @usableFromInline mutating func facts<S: Site>(_ site: S.Type) -> SubjectFacts {
    let name = "\(S.about.name) \("\(site)".prefix { $0 != "<" })"
    let facts = SubjectFacts(site, roles: roles[name])
    roles[name] = facts.roles
    return facts
  }

  /// By the site's name, and the type that declares it.
  private var roles: [String: [SubjectFacts.Role]] = [:]

  @usableFromInline mutating func add(_ subject: Subject) { subjects.append(subject) }
}

/// Pairs of sites and strategies, from any package:
///
///     public enum MyCatalog: Catalog {
///       public static func visitAll(_ visitor: inout SubjectVisitor) {
///         visitor.visit(MySite<MyStrategy>.self)
///         visitor.visitUnmeasured(MySite<MyFaultyStrategy>.self)
///       }
///     }
///
/// The site's own strategy comes first.
public protocol Catalog {
  /// For people; by default the type's own.
  static var name: String { get }
  static func visitAll(_ visitor: inout SubjectVisitor)
  /// The version of what a catalog is compiled against. Not to be implemented: the default is compiled into the catalog's
  /// module, so that one which was built against another version of AddonRace is told apart.
  static var interfaceVersion: Int { get }
}

extension Catalog {
  public static var name: String { "\(Self.self)" }
  @inlinable public static var interfaceVersion: Int { CatalogInterface.version }
}

public enum CatalogInterface {
  /// Raised when what is inlined into catalogs' modules changes.
  @inlinable public static var version: Int { 1 }
}
