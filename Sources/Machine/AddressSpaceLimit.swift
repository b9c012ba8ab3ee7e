import Glibc

/// How much memory the system lets this process map (`ulimit -v`).
public enum AddressSpaceLimit {
  /// In bytes; nil where there is no limit.
  public static var bytes: UInt64? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { return nil }
    // RLIM_INFINITY, which Swift does not import.
    return limit.rlim_cur == UInt64.max ? nil : UInt64(limit.rlim_cur)
  }
}
