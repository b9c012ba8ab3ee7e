import AddonRace
import Foundation

/// Limits of the system that a run does not come far with: better said at once than by whatever fails first.
enum SystemLimits {
  /// A run with many jobs has a few files and pipes for each.
  private static let leastFiles: UInt64 = 64
  /// Each racer's part of the memory that is explored is set aside, and hardly used.
  private static let leastAddressSpace: UInt64 = 1 << 28
  /// `EX_OSERR`.
  private static let status: Int32 = 71

  /// Input, output and errors that the caller closed are nowhere: the next file that is opened would take their place, and
  /// what is printed would go into it.
  static func holdStandardFiles() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest that is free: this one.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Takes as many files as the system allows. Ends with a message where a limit is too narrow.
  static func takeOrEnd() {
    if var files = limit(RLIMIT_NOFILE) {
      files.rlim_cur = files.rlim_max
      _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
      if files.rlim_max < leastFiles {
        end("only \(files.rlim_max) files may be open at once; at least \(leastFiles) are needed", "ulimit -n 1024")
      }
    }
    if let space = AddressSpaceLimit.bytes, space < leastAddressSpace {
      end(
        "the address space is limited to \(space >> 20) MB; at least \(leastAddressSpace >> 20) MB are needed",
        "ulimit -v unlimited")
    }
  }

  private static func limit(_ resource: __rlimit_resource) -> rlimit? {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 ? limit : nil
  }

  private static func end(_ message: String, _ remedy: String) {
    StandardError.print("error: \(message)\n    \(remedy)")
    exit(status)
  }
}
