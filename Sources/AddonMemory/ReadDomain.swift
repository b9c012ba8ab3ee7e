import Glibc

/// What read-side sections belong to: a grace period waits for the sections of its own domain, and for no others.
///
/// Domains are registered by name. A site says in its description which ones its visits use.
@frozen public struct ReadDomain: Equatable, Sendable {
  /// Its place among all that are registered.
  public let index: Int
  /// Whether one may sleep inside a section: as under SRCU, and not under RCU.
  public let maySleep: Bool
  @inlinable init(index: Int, maySleep: Bool) {
    self.index = index
    self.maySleep = maySleep
  }

  /// RCU: whoever is in a section may not sleep.
  @inlinable public static var rcu: ReadDomain { ReadDomain(index: 0, maySleep: false) }
  /// `fsnotify_mark_srcu`: whoever is in a section may sleep.
  @inlinable public static var fsnotifyMarks: ReadDomain { ReadDomain(index: 1, maySleep: true) }

  /// A domain of one's own: `static let mine = ReadDomain(named: "my-srcu", maySleep: true)`. Registers it, or answers the
  /// one of this name. At most ``most`` in a process.
  public init(named name: String, maySleep: Bool) {
    index = DomainTable.all.index(of: name, maySleep: maySleep)
    self.maySleep = maySleep
  }

  /// So many domains there can be in a process.
  @inlinable public static var most: Int { 16 }
  /// So many are registered.
  public static var count: Int { DomainTable.all.names.count }
  /// The registered one of this name.
  public static func named(_ name: String) -> ReadDomain? { DomainTable.all.domain(named: name) }
  /// As scenarios name it.
  public var name: String { DomainTable.all.names[index] }
}

extension ReadDomain: Codable {
  public init(from decoder: any Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let domain = ReadDomain.named(name) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "there is no domain '\(name)' of read-side sections"))
    }
    self = domain
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// The domains of this process.
private final class DomainTable: @unchecked Sendable {
  static let all = DomainTable()
  private var mutex = pthread_mutex_t()
  private var known: [(name: String, maySleep: Bool)] = [("rcu", false), ("fsnotify-marks", true)]

  private init() { pthread_mutex_init(&mutex, nil) }

  private func locked<T>(_ body: () -> T) -> T {
    pthread_mutex_lock(&mutex)
    defer { pthread_mutex_unlock(&mutex) }
    return body()
  }

  var names: [String] { locked { known.map(\.name) } }

  func domain(named name: String) -> ReadDomain? {
    locked {
      known.firstIndex { $0.name == name }.map { ReadDomain(index: $0, maySleep: known[$0].maySleep) }
    }
  }

  func index(of name: String, maySleep: Bool) -> Int {
    locked {
      if let index = known.firstIndex(where: { $0.name == name }) {
        precondition(
          known[index].maySleep == maySleep, "domain '\(name)' is registered as one that may sleep, or may not")
        return index
      }
      precondition(known.count < ReadDomain.most, "more than \(ReadDomain.most) domains of read-side sections")
      known.append((name, maySleep))
      return known.count - 1
    }
  }
}

/// What a grace period waits for: the sections of one domain, or of every one.
@frozen public struct GracePeriod: Equatable, Sendable {
  /// The domain's index, or -1 for every domain.
  @usableFromInline let domain: Int
  @inlinable init(domain: Int) { self.domain = domain }

  @inlinable public static var rcu: GracePeriod { .of(.rcu) }
  @inlinable public static var fsnotifyMarks: GracePeriod { .of(.fsnotifyMarks) }
  @inlinable public static var everyDomain: GracePeriod { GracePeriod(domain: -1) }
  @inlinable public static func of(_ domain: ReadDomain) -> GracePeriod { GracePeriod(domain: domain.index) }

  /// As reports name it.
  public var name: String { domain < 0 ? "every domain" : ReadDomain(index: domain, maySleep: false).name }

  /// Its number among the grace periods of so many domains: every domain's is 0.
  @inlinable public var number: Int { domain &+ 1 }
  /// The grace periods of so many domains, by their numbers.
  public static func all(ofDomains count: Int) -> [GracePeriod] { (-1..<count).map(GracePeriod.init(domain:)) }

  /// The indices of its domains, of so many.
  @inlinable public func domains(of count: Int) -> Range<Int> { domain < 0 ? 0..<count : domain..<domain + 1 }
  @inlinable public func isAbout(_ domain: ReadDomain) -> Bool { self.domain < 0 || self.domain == domain.index }
}
