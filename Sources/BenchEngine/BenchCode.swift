import AddonMemory
import Addons
import CThreads
import Histogram

/// The inodes of a bench, zeroed at first.
struct BenchArea: @unchecked Sendable {
  let base: UInt
  let spacing: UInt
  var count: Int
  let shared: UInt

  @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(address: base &+ UInt(bitPattern: number) &* spacing, shared: shared)
  }
}

/// One pair of site and strategy with the types gone: each loop is specialised for its site, strategy and the machine's own
/// memory where `init` is called.
struct BenchCode: @unchecked Sendable {
  /// Those that are right at some site, and populate it for good.
  static let all: [BenchCode] = {
    var collector = Collector()
    Catalog.visitRight(&collector)
    return collector.all
  }()

  private struct Collector: CatalogVisitor {
    var all: [BenchCode] = []
    mutating func visit<S: Site>(_ site: S.Type) {
      if !S.keepsHistory { all.append(BenchCode(site)) }
    }
  }

  let site: String
  let strategy: StrategyDescription
  let roles: [String]
  /// By role: it never populates.
  let looksOnly: [Bool]
  let inodeSize: Int
  let sharedSize: Int
  let biggestAddon: Int
  let create: (BenchArea, HardwareMemory) -> Void
  /// Visits every inode, so many times over, in the role of this number.
  let visit: (BenchArea, UInt8, Int, HardwareMemory) -> Void
  /// Visits every inode once, and records how long each visit took, in ticks.
  let timedVisit: (BenchArea, UInt8, HardwareMemory, inout Histogram<UInt64>) -> Void
  let tearDown: (BenchArea, HardwareMemory) -> Void

  @inline(__always) init<S: Site>(_ site: S.Type) {
    self.site = S.about.name
    strategy = S.strategy
    roles = S.Role.allCases.map(\.name)
    looksOnly = S.Role.allCases.map(\.looksOnly)
    inodeSize = S.inodeSize
    sharedSize = S.sharedSize
    biggestAddon = S.biggestAddon
    create = { area, memory in
      if S.sharedSize > 0 { S.createShared(at: area.shared, in: memory) }
      for number in 0..<area.count { S.create(area.inode(number), in: memory) }
    }
    visit = { area, role, passes, memory in BenchLoop<S>.visit(area, role, passes, memory) }
    timedVisit = { area, role, memory, histogram in BenchLoop<S>.timedVisit(area, role, memory, &histogram) }
    tearDown = { area, memory in
      for number in 0..<area.count { S.tearDown(area.inode(number), in: memory) }
    }
  }
}

/// The loops that are measured.
private enum BenchLoop<S: Site> {
  /// With a role that the compiler knows, where it is the first one: the question which one it is costs as much as a
  /// populated slot.
  @inline(never) static func visit(_ area: BenchArea, _ number: UInt8, _ passes: Int, _ memory: HardwareMemory) {
    if number == 0 { visitEach(area, 0, passes, memory) } else { visitEach(area, number, passes, memory) }
  }

  @inline(__always)
  private static func visitEach(_ area: BenchArea, _ number: UInt8, _ passes: Int, _ memory: HardwareMemory) {
    guard let role = S.Role(rawValue: number) else { return }
    let end = area.base &+ area.spacing &* UInt(bitPattern: area.count)
    var pass = 0
    while pass < passes {
      var address = area.base
      while address != end {
        S.visit(Inode(address: address, shared: area.shared), as: role, in: memory)
        address &+= area.spacing
      }
      pass &+= 1
    }
  }

  @inline(never)
  static func timedVisit(
    _ area: BenchArea, _ number: UInt8, _ memory: HardwareMemory, _ histogram: inout Histogram<UInt64>
  ) {
    guard let role = S.Role(rawValue: number) else { return }
    var number = 0
    while number < area.count {
      let start = cthreads_ticks_before()
      S.visit(area.inode(number), as: role, in: memory)
      histogram.record(cthreads_ticks_after() &- start)
      number &+= 1
    }
  }
}
