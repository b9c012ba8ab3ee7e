import AddonMemory
import CBaseline
import CThreads
import Histogram

/// What is measured against others: a strategy of the catalog, or the same by hand in C11.
struct Contestant {
  let name: String
  /// Every inode, so many times over, by one racer.
  let visit: (_ racer: Int, _ passes: Int) -> Void
  /// Every inode once, each visit timed; nil where single visits cannot be.
  let timedVisit: ((_ racer: Int, inout Histogram<UInt64>) -> Void)?
  /// The first so many inodes, once, by one racer.
  let visitFirst: (_ count: Int) -> Void
  /// Before anyone visits.
  let create: () -> Void
  /// What hangs off the inodes goes.
  let empty: () -> Void

  /// A strategy at its site. Allocations are counted by racer.
  init(_ code: BenchCode, named name: String, role: UInt8, area: BenchArea, counts: AllocationCounts) {
    self.name = name
    visit = { racer, passes in code.visit(area, role, passes, counts.memory(racer)) }
    timedVisit = { racer, histogram in code.timedVisit(area, role, counts.memory(racer), &histogram) }
    visitFirst = { count in
      var part = area
      part.count = count
      code.visit(part, role, 1, counts.memory(0))
    }
    create = { code.create(area, HardwareMemory(racer: 0)) }
    empty = { code.tearDown(area, HardwareMemory(racer: 0)) }
  }

  static let referenceName = "C11 by hand"

  /// The slot is every inode's first word.
  init(referenceOf size: Int, area: BenchArea, counts: AllocationCounts) {
    name = Self.referenceName
    let inodes = UnsafeMutableRawPointer(bitPattern: area.base)!
    visit = { racer, passes in
      for _ in 0..<passes {
        counts.add(cbaseline_visit(inodes, Int(area.spacing), area.count, UInt32(size)), by: racer)
      }
    }
    timedVisit = nil
    visitFirst = { _ = cbaseline_visit(inodes, Int(area.spacing), $0, UInt32(size)) }
    create = {}
    empty = { cbaseline_empty(inodes, Int(area.spacing), area.count) }
  }
}

/// How many allocations each racer has made: on line pairs of their own.
final class AllocationCounts: @unchecked Sendable {
  private let counts: UnsafeMutablePointer<Int>
  private let racerCount: Int
  init(racerCount: Int) {
    self.racerCount = racerCount
    counts = .allocate(capacity: racerCount * 16)
    counts.initialize(repeating: 0, count: racerCount * 16)
  }
  deinit { counts.deallocate() }

  func memory(_ racer: Int) -> HardwareMemory { HardwareMemory(racer: racer, allocations: counts + racer * 16) }
  func add(_ count: Int, by racer: Int) { counts[racer * 16] += count }
  /// Since the last time that it was asked.
  func take() -> Int {
    var sum = 0
    for racer in 0..<racerCount {
      sum += counts[racer * 16]
      counts[racer * 16] = 0
    }
    return sum
  }
}
