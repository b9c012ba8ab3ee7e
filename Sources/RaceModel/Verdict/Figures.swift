import Machine

/// What a run counted and measured. Rates follow from counts and `seconds`, which is the whole run: set-up, checking and
/// teardown included.
public struct Figures: Sendable, Equatable, Codable {
  public var seconds = 0.0
  public var rounds = 0
  /// Rounds that every checker judged in full.
  public var roundsJudged = 0
  public var populations = 0
  public var collisions = 0
  /// Operations that saw NULL and did not populate.
  public var losers = 0
  /// Populations, by the racer that published.
  public var winsByRacer: [Int] = []
  /// Pairs of neighbouring inodes with different winners, and all pairs.
  public var winnerChanges = 0
  public var winnerPairs = 0
  public var allocations = 0
  public var frees = 0
  public var refusals = 0
  /// How often a slot went back to NULL.
  public var detaches = 0
  /// Of a program that was run again and again, a round each: the threads of one run.
  public var threads: Int?
  /// Whether the yield says anything: of code that is brought only where it declares a slot.
  public var yieldIsKnown = true

  /// Visits in flight that a pipeline settled on.
  public var visitsInFlight: Int?
  /// Instructions of delay that a widened race settled on.
  public var delay: Int?
  public var heap = HeapKind.pool
  public var seed: UInt64 = 0
  public var calibration = Calibration()

  public init() {}

  public var yield: Double { populations == 0 ? 0 : Double(collisions) / Double(populations) }
  public var losersPerSlot: Double { populations == 0 ? 0 : Double(losers) / Double(populations) }
  public var populationsPerSecond: Double { seconds == 0 ? 0 : Double(populations) / seconds }
  public var collisionsPerSecond: Double { seconds == 0 ? 0 : Double(collisions) / seconds }
  public var losersPerSecond: Double { seconds == 0 ? 0 : Double(losers) / seconds }
  /// 0: one racer wins everything in a row; 1: every inode has another winner than its neighbour.
  public var winnerChangeRate: Double { winnerPairs == 0 ? 0 : Double(winnerChanges) / Double(winnerPairs) }
}
