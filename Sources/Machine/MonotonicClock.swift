import Glibc

/// The monotonic clock.
public enum MonotonicClock {
  /// Seconds since some moment of this boot.
  public static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
