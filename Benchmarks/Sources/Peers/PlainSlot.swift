import AddonMemory
import Addons

/// The barest site there is: one slot, and next to it the lock and the flags that some strategies need.
enum PlainSlot<S: Strategy>: Site {
  enum Role: UInt8, SiteRole {
    case populate
    var sentence: String { "Makes sure that there is an owner." }
    var looksOnly: Bool { false }
  }

  static var about: SiteDescription {
    SiteDescription(
      "plain-slot", "One slot with nothing around it.", source: "what libraries offer", slots: ["owner"],
      ownStrategy: "compare-exchange", racers: [("populate", 2)])
  }
  static var strategy: StrategyDescription { S.about }
  static var inodeSize: Int { 16 }
  static var biggestAddon: Int { OwnerMaker.size }

  @inline(__always) static func create<M: Memory>(_ inode: Inode, in memory: M) { memory.initialise(inode.lock) }

  @inline(__always) static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    _ = try? S.populate(inode.slot(at: 0), of: inode, in: memory, OwnerMaker(file: inode))
  }

  static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    _ = memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
  }

  @inline(__always) static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    guard let owner = memory.load(inode.slot(at: 0), .relaxed) else { return }
    S.empty(inode.slot(at: 0), of: inode, in: memory)
    memory.free(owner)
  }
}
