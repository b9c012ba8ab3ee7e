/// What an engine is told after each round or execution it was asked to show.
public enum Judgement: Sendable {
  case goOn, stop
}

/// Why a scenario could not be run.
public struct EngineError: Error, Sendable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// How a run ended, and its figures.
public struct EngineRun: Sendable {
  public enum End: Sendable, Equatable, Codable {
    case enough, time, stopped, interrupted
    /// Every execution was visited.
    case exhausted
    /// The budget is spent; what ran out.
    case budget(String)
    /// The watchdog gave up; in which phase, and where each racer was.
    case timedOut(String)
  }
  public var end: End
  public var figures: Figures
  public var exploration: ExplorationFigures?
  public init(end: End, figures: Figures, exploration: ExplorationFigures? = nil) {
    self.end = end
    self.figures = figures
    self.exploration = exploration
  }
}
