import AddonRace

/// What a site under test does in its one role, and what it declares.
protocol TinyBehaviour {
  static var name: String { get }
  static var inodeSize: Int { get }
  static var slotCount: Int { get }
  static var slots: [String] { get }
  static var biggestAddon: Int { get }
  static var allocationsPerVisit: Int { get }
  static var allocationsPerCreation: Int { get }
  static var deferredFreesPerVisit: Int { get }
  static var sharedSize: Int { get }
  static var domains: [ReadDomain] { get }
  static func create<M: Memory>(_ inode: Inode, in memory: M)
  static func visit<M: Memory>(_ inode: Inode, in memory: M)
}

extension TinyBehaviour {
  static var name: String { "\(Self.self)" }
  static var inodeSize: Int { 16 }
  static var slotCount: Int { 1 }
  static var slots: [String] { ["slot"] }
  static var biggestAddon: Int { 16 }
  static var allocationsPerVisit: Int { 1 }
  static var allocationsPerCreation: Int { 0 }
  static var deferredFreesPerVisit: Int { 0 }
  static var sharedSize: Int { 0 }
  static var domains: [ReadDomain] { [.rcu] }
  static func create<M: Memory>(_ inode: Inode, in memory: M) {}
}

/// A site of a few lines: `allocate` populates the slot with the right strategy, then does what is under test.
enum TinySite<B: TinyBehaviour>: Site {
  enum Role: UInt8, SiteRole {
    case allocate
    var sentence: String { "Populates the slot, and does what is under test." }
    var looksOnly: Bool { false }
  }

  static var about: SiteDescription {
    SiteDescription(
      B.name, "?", source: "a test", slots: B.slots, ownStrategy: "compare-exchange", racers: [("allocate", 2)],
      domains: B.domains)
  }
  static var strategy: StrategyDescription { CompareExchange.about }
  static var inodeSize: Int { B.inodeSize }
  static var sharedSize: Int { B.sharedSize }
  static var slotCount: Int { B.slotCount }
  static var biggestAddon: Int { B.biggestAddon }
  static var allocationsPerVisit: Int { B.allocationsPerVisit }
  static var allocationsPerCreation: Int { B.allocationsPerCreation }
  static var deferredFreesPerVisit: Int { B.deferredFreesPerVisit }

  static func create<M: Memory>(_ inode: Inode, in memory: M) { B.create(inode, in: memory) }
  static func visit<M: Memory>(_ inode: Inode, as role: Role, in memory: M) {
    do {
      let populated = try CompareExchange.populate(inode.slot(at: 0), of: inode, in: memory, TinyMaker())
      B.visit(inode, in: memory)
      memory.report(.success(populated.addon))
    } catch {
      memory.report(.failure)
    }
  }
  static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    memory.slotShows(memory.load(inode.slot(at: 0), .relaxed), slot: 0)
  }
  static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    guard let addon = memory.load(inode.slot(at: 0), .relaxed) else { return }
    memory.store(inode.slot(at: 0), nil, .relaxed)
    memory.free(addon)
  }
}

struct TinyMaker: Maker {
  var kind: AddonKind { AddonKind(size: 16, zeroed: true) }
  func initialise<M: Memory>(_ addon: Addon, in memory: M) { memory.write(addon.word64(at: 0), 1) }
}

/// Nothing is wrong with it.
enum Plain: TinyBehaviour {
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {}
}

func tinyScenario(_ site: String) -> Scenario {
  var scenario = Scenario(
    name: site, question: "?", site: site, strategy: "compare-exchange",
    racers: [RacerGroup(role: "allocate", count: 2)])
  scenario.stress.inodes = 32
  scenario.stress.collisions = 300
  scenario.stress.time = 10
  scenario.stress.minimumYield = 0
  scenario.stress.visitsInFlight = 8
  return scenario
}

/// A catalog of one pair.
protocol TinyCatalog: Catalog {
  associatedtype Behaviour: TinyBehaviour
}
extension TinyCatalog {
  static func visitAll(_ visitor: inout SubjectVisitor) { visitor.visitUnmeasured(TinySite<Behaviour>.self) }
}
enum CatalogOf<B: TinyBehaviour>: TinyCatalog { typealias Behaviour = B }
