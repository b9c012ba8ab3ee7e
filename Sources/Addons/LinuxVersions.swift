/// The versions of Linux that a site is as, among the sites that model the same place.
public struct LinuxVersions: Sendable, Equatable {
  /// The place: the name of the site that is meant where no version is named.
  public let place: String
  public let first: LinuxVersion
  /// Nil: to this day, as far as it was read.
  public let last: LinuxVersion?

  /// - Precondition: `first` and `last` are versions.
  public init(_ first: String, _ last: String?, of place: String) {
    self.place = place
    self.first = LinuxVersion(first)!
    self.last = last.map { LinuxVersion($0)! }
  }

  public func contains(_ version: LinuxVersion) -> Bool {
    version >= first && (last.map { version <= $0 } ?? true)
  }

  /// "5.15 to 6.9", "6.12".
  public var words: String {
    switch last {
    case nil: "\(first) and later"
    case first?: "\(first)"
    case let last?: "\(first) to \(last)"
    }
  }
}

/// A version of Linux by its first two numbers: 6.12. (What a stable release changed is said in words.)
public struct LinuxVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let major: Int
  public let minor: Int

  /// Nil if it is not two numbers; more after a further dot is ignored.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
      return nil
    }
    self.major = major
    self.minor = minor
  }

  public static func < (a: LinuxVersion, b: LinuxVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
  public var description: String { "\(major).\(minor)" }
}
