import AddonMemory
import BenchModel
import CBaseline
import CThreads

/// What is measured against others: a strategy of the catalog, the same by hand in C11, or something of your own.
///
/// Its closures are called on the racers' threads, each as often as it takes; they are to be as thin as a call.
public struct Contestant {
  public let name: String
  /// What can be measured of it. (What can be done only once in a process has no first allocation to repeat.)
  public let measures: Set<BenchMeasure>
  /// It counts how often it had to try again.
  let countsRetries: Bool
  /// Before anyone visits: all inodes are as if nobody had ever been there.
  let create: () -> Void
  /// Visits every inode, so many times over, by one racer.
  let visit: (_ racer: Int, _ passes: Int) -> Void
  /// Visits every inode once, by one racer, and writes down how many ticks each visit took; nil where single visits cannot
  /// be timed.
  let timedVisit: ((_ racer: Int, _ ticks: UnsafeMutablePointer<UInt64>) -> Void)?
  /// Visits the first so many inodes once, by one racer.
  let visitFirst: (_ count: Int) -> Void
  /// What hangs off the inodes goes, and they are as `create` made them.
  let empty: () -> Void
  /// After the last visit: what `create` made goes too.
  let destroy: () -> Void

  public init(
    _ name: String, measures: Set<BenchMeasure> = [.fastPath, .firstAllocation, .contended],
    countsRetries: Bool = false, create: @escaping () -> Void, visit: @escaping (_ racer: Int, _ passes: Int) -> Void,
    timedVisit: ((_ racer: Int, _ ticks: UnsafeMutablePointer<UInt64>) -> Void)? = nil,
    visitFirst: @escaping (_ count: Int) -> Void = { _ in }, empty: @escaping () -> Void,
    destroy: @escaping () -> Void = {}
  ) {
    self.name = name
    self.measures = measures
    self.countsRetries = countsRetries
    self.create = create
    self.visit = visit
    self.timedVisit = timedVisit
    self.visitFirst = visitFirst
    self.empty = empty
    self.destroy = destroy
  }

  /// A strategy at its site, in the role of this number.
  public init(_ code: MeasuredCode, named name: String? = nil, role: UInt8 = 0, on field: BenchField) {
    let counts = field.counts
    self.init(
      name ?? code.strategy.name, measures: code.measures(inRole: role), countsRetries: true,
      create: {
        field.clear()
        code.create(field.area, HardwareMemory(racer: 0))
      },
      visit: { racer, passes in code.visit(field.area, role, passes, counts.memory(racer)) },
      timedVisit: { racer, ticks in code.timedVisit(field.area, role, counts.memory(racer), ticks) },
      visitFirst: { count in
        var part = field.area
        part.count = count
        code.visit(part, role, 1, counts.memory(0))
      },
      empty: { code.tearDown(field.area, HardwareMemory(racer: 0)) })
  }

  public static let referenceName = "C11 by hand"

  /// The slot is every inode's first word; an addon has so many bytes.
  public static func reference(addonSize size: Int, on field: BenchField) -> Contestant {
    let counts = field.counts
    return Contestant(
      referenceName, measures: Set(BenchMeasure.allCases), countsRetries: true, create: { field.clear() },
      visit: { racer, passes in
        let (inodes, spacing, count) = field.inodes
        for _ in 0..<passes { counts.add(cbaseline_visit(inodes, spacing, count, UInt32(size)), by: racer) }
      },
      timedVisit: { racer, ticks in
        let (inodes, spacing, count) = field.inodes
        counts.add(cbaseline_visit_timed(inodes, spacing, count, UInt32(size), ticks), by: racer)
      },
      visitFirst: { count in
        let (inodes, spacing, _) = field.inodes
        _ = cbaseline_visit(inodes, spacing, count, UInt32(size))
      },
      empty: {
        let (inodes, spacing, count) = field.inodes
        cbaseline_empty(inodes, spacing, count)
      })
  }
}

