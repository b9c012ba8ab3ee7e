import AddonRace

/// A connection's statistics: most connections never need any, so the first request that is counted allocates them, and a
/// reset detaches them again. Whoever looks at them does so inside an epoch; what a reset detaches is freed when every
/// epoch that may have seen it has ended.
@frozen public enum ConnectionStats<S: Strategy>: Site {
  public enum Role: UInt8, SiteRole {
    case count, report, reset
    public var sentence: String {
      switch self {
      case .count: "Counts a request, in statistics that it allocates if there are none."
      case .report: "Reads the count, if there is one."
      case .reset: "Detaches the statistics, and leaves them to the end of the epochs."
      }
    }
    @inlinable public var looksOnly: Bool { self == .report }
    @inlinable public var detaches: Bool { self == .reset }
  }

  public static var about: SiteDescription {
    SiteDescription(
      "connection-stats", "A connection's statistics, made by the first request and gone with a reset.",
      source: "an example", slots: ["stats"], ownStrategy: "publish-once", racers: [("count", 2), ("reset", 1)],
      domains: [.epoch])
  }
  public static var strategy: StrategyDescription { S.about }

  @inlinable public static var inodeSize: Int { 8 }
  @inlinable public static var biggestAddon: Int { StatsMaker.size }
  @inlinable public static var deferredFreesPerVisit: Int { 1 }
  /// The slot goes back to NULL, so what happened when is recorded: `WithHistory` does it for strategies.
  @inlinable public static var keepsHistory: Bool { true }

  @inlinable @inline(__always)
  public static func visit<M: Memory>(_ connection: Inode, as role: Role, in memory: M) {
    let slot = connection.slot(at: 0)
    switch role {
    case .count:
      do {
        // Outside the epoch: it may sleep. A reset may have detached the statistics again when this returns.
        _ = try S.populate(slot, of: connection, in: memory, StatsMaker(connection: connection))
      } catch {
        memory.report(.failure)
        return
      }
      memory.enterReadSection(.epoch)
      if let stats = S.look(at: slot, of: connection, in: memory) {
        memory.fetchAdd(StatsMaker.requests(stats), 1, .relaxed)
        memory.report(.success(stats))
      } else {
        memory.report(.again)
      }
      memory.leaveReadSection(.epoch)
    case .report:
      memory.enterReadSection(.epoch)
      if let stats = S.look(at: slot, of: connection, in: memory) {
        memory.expect(
          StatsMaker.connection(stats), holds: UInt64(connection.address), "the statistics are of another connection")
        memory.report(.success(stats))
      } else {
        memory.report(.absent)
      }
      memory.leaveReadSection(.epoch)
    case .reset:
      // Here too others may come in between: without this a reset would be over before anyone has published.
      memory.window()
      let start = memory.began()
      if let stats = memory.exchange(slot, nil, .acquiringAndReleasing) {
        memory.ended(start, .detached(stats))
        memory.freeAfterGracePeriod(stats, .of(.epoch))
      } else {
        memory.ended(start, .absent)
      }
    }
  }

  @inlinable @inline(__always)
  public static func inspect<M: Memory>(_ connection: Inode, in memory: M) {
    if let stats = memory.slotShows(memory.load(connection.slot(at: 0), .relaxed), slot: 0) {
      memory.expect(StatsMaker.connection(stats), holds: UInt64(connection.address), .initialised)
    }
  }

  @inlinable @inline(__always)
  public static func tearDown<M: Memory>(_ connection: Inode, in memory: M) {
    guard let stats = memory.load(connection.slot(at: 0), .relaxed) else { return }
    S.empty(connection.slot(at: 0), of: connection, in: memory)
    memory.free(stats)
  }
}

extension ReadDomain {
  /// Who is in an epoch may sleep.
  public static let epoch = ReadDomain(named: "epoch", maySleep: true)
}

/// 16 bytes, zeroed: the count, and whose it is.
@frozen public struct StatsMaker: Maker {
  public let connection: Inode
  @inlinable @inline(__always) public init(connection: Inode) { self.connection = connection }

  @inlinable public static var size: Int { 16 }
  @inlinable @inline(__always) public static func requests(_ stats: Addon) -> Word64 { stats.word64(at: 0) }
  @inlinable @inline(__always) public static func connection(_ stats: Addon) -> Word64 { stats.word64(at: 8) }

  @inlinable public var kind: AddonKind { AddonKind(size: Self.size, zeroed: true) }

  @inlinable @inline(__always) public func initialise<M: Memory>(_ stats: Addon, in memory: M) {
    memory.write(Self.connection(stats), UInt64(connection.address))
  }
}
