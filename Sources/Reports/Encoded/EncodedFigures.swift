import Machine
import RaceModel

/// What a race counted and measured. Rates are per second of the whole run.
public struct EncodedRace: Codable, Equatable, Sendable {
  public var seconds: Double
  public var rounds, roundsJudged: Int
  public var populations, collisions, losers: Int
  public var winsByRacer: [Int]
  public var allocations, frees, refusals, detaches: Int
  public var populationsPerSecond, collisionsPerSecond, losersPerSecond: Double
  /// Collisions per population.
  public var yield: Double
  public var losersPerSlot: Double
  /// 0: one racer wins everything in a row; 1: every inode has another winner than its neighbour.
  public var winnerChanges: Double
  public var visitsInFlight: Int?
  /// Instructions.
  public var delay: Int?
  public var heap: String
  public var seed: UInt64
  public var calibration: EncodedCalibration

  init(_ figures: Figures) {
    seconds = figures.seconds
    rounds = figures.rounds
    roundsJudged = figures.roundsJudged
    populations = figures.populations
    collisions = figures.collisions
    losers = figures.losers
    winsByRacer = figures.winsByRacer
    allocations = figures.allocations
    frees = figures.frees
    refusals = figures.refusals
    detaches = figures.detaches
    populationsPerSecond = figures.populationsPerSecond
    collisionsPerSecond = figures.collisionsPerSecond
    losersPerSecond = figures.losersPerSecond
    yield = figures.yield
    losersPerSlot = figures.losersPerSlot
    winnerChanges = figures.winnerChangeRate
    visitsInFlight = figures.visitsInFlight
    delay = figures.delay
    heap = figures.heap.rawValue
    seed = figures.seed
    calibration = EncodedCalibration(figures.calibration)
  }
}

public struct EncodedCalibration: Codable, Equatable, Sendable {
  public var processors: Int
  /// Nanoseconds of one compare-exchange round trip between two processors.
  public var roundTripBefore, roundTripAfter: Double?
  public var load: Double

  init(_ calibration: Calibration) {
    processors = calibration.processors
    roundTripBefore = calibration.roundTripBefore
    roundTripAfter = calibration.roundTripAfter
    load = calibration.load
  }
}

public struct EncodedExploration: Codable, Equatable, Sendable {
  public var executions, fullyChecked: Int
  /// From 1.
  public var firstFinding: Int?
  public var blockedRuns, prunedGraphs: Int
  public var isExhaustive: Bool
  public var samples: Int
  /// About how many executions there are, where not all were visited.
  public var estimate: Double?
  public var usedSymmetry: Bool
  public var seconds: Double
  public var peakBytes: Int
  /// Events of the longest execution.
  public var longest: Int

  init(_ figures: ExplorationFigures) {
    executions = figures.executions
    fullyChecked = figures.judged
    firstFinding = figures.firstFinding
    blockedRuns = figures.blockedRuns
    prunedGraphs = figures.prunedGraphs
    isExhaustive = figures.isExhaustive
    samples = figures.samples
    estimate = figures.estimate
    usedSymmetry = figures.usedSymmetry
    seconds = figures.seconds
    peakBytes = figures.peakBytes
    longest = figures.longest
  }
}
