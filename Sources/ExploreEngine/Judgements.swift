import RaceModel

/// What was said of the executions of an exploration, or of a part of one.
public struct Judgements: Codable, Equatable, Sendable {
  /// An execution that shows what a checker reports: its token, and the number of its events.
  public struct Shown: Codable, Equatable, Sendable {
    public let checker: String
    public let token: String
    public let length: Int

    public init(checker: String, token: String, length: Int) {
      self.checker = checker
      self.token = token
      self.length = length
    }
  }

  /// How often each checker reported.
  public var counts: [String: Int] = [:]
  /// The first few of each checker.
  public var findings: [Finding] = []
  /// The execution of the first finding, from 1.
  public var firstFinding: Int?
  /// For each checker the shortest execution, the checker that was first to report first.
  public private(set) var shortest: [Shown] = []
  /// An allocation was refused at least once.
  public var sawRefusal = false

  public init() {}

  public var reporters: Set<String> { Set(counts.keys) }

  /// Whether an execution would be the shortest so far.
  public func isShorter(_ checker: String, _ length: Int) -> Bool {
    shortest.first { $0.checker == checker }.map { length < $0.length } ?? true
  }

  public mutating func add(_ shown: Shown) {
    guard isShorter(shown.checker, shown.length) else { return }
    if let index = shortest.firstIndex(where: { $0.checker == shown.checker }) {
      shortest[index] = shown
    } else {
      shortest.append(shown)
    }
  }

  /// Adds what was said of executions that come after so many others.
  public mutating func add(_ later: Judgements, after executions: Int, keeping most: Int) {
    for finding in later.findings where findings.count(where: { $0.checker == finding.checker }) < most {
      findings.append(finding)
    }
    counts.merge(later.counts, uniquingKeysWith: +)
    if firstFinding == nil { firstFinding = later.firstFinding.map { $0 + executions } }
    for shown in later.shortest { add(shown) }
    if later.sawRefusal { sawRefusal = true }
  }
}

/// Who judges the executions of an exploration, in the order of the search.
public protocol ExecutionJudge: AnyObject {
  var judgements: Judgements { get set }
  /// Findings that are kept of each checker.
  var findingsKept: Int { get }
  func judge(_ evidence: Evidence, _ engine: Explore) -> Judgement
  /// Whether no more need be said. It may become so only when a checker reports for the first time.
  func isEnough(_ judgements: Judgements) -> Bool
}
