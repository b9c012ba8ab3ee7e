import CThreads
import Glibc

/// What the machine was like around a run.
public struct Calibration: Sendable, Equatable, Codable {
  /// Processors that the run used.
  public var processors = 0
  /// Nanoseconds of one compare-exchange round trip between two processors; nil where there is one.
  public var roundTripBefore: Double?
  public var roundTripAfter: Double?
  /// Load average over a minute, at the start.
  public var load = 0.0
  public var build = BuildKind.plain

  public init() {}

  /// What is known before a race.
  public init(processors: Int) {
    self.processors = processors
    var loads = [0.0, 0.0, 0.0]
    if getloadavg(&loads, 3) > 0 { load = loads[0] }
    build = .current
  }

  /// The round trip changed by more than a factor of two: the run's figures do not compare with others.
  public var changed: Bool {
    guard let before = roundTripBefore, let after = roundTripAfter, before > 0, after > 0 else { return false }
    return max(before, after) / min(before, after) > 2
  }
}

/// What this binary was built with: decides which of a scenario's expectations counts, and what a run can show.
public enum BuildKind: String, Sendable, Codable {
  case plain
  case threadSanitizer = "thread-sanitizer"
  case addressSanitizer = "address-sanitizer"

  public static var current: BuildKind {
    switch cthreads_sanitizer() {
    case 1: .threadSanitizer
    case 2: .addressSanitizer
    default: .plain
    }
  }
}
