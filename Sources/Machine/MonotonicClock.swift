import CThreads

/// The monotonic clock, less the time for which this process was stopped: who stops a run for lunch with Ctrl-Z finds its time
/// limit, its watchdog and its rates as they were.
public enum MonotonicClock {
  /// Seconds since some moment of this boot.
  public static func now() -> Double { cthreads_running_seconds() }
}
