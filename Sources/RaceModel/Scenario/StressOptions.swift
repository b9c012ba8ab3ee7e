/// How racers are made to collide.
public enum RaceShape: String, Sendable, CaseIterable, Codable {
  /// The strategy runs unmodified; only when racers start is arranged.
  case natural
  /// Time passes inside the window.
  case widened
  /// Racers meet inside the window.
  case forced

  public var sentence: String {
    switch self {
    case .natural: "The strategy runs unmodified; only when racers start is arranged."
    case .widened: "Time passes inside the window: the racer's other visits (a pipeline), a delay, or a yield."
    case .forced: "Racers meet inside the window; those that have left count as arrived."
    }
  }
}

/// What a widened race does inside the window.
public enum Widening: String, Sendable, CaseIterable, Codable {
  /// Goes on with this racer's next visit, on a fiber of its own.
  case pipeline
  /// Spins.
  case delay
  /// Gives the processor away.
  case yield
}

/// When a racer starts a visit.
public enum Start: String, Sendable, CaseIterable, Codable {
  /// As soon as it has finished the one before.
  case free
  /// When the others are there too, those that tend to arrive late starting at once and the others a little later: the
  /// delay adapts.
  case adaptive
}

/// In which order racers visit the inodes of a round.
public enum VisitOrder: String, Sendable, CaseIterable, Codable {
  case sequential, strided, shuffled
}

/// What serves allocations.
public enum HeapKind: String, Sendable, CaseIterable, Codable {
  /// Preallocated blocks, never reused within a round.
  case pool
  /// The C library's `malloc` and `free`, at once.
  case malloc
}

/// How much is checked. What is not checked costs nothing, which is how the price of checking is measured.
public enum Checking: String, Sendable, CaseIterable, Codable {
  /// Every round is swept, and judged in full when anything in it is out of the ordinary.
  case ordinary
  /// Every round is judged in full by every checker.
  case everyRound = "every-round"
  /// Outcomes are counted; nothing is checked.
  case none
}

/// The settings of the stress engine, each with its default.
public struct StressOptions: Sendable, Equatable, Codable {
  public var shape = RaceShape.widened
  public var widening = Widening.pipeline
  public var start = Start.free
  /// Visits of one racer in flight in a pipeline, 1...64; nil: tuned at run time.
  public var visitsInFlight: Int?
  /// Instructions of delay inside the window; nil: tuned at run time.
  public var delay: Int?
  /// Inodes of a round, 8...65,536.
  public var inodes = 256
  /// Bytes from one inode to the next; nil: 64, or the site's size where the race is natural and free.
  public var spacing: Int?
  public var order = VisitOrder.shuffled
  public var heap = HeapKind.pool
  /// Seconds at most.
  public var time = 1.0
  /// Collisions that are enough.
  public var collisions = 200_000
  /// Collisions per population under which the run has tested nothing; nil: 0.01 natural, 0.9 widened and forced.
  public var minimumYield: Double?
  /// Processors to use; nil: all that the process may use.
  public var processors: Int?
  public var checking = Checking.ordinary
  public var seed: UInt64 = 1
  /// Seconds without progress after which a run is given up.
  public var watchdog = 10.0

  public init() {}

  public var yieldFloor: Double { minimumYield ?? (shape == .natural ? 0.01 : 0.9) }
}

/// The ranges of the stress engine's settings.
public enum StressLimits {
  public static let visitsInFlight = 1...64
  /// Instructions.
  public static let delay = 0...1_000_000
  public static let inodes = 8...65_536
  /// Bytes.
  public static let spacing = 8...4096
  /// Seconds.
  public static let time = 0.001...86_400.0
  /// Seconds.
  public static let watchdog = 0.1...3_600.0
  public static let processors = 1024
}
