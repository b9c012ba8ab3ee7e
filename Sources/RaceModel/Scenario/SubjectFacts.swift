import AddonMemory
import Addons

/// One pair of site and strategy as data: all that is known of it without running it.
public struct SubjectFacts: Sendable {
  /// What a racer can do at the site.
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

    public init(
      name: String, sentence: String, looksOnly: Bool, detaches: Bool, putsInode: Bool,
      waitsFor gracePeriod: GracePeriod?
    ) {
      self.name = name
      self.sentence = sentence
      self.looksOnly = looksOnly
      self.detaches = detaches
      self.putsInode = putsInode
      waitsFor = gracePeriod
    }
  }

  public let site: SiteDescription
  public let strategy: StrategyDescription
  /// By their raw values.
  public let roles: [Role]
  public var limits: SiteLimits
  /// Slots go back to NULL.
  public let keepsHistory: Bool
  /// The type's own name, for errors.
  public let typeName: String

  /// - Parameter roles: the site's, where another strategy's facts have them already: naming a case of a generic type makes the
  ///   runtime look through all conformances there are.
  public init<S: Site>(_ site: S.Type, roles: [Role]? = nil) {
    self.site = S.about
    strategy = S.strategy
    self.roles =
      roles
      ?? S.Role.allCases.map { role in
        Role(
          name: role.name, sentence: role.sentence, looksOnly: role.looksOnly, detaches: role.detaches,
          putsInode: role.putsInode, waitsFor: role.waitsFor)
      }
    limits = SiteLimits(site)
    keepsHistory = S.keepsHistory
    typeName = "\(S.self)"
  }

  /// Of what is not compiled in here: one slot, one allocation a visit.
  public init(
    _ site: SiteDescription, _ strategy: StrategyDescription, roles: [Role],
    limits: SiteLimits = SiteLimits(inodeSize: 8, biggestAddon: 64), keepsHistory: Bool
  ) {
    self.site = site
    self.strategy = strategy
    self.roles = roles
    self.limits = limits
    self.keepsHistory = keepsHistory
    typeName = site.name
  }

  /// "file-owner with compare-exchange".
  public var name: String { Self.name(site: site.name, strategy: strategy.name) }
  public static func name(site: String, strategy: String) -> String { "\(site) with \(strategy)" }
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

  public func role(named name: String) -> Role? { roles.first { $0.name == name } }

  /// The raw value of each racer's role.
  ///
  /// - Throws: `EngineError` that names a role which the site does not have, and those that it has.
  public func roleNumbers(of racers: [String]) throws(EngineError) -> [UInt8] {
    var numbers: [UInt8] = []
    for name in racers {
      guard let number = roles.firstIndex(where: { $0.name == name }) else {
        throw EngineError(
          "site \(site.name) has no role '\(name)'; it has: \(roles.map(\.name).joined(separator: ", "))")
      }
      numbers.append(UInt8(number))
    }
    return numbers
  }
}

/// Pairs of one site with each strategy that goes with it, as a catalog lists them.
public struct SiteFacts: Sendable {
  /// Never empty; the site's own strategy first.
  public let subjects: [SubjectFacts]
  public init?(_ subjects: [SubjectFacts]) {
    if subjects.isEmpty { return nil }
    self.subjects = subjects.filter(\.isOwn) + subjects.filter { !$0.isOwn }
  }

  public var name: String { description.name }
  public var description: SiteDescription { subjects[0].site }
  public var roles: [SubjectFacts.Role] { subjects[0].roles }
  public var roleNames: [String] { roles.map(\.name) }
  public var strategies: [String] { subjects.map(\.strategy.name) }
  /// The read-side sections that visits can be in.
  public var domains: [ReadDomain] { description.domains }
}
