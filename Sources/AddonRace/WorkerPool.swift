import CAtomics
import ExploreEngine

/// Slots for processes that explore, shared by all children of an invocation: whoever has a large exploration gives parts
/// of it to as many copies of itself as slots are free.
public final class WorkerPool: Sendable {
  private let page: SharedPage
  /// Slots in all.
  public let count: Int

  /// The first `taken` slots are in use from the beginning.
  public init?(_ count: Int, taken: Int) {
    guard let page = SharedPage.make() else { return nil }
    self.page = page
    self.count = count
    page[.freeSlots] = UInt64(max(0, count - taken))
  }

  /// Another process's.
  public init?(path: String, count: Int) {
    guard let page = SharedPage.open(path) else { return nil }
    self.page = page
    self.count = count
  }

  /// One more is free.
  public func release() { _ = catomics_fetch_add_relaxed_64(page.address(of: .freeSlots), 1) }

  var slots: WorkerSlots { WorkerSlots(free: page.address(of: .freeSlots), count: count) }
  /// What a child finds it by.
  var arguments: [String] { ["--pool", page.path, "--slots", "\(count)"] }
}
