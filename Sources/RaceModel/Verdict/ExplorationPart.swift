/// A part of one exploration, and where it is cut: see `SearchPart`.
public struct ExplorationPart: Sendable, Equatable, Codable, CustomStringConvertible {
  /// Runs below the first execution at which subtrees begin.
  public var level: Int
  /// Parts into which those are divided.
  public var parts: Int
  /// Of so many shards, this one, from 1, has every part whose number leaves the same rest.
  public var shard: Int
  public var shards: Int
  /// Times that the search began again, by what it had learnt of the program. Parts whose searches did not learn the same
  /// are not parts of one.
  public var restarts = 0

  public init(level: Int, parts: Int, shard: Int = 1, shards: Int = 1) {
    self.level = level
    self.parts = parts
    self.shard = shard
    self.shards = shards
  }

  /// `part`: from 0.
  public func owns(_ part: Int) -> Bool { part % shards == shard - 1 }
  public var description: String { "\(shard)/\(shards)" }

  /// Whether another is of the same search, cut at the same places.
  public func belongs(with other: ExplorationPart) -> Bool {
    level == other.level && parts == other.parts && shards == other.shards && restarts == other.restarts
  }
}

extension RunRecord {
  /// What the parts of one exploration come to together: a sum, in the order of their numbers. Nil where they are not of one
  /// exploration. `missing`: numbers of which there is none.
  public static func sum(of records: [RunRecord]) -> (record: RunRecord, missing: [Int])? {
    let found = records.compactMap { record in record.exploration?.part.map { (part: $0, record: record) } }
      .sorted { $0.part.shard < $1.part.shard }
    guard let first = found.first, found.allSatisfy({ $0.part.belongs(with: first.part) }) else { return nil }
    // A part that is there twice counts once.
    var byNumber: [Int: RunRecord] = [:]
    for (part, record) in found where byNumber[part.shard]?.end != .engine(.exhausted) { byNumber[part.shard] = record }
    var sum: RunRecord?
    for (_, record) in byNumber.sorted(by: { $0.key < $1.key }) {
      if sum == nil { sum = record } else { sum?.add(partBehind: record) }
    }
    let missing = (1...first.part.shards).filter { byNumber[$0] == nil }
    sum?.endParts(missing: missing, of: first.part.shards)
    return sum.map { ($0, missing) }
  }
}

extension ExplorationFigures {
  /// Adds those of another part, which was visited beside it.
  mutating func add(_ other: ExplorationFigures) {
    if let found = other.firstFinding, firstFinding == nil { firstFinding = executions + found }
    executions += other.executions
    judged += other.judged
    blockedRuns += other.blockedRuns
    prunedGraphs += other.prunedGraphs
    isExhaustive = isExhaustive && other.isExhaustive
    samples += other.samples
    estimate = nil
    seconds += other.seconds
    peakBytes = max(peakBytes, other.peakBytes)
    longest = max(longest, other.longest)
  }
}