/// Where contestants meet: memory for inodes, and what each racer's visits counted.
public final class BenchField: @unchecked Sendable {
  /// Where the inodes lie at present: contestants ask each time that they are called.
  public private(set) var area: BenchArea
  public let counts: RacerCounts
  private let blocks: [(block: UnsafeMutableRawPointer, bytes: Int)]
  private let room: Int

  private static let page = 4096
  private static let hugePage = 2 << 20
  private static let linePair = 128
  /// Pages that inodes may be moved by.
  private static let pagesOfRoom = 64

  /// Inodes stay put where somebody keeps their addresses.
  public init(inodes: Int, spacing: Int, sharedBytes: Int = 0, racers: Int, stayPut: Bool = false) {
    room = stayPut ? 0 : Self.pagesOfRoom * Self.page
    blocks = [inodes * spacing + room, max(sharedBytes, 128)].map { bytes in (Self.pages(for: bytes), bytes) }
    area = BenchArea(
      base: UInt(bitPattern: blocks[0].block), spacing: UInt(spacing), count: inodes,
      shared: sharedBytes > 0 ? UInt(bitPattern: blocks[1].block) : 0)
    counts = RacerCounts(racerCount: racers)
    clear()
  }
  deinit { for (block, _) in blocks { block.deallocate() } }

  /// Pages of their own; huge ones for what fills some, as the kernel maps all of its memory. With small ones a hook on one of
  /// many inodes would wait for the translation of its address as long as for the inode.
  private static func pages(for bytes: Int) -> UnsafeMutableRawPointer {
    if bytes < hugePage { return .allocate(byteCount: bytes, alignment: page) }
    let whole = (bytes + hugePage - 1) / hugePage * hugePage
    let block = UnsafeMutableRawPointer.allocate(byteCount: whole, alignment: hugePage)
    cthreads_prefer_huge_pages(block, whole)
    return block
  }

  /// Where the inodes lie at present, as C takes it.
  public var inodes: (first: UnsafeMutableRawPointer, spacing: Int, count: Int) {
    let area = area
    return (UnsafeMutableRawPointer(bitPattern: area.base).unsafelyUnwrapped, Int(area.spacing), area.count)
  }

  /// Moves the inodes to another place in their room. Where they lie by chance to the heap is a process's own, and decides
  /// over up to a tenth of what contended visits take: measured at many such places, it is not one process's figure.
  func move(using generator: inout some RandomNumberGenerator) {
    if room == 0 { return }
    let offset = Self.linePair * Int.random(in: 0..<room / Self.linePair, using: &generator)
    area.base = UInt(bitPattern: blocks[0].block + offset)
  }

  /// As if nobody had ever been here.
  public func clear() {
    let (first, spacing, count) = inodes
    first.initializeMemory(as: UInt8.self, repeating: 0, count: count * spacing)
    let (shared, bytes) = blocks[1]
    shared.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }
}

/// What each racer's visits counted: on line pairs of their own.
public final class RacerCounts: @unchecked Sendable {
  private static let linePair = 128 / MemoryLayout<VisitCounts>.stride
  private let counts: UnsafeMutablePointer<VisitCounts>
  private let racerCount: Int

  init(racerCount: Int) {
    self.racerCount = racerCount
    counts = .allocate(capacity: racerCount * Self.linePair)
    counts.initialize(repeating: VisitCounts(), count: racerCount * Self.linePair)
  }
  deinit { counts.deallocate() }

  public func memory(_ racer: Int) -> HardwareMemory {
    HardwareMemory(racer: racer, counts: counts + racer * Self.linePair)
  }

  /// A racer allocated so many blocks, and freed so many of them because it had lost.
  public func add(allocations: Int, losses: Int, by racer: Int) {
    counts[racer * Self.linePair].allocations += allocations
    counts[racer * Self.linePair].frees += losses
  }

  func add(_ tally: cbaseline_tally, by racer: Int) {
    add(allocations: tally.allocations, losses: tally.losses, by: racer)
  }

  /// By racer, since the last time that it was asked.
  func take() -> [VisitCounts] {
    (0..<racerCount).map { racer in
      defer { counts[racer * Self.linePair] = VisitCounts() }
      return counts[racer * Self.linePair]
    }
  }
}
