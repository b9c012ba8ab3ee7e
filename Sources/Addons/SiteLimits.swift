/// The sizes and counts that a site declares. Engines make room for so much, and end a run with an error where a visit
/// needs more.
public struct SiteLimits: Sendable, Equatable {
  /// Bytes.
  public let inodeSize: Int
  /// Bytes.
  public let sharedSize: Int
  public let slotCount: Int
  /// Bytes.
  public let biggestAddon: Int
  public let allocationsPerVisit: Int
  public let allocationsPerCreation: Int
  public let deferredFreesPerVisit: Int

  public init<S: Site>(_ site: S.Type) {
    inodeSize = S.inodeSize
    sharedSize = S.sharedSize
    slotCount = S.slotCount
    biggestAddon = S.biggestAddon
    allocationsPerVisit = S.allocationsPerVisit
    allocationsPerCreation = S.allocationsPerCreation
    deferredFreesPerVisit = S.deferredFreesPerVisit
  }

  public init(
    inodeSize: Int, sharedSize: Int = 0, slotCount: Int = 1, biggestAddon: Int, allocationsPerVisit: Int = 1,
    allocationsPerCreation: Int = 0, deferredFreesPerVisit: Int = 0
  ) {
    self.inodeSize = inodeSize
    self.sharedSize = sharedSize
    self.slotCount = slotCount
    self.biggestAddon = biggestAddon
    self.allocationsPerVisit = allocationsPerVisit
    self.allocationsPerCreation = allocationsPerCreation
    self.deferredFreesPerVisit = deferredFreesPerVisit
  }

  /// The largest addon that an engine takes, in bytes: ledgers count words in 8 bits.
  public static let largestAddon = 2040
  public static let slots = 1...64

  /// What cannot be in a declaration, whatever a visit does; nil if nothing is wrong with it.
  public func objection(slotNames: [String]) -> String? {
    if !Self.slots.contains(slotCount) {
      return "slotCount is \(slotCount); a site has \(Self.slots.lowerBound) to \(Self.slots.upperBound) slots"
    }
    if slotNames.count != slotCount {
      return "slotCount is \(slotCount), and its description names \(slotNames.count) slots: \(slotNames)"
    }
    if inodeSize < 8 || inodeSize % 8 != 0 { return "inodeSize is \(inodeSize), which is no multiple of 8" }
    if sharedSize < 0 { return "sharedSize is \(sharedSize)" }
    if !(8...Self.largestAddon).contains(biggestAddon) {
      return "biggestAddon is \(biggestAddon); an addon has 8 to \(Self.largestAddon) bytes"
    }
    if allocationsPerVisit < 0 || allocationsPerCreation < 0 || deferredFreesPerVisit < 0 {
      return "a number of allocations or frees is negative"
    }
    return nil
  }
}

/// A limit that a site declares and its code went beyond.
@frozen public enum SiteLimit: UInt8, Sendable {
  case inodeSize = 1
  case slotCount, biggestAddon, allocationsPerVisit, allocationsPerCreation, deferredFreesPerVisit, domains

  /// What the site's code did, where it declares this.
  public func sentence(_ site: SiteDescription, _ limits: SiteLimits) -> String {
    let what =
      switch self {
      case .inodeSize: "touches memory behind its inode, of which inodeSize is \(limits.inodeSize) bytes"
      case .slotCount: "records an operation on a slot beyond the \(limits.slotCount) of slotCount"
      case .biggestAddon: "allocates more bytes than the \(limits.biggestAddon) of biggestAddon"
      case .allocationsPerVisit:
        "allocates more often in a visit than the \(limits.allocationsPerVisit) of allocationsPerVisit"
      case .allocationsPerCreation:
        "allocates more often when an inode is created than the \(limits.allocationsPerCreation) of allocationsPerCreation"
      case .deferredFreesPerVisit:
        "leaves more frees to grace periods in a visit than the \(limits.deferredFreesPerVisit) of deferredFreesPerVisit"
      case .domains:
        "uses a domain of read-side sections that its description does not name; it names: "
          + site.domains.map(\.name).joined(separator: ", ")
      }
    return "site \(site.name) \(what): declare in the site what its code needs"
  }
}
