import BenchModel
import RaceModel

/// Contestants side by side. The first is what the others are compared with; the second is measured once more, under
/// another name, as the control.
public struct Contest {
  /// What they are about, as reports name it.
  public var scenario: String
  public var site: String
  public var role: String
  let field: BenchField
  let contestants: [Contestant]

  /// The reference, and at least one other.
  public init(_ scenario: String, site: String, role: String, on field: BenchField, _ contestants: [Contestant]) {
    precondition(contestants.count >= 2, "a contest needs something to compare")
    self.scenario = scenario
    self.site = site
    self.role = role
    self.field = field
    self.contestants = contestants
  }

  /// The right strategies of a scenario's site, next to C11 by hand.
  init(_ scenario: Scenario, _ options: BenchOptions, _ all: [MeasuredCode]) throws(EngineError) {
    let ofSite = all.filter { $0.site == scenario.site }
    let wanted = options.strategies.isEmpty ? ofSite.map(\.strategy.name) : options.strategies
    let codes = wanted.compactMap { name in
      ofSite.first { $0.strategy.name == name }
    }
    guard let first = codes.first else {
      throw EngineError(
        "site '\(scenario.site)' cannot be measured; those that can: "
          + Set(all.map(\.site)).sorted().joined(separator: ", "))
    }
    let role = options.role ?? scenario.racers.first?.role ?? first.roles[0]
    guard let roleNumber = first.roles.firstIndex(of: role) else {
      throw EngineError("site '\(scenario.site)' has no role '\(role)'; it has: \(first.roles.joined(separator: ", "))")
    }
    if let objection = first.objections[roleNumber] {
      let others = zip(first.roles, first.objections).filter { $1 == nil }.map(\.0)
      throw EngineError(
        "role '\(role)' of site '\(scenario.site)' \(objection); those that can be measured: "
          + (others.isEmpty ? "none" : others.joined(separator: ", ")))
    }
    let possible = first.measures(inRole: UInt8(roleNumber))
    if possible.isDisjoint(with: options.measures) {
      throw EngineError(
        "role '\(role)' of site '\(scenario.site)' empties its slot again: of it there is "
          + possible.map { $0.rawValue }.sorted().joined(separator: " and ") + " to measure")
    }
    let field = BenchField(
      inodes: options.inodes, spacing: max(options.spacing, (first.inodeSize + 7) / 8 * 8),
      sharedBytes: first.sharedSize, racers: max(2, options.racers.max() ?? 2))
    self.init(
      scenario.name, site: scenario.site, role: role, on: field,
      [.reference(addonSize: first.biggestAddon, on: field)]
        + codes.map { Contestant($0, role: UInt8(roleNumber), on: field) })
  }
}
