import AddonMemory
import Addons
import BenchModel
import CThreads

/// The inodes of a bench, and what they share.
@frozen public struct BenchArea: @unchecked Sendable {
  public var base: UInt
  public let spacing: UInt
  public var count: Int
  public let shared: UInt
  @inlinable public init(base: UInt, spacing: UInt, count: Int, shared: UInt) {
    self.base = base
    self.spacing = spacing
    self.count = count
    self.shared = shared
  }

  @inlinable @inline(__always) func inode(_ number: Int) -> Inode {
    Inode(address: base &+ UInt(bitPattern: number) &* spacing, shared: shared)
  }
}

/// One pair of site and strategy with the types gone: each loop is specialised for its site, strategy and the machine's own
/// memory where `init` is called. A site of your own becomes one by `MeasuredCode(MySite<MyStrategy>.self)`.
@frozen public struct MeasuredCode: @unchecked Sendable {
  public let site: String
  public let strategy: StrategyDescription
  public let roles: [String]
  /// By role: why it cannot be measured, if it cannot.
  @usableFromInline let objections: [String?]
  /// By role: it empties the slot again.
  @usableFromInline let detaches: [Bool]
  @usableFromInline let inodeSize: Int
  @usableFromInline let sharedSize: Int
  @usableFromInline let biggestAddon: Int
  @usableFromInline let create: (BenchArea, HardwareMemory) -> Void
  /// Visits every inode, so many times over, in the role of this number.
  @usableFromInline let visit: (BenchArea, UInt8, Int, HardwareMemory) -> Void
  /// Visits every inode once, and writes down how long each visit took, in ticks.
  @usableFromInline let timedVisit: (BenchArea, UInt8, HardwareMemory, UnsafeMutablePointer<UInt64>) -> Void
  @usableFromInline let tearDown: (BenchArea, HardwareMemory) -> Void

  @inlinable @inline(__always) public init<S: Site>(_ site: S.Type) {
    self.site = S.about.name
    strategy = S.strategy
    roles = S.Role.allCases.map(\.name)
    objections = S.Role.allCases.map { role in
      if role.looksOnly { return "never populates a slot" }
      if role.waitsFor != nil { return "waits for others in every visit" }
      return role.putsInode ? "evicts the inode" : nil
    }
    detaches = S.Role.allCases.map(\.detaches)
    inodeSize = S.inodeSize
    sharedSize = S.sharedSize
    biggestAddon = S.biggestAddon
    create = { area, memory in
      if S.sharedSize > 0 { S.createShared(at: area.shared, in: memory) }
      for number in 0..<area.count { S.create(area.inode(number), in: memory) }
    }
    visit = { area, role, passes, memory in BenchLoop<S>.visit(area, role, passes, memory) }
    timedVisit = { area, role, memory, ticks in BenchLoop<S>.timedVisit(area, role, memory, ticks) }
    tearDown = { area, memory in
      for number in 0..<area.count { S.tearDown(area.inode(number), in: memory) }
    }
  }

  /// Where a visit empties its slot again there is nothing populated to visit.
  func measures(inRole role: UInt8) -> Set<BenchMeasure> {
    detaches[Int(role)] ? [.firstAllocation, .contended] : Set(BenchMeasure.allCases)
  }
}

/// The loops that are measured.
@usableFromInline enum BenchLoop<S: Site> {
  /// With a role that the compiler knows, where it is the first one: the question which one it is costs as much as a
  /// populated slot.
  @inlinable @inline(never)
  static func visit(_ area: BenchArea, _ number: UInt8, _ passes: Int, _ memory: HardwareMemory) {
    var pass = 0
    while pass < passes {
      if number == 0 { visitFourByFour(area, memory) } else { visitEach(area, number, memory) }
      pass &+= 1
    }
  }

  /// Four visits in a row: a populated slot takes a cycle, and where a loop of one visit happens to lie would decide
  /// whether it takes two.
  @inlinable @inline(__always) static func visitFourByFour(_ area: BenchArea, _ memory: HardwareMemory) {
    let role = S.Role(rawValue: 0).unsafelyUnwrapped
    let shared = area.shared
    let spacing = area.spacing
    var address = area.base
    var left = area.count & 3
    let end = area.base &+ UInt(bitPattern: area.count &- left) &* spacing
    cthreads_begin_line_of_code()
    while address != end {
      S.visit(Inode(address: address, shared: shared), as: role, in: memory)
      S.visit(Inode(address: address &+ spacing, shared: shared), as: role, in: memory)
      S.visit(Inode(address: address &+ 2 &* spacing, shared: shared), as: role, in: memory)
      S.visit(Inode(address: address &+ 3 &* spacing, shared: shared), as: role, in: memory)
      address &+= 4 &* spacing
    }
    while left > 0 {
      S.visit(Inode(address: address, shared: shared), as: role, in: memory)
      address &+= spacing
      left &-= 1
    }
  }

  @inlinable @inline(__always)
  static func visitEach(_ area: BenchArea, _ number: UInt8, _ memory: HardwareMemory) {
    guard let role = S.Role(rawValue: number) else { return }
    var number = 0
    while number < area.count {
      S.visit(area.inode(number), as: role, in: memory)
      number &+= 1
    }
  }

  @inlinable @inline(never)
  static func timedVisit(
    _ area: BenchArea, _ number: UInt8, _ memory: HardwareMemory, _ ticks: UnsafeMutablePointer<UInt64>
  ) {
    guard let role = S.Role(rawValue: number) else { return }
    var number = 0
    while number < area.count {
      let start = cthreads_ticks_before()
      S.visit(area.inode(number), as: role, in: memory)
      ticks[number] = cthreads_ticks_after() &- start
      number &+= 1
    }
  }
}
