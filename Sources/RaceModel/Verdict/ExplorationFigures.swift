/// What an exploration counted.
public struct ExplorationFigures: Sendable, Equatable, Codable {
  /// Complete executions visited, and of those the ones that every checker judged in full.
  public var executions = 0
  public var judged = 0
  /// The execution of the first finding, from 1.
  public var firstFinding: Int?
  /// Runs that were no execution: a racer waited for a change that it had missed.
  public var blockedRuns = 0
  /// Graphs that were inconsistent, or symmetric to another, and never run.
  public var prunedGraphs = 0
  /// Every execution was visited.
  public var isExhaustive = false
  /// Random executions visited after that.
  public var samples = 0
  /// About how many executions there are, where not all were visited; a low guess where they are very many.
  public var estimate: Double?
  /// Racers with the same role were taken for interchangeable.
  public var usedSymmetry = false
  /// Why not, where it was asked for.
  public var symmetryRefusal: String?
  /// Executions in which a load reads what its own racer causes may be allowed by the model, and were left out.
  public var leavesOutLoadBuffering = false
  /// Where they are known to be allowed, as far as dependencies are known.
  public var bufferedLoads: [BufferedLoad] = []
  /// An execution was left out because of dependencies that a compiler may break.
  public var leavesOutByDependencies = false
  /// Those that the verdict rests on.
  public var fragileDependencies: [FragileDependency] = []
  /// The part of the exploration that these are of; nil is the whole.
  public var part: ExplorationPart?
  /// Of one repetition.
  public var seconds = 0.0
  /// The most bytes that graphs held at once.
  public var peakBytes = 0
  /// Events of the longest execution.
  public var longest = 0

  public init() {}

  public var executionsPerSecond: Double { seconds == 0 ? 0 : Double(executions) / seconds }
}
