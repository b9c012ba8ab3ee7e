import CCandidate
import ExploreCore
import RaceModel

/// What a candidate's hooks know, for as long as one exploration runs. One at a time in a process: hooks have no argument
/// that says whose they are.
///
/// Unsafe: belongs to the `CandidateProgram`. Fibers that use it are dropped in the middle, so it is reached through a
/// pointer, and what it has that is no trivial value is touched only in between.
struct CandidateState {
  let execution: Execution
  let room: Int
  /// In the kernel's model a sequentially consistent access is one between two full barriers.
  let hasKernelsOrderings: Bool
  /// By racer.
  let threads: UnsafeMutablePointer<CandidateThread>
  /// Numbers of threads, by who started them and how many that one had started before: the same in every execution. 0: none
  /// was started there yet.
  let numbers: UnsafeMutablePointer<Int32>
  var threadCount = 1
  /// The block of thread-local storage of racer 0; those of others follow.
  let storage: UInt
  let storageStride: Int
  /// Words of read-side sections: by domain, then by racer.
  let sectionWords: UInt
  /// Of these the first may be in sections.
  let readers: Int
  var domains: [UInt] = []
  /// That the program has declared.
  var slots: [(address: UInt, name: String)] = []
  var idleTurns: IdleTurns
  /// Where a compare-exchange is the first try of a lock.
  var lockSites = LockSites()
  /// What ends the exploration.
  var refusal: String?
  var wantsRoom = false
  /// The program ended by itself, before all of its threads.
  var hasExited = false
  /// Whose code allocates, by where it is.
  let allocators: Allocators

  /// The one whose hooks are bound.
  nonisolated(unsafe) static var bound: UnsafeMutablePointer<CandidateState>!
}

/// Tells the user's code from what comes compiled, by where an allocation is called for.
final class Allocators {
  private let object: CandidateObject
  private var known: [UInt: Bool] = [:]
  /// At its hash: the last place that was asked about, and the answer in its lowest bit's stead.
  private let recent: UnsafeMutablePointer<(pc: UInt, answer: Bool)>
  private static let recentCount = 64

  init(_ object: CandidateObject) {
    self.object = object
    recent = .allocate(capacity: Self.recentCount)
    recent.initialize(repeating: (0, false), count: Self.recentCount)
  }

  deinit { recent.deallocate() }

  /// Whether what is done to a block that is allocated here is told, all of it.
  func areInstrumented(at pc: UInt) -> Bool {
    let place = recent + Int((pc ^ pc >> 6) % UInt(Self.recentCount))
    if place.pointee.pc == pc { return place.pointee.answer }
    let answer = known[pc] ?? object.isUsers(pc)
    known[pc] = answer
    place.pointee = (pc, answer)
    return answer
  }
}

/// Places in the program, of which most have none. A trivial value.
struct LockSites {
  private typealias Places = (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt)
  private var places: Places = (0, 0, 0, 0, 0, 0, 0, 0)
  private var count = 0

  @inline(__always) func contains(_ pc: UInt) -> Bool {
    if count == 0 { return false }
    return withUnsafeBytes(of: places) { $0.assumingMemoryBound(to: UInt.self).prefix(count).contains(pc) }
  }

  /// Those beyond the first eight stay what they are, which only makes more executions.
  mutating func insert(_ pc: UInt) {
    if contains(pc) || count == MemoryLayout<Places>.size / MemoryLayout<UInt>.size { return }
    let index = count
    withUnsafeMutableBytes(of: &places) { $0.assumingMemoryBound(to: UInt.self)[index] = pc }
    count += 1
  }
}

/// One thread of a candidate, in one execution. A trivial value.
struct CandidateThread {
  var body: UnsafeMutableRawPointer?
  var argument: UnsafeMutableRawPointer?
  var result: UnsafeMutableRawPointer?
  /// Where its last compare-exchange is.
  var lastCompareExchange: UInt = 0
  /// Threads that it has started.
  var started = 0
  /// How deep it is in sections, by domain.
  var depths = (0, 0, 0, 0)
  var sections = (0, 0, 0, 0)
  /// Spinlocks that it holds, and sections of RCU that it is in.
  var atomicDepth = 0
  /// Taken so far.
  var isWeakUpdate = false
}
