/// Turns evidence into findings. A checker knows no engine and no strategy.
public protocol Checker: Sendable {
  /// In kebab-case, as scenario files name it.
  var name: String { get }
  /// What it finds, in one sentence.
  var summary: String { get }
  /// What it needs of the evidence; where an engine cannot give it, the checker is listed as not judged.
  var needs: Set<Aspect> { get }
  /// It reports nothing of a round or execution that looks ordinary: every visit found, won, lost or saw nothing, all were
  /// told the same, each allocation was published or freed by its visit, and every promise was kept. Such rounds are not
  /// shown to it. By default it is asked of every round and every execution, which takes longer.
  var isSilentOnOrdinaryRounds: Bool { get }
  /// What it finds may come along with an expected failure that other checkers are named for. By default it may: a scenario
  /// file cannot name a checker that came later.
  var mayAccompanyOthers: Bool { get }

  func check(_ evidence: Evidence) -> [Finding]
}

extension Checker {
  public var needs: Set<Aspect> { [] }
  public var isSilentOnOrdinaryRounds: Bool { false }
  public var mayAccompanyOthers: Bool { true }
}

/// What evidence can be about.
public enum Aspect: String, Sendable, CaseIterable {
  /// What visits did, returned and promised, and what became of allocations.
  case visits
  /// Plain accesses that nothing orders.
  case plainAccesses
  /// Accesses to freed memory.
  case freedAccesses
}

/// Which aspects an engine cannot give, each with the reason.
public struct MissingAspects: Sendable, Equatable {
  private var reasons: [Aspect: String] = [:]
  public init() {}
  public subscript(aspect: Aspect) -> String? {
    get { reasons[aspect] }
    set { reasons[aspect] = newValue }
  }

  /// The checkers that cannot judge, and why.
  public func notJudged(among checkers: [any Checker]) -> [NotJudged] {
    checkers.compactMap { checker in
      let needed = checker.needs.union([.visits])
      let reason = Aspect.allCases.lazy.filter(needed.contains).compactMap { reasons[$0] }.first
      return reason.map { NotJudged(checker: checker.name, reason: $0) }
    }
  }
}

/// A checker that could not judge.
public struct NotJudged: Sendable, Equatable, Codable {
  public var checker: String
  public var reason: String
  public init(checker: String, reason: String) {
    self.checker = checker
    self.reason = reason
  }
}
