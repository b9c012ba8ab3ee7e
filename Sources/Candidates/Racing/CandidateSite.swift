import AddonMemory
import Addons
import CCandidate
import RaceLoops
import RaceModel
import Recording

/// The functions of racers that share an object, and what is known of that object. One at a time in a process: the code has
/// no argument that says whose it is.
struct RacedFunctions {
  /// By role.
  let visits: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let setUp: UnsafeMutableRawPointer
  let check: UnsafeMutableRawPointer
  let tearDown: UnsafeMutableRawPointer
  /// Bytes of the object.
  let size: Int
  /// The byte of the object at which it has a slot; -1 as long as none is known.
  var slot = -1
  /// The code has said so itself.
  var slotIsDeclared = false
  /// Every visit is followed by a look at the slot. Else one that has allocated once, and not freed that, is taken for the
  /// one that published: it costs nothing, and what is wrong shows all the same.
  var looksAtSlots = true

  /// By racer, each on lines of its own.
  let needs: UnsafeMutablePointer<RacedNeeds>
  var creationAllocates = false
  /// Something that was allocated is reached from the program's data when a round is over: it outlives its object.
  var outlivesObjects = false

  nonisolated(unsafe) static var bound: UnsafeMutablePointer<RacedFunctions>!
}

/// What one racer's visits have shown of the code's needs. Only the racer writes it.
struct RacedNeeds {
  /// Bytes.
  var biggestAllocation = 0
  var mostAllocations = 0
  /// By role: it has allocated.
  var allocates: UInt64 = 0
  /// Calls that the visit has left to a grace period.
  var deferred = 0
  private var rest: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

/// What a racer does: the number of its function.
struct CandidateRole: SiteRole {
  let rawValue: UInt8
  init?(rawValue: UInt8) { self.rawValue = rawValue }
  static var allCases: [CandidateRole] { (0..<UInt8.max).compactMap(CandidateRole.init) }
  var name: String { "\(rawValue)" }
  var sentence: String { "" }
  var looksOnly: Bool { false }
}

/// Racers that somebody brought, as a site: the object is the inode, and a visit is a call of their function.
///
/// What became of a slot is read when the function has returned: nobody sees how the code works on it.
enum CandidateSite: Site {
  typealias Role = CandidateRole
  static let about = SiteDescription(
    "code", "Code that was brought.", source: "", slots: ["slot"], ownStrategy: "code", racers: [],
    domains: [.rcu, .sleepable, .trace])
  static let strategy = StrategyDescription("code", "As it is.", rightIn: Set(MemoryModel.allCases))
  static var inodeSize: Int { 8 }
  static var biggestAddon: Int { SiteLimits.largestAddon }
  static var allocationsPerVisit: Int { 1 }

  private static var functions: UnsafeMutablePointer<RacedFunctions> {
    @inline(__always) get { RacedFunctions.bound.unsafelyUnwrapped }
  }

  /// All of it is generic over memories, and there is but one that code can be raced in.
  @inline(__always) private static func raced<M: Memory>(_ memory: M) -> RacedMemory {
    precondition(M.self == RacedMemory.self)
    return unsafeBitCast(memory, to: RacedMemory.self)
  }

  @inline(__always)
  private static func call(
    _ function: UnsafeMutableRawPointer, _ inode: Inode, _ memory: RacedMemory
  ) -> ccandidate_visited {
    ccandidate_make_visit(function, inode.address, memory.state, memory.entry, memory.fiber, memory.inode)
  }

  @inline(__always) static func create<M: Memory>(_ inode: Inode, in memory: M) {
    let memory = raced(memory)
    if call(functions.pointee.setUp, inode, memory).allocations > 0 { functions.pointee.creationAllocates = true }
  }

  @inline(__always) static func visit<M: Memory>(_ inode: Inode, as role: CandidateRole, in memory: M) {
    let memory = raced(memory)
    let visited = call(functions.pointee.visits[Int(role.rawValue)], inode, memory)
    CandidateServer.finishDeferred(memory)
    let number = Int(visited.first_allocation)
    if visited.allocations == 1, number >= 0, !functions.pointee.looksAtSlots {
      // The slot's line may be the other racer's by now: what became of the allocation says enough.
      guard memory.state.pointee.isAlive(number) else { return memory.report(.success(nil)) }
      return published(memory.address(of: number), in: memory)
    }
    look(at: inode, visited.allocations, role, in: memory)
  }

  @inline(__always) private static func published(_ addon: Addon, in memory: RacedMemory) {
    memory.notePublication(of: addon)
    memory.report(.success(addon))
  }

  /// What the slot shows right after a visit.
  @inline(never)
  private static func look(at inode: Inode, _ allocations: UInt32, _ role: CandidateRole, in memory: RacedMemory) {
    let needs = functions.pointee.needs + memory.racer
    if allocations > needs.pointee.mostAllocations { needs.pointee.mostAllocations = Int(allocations) }
    if allocations > 0 { needs.pointee.allocates |= 1 << UInt64(role.rawValue & 63) }
    let slot = functions.pointee.slot
    if slot < 0 { return }
    // Low bits of a pointer are often marks.
    let bits = memory.load(Word64(inode.address &+ UInt(slot)), .relaxed) & ~7
    if bits == 0 {
      if allocations == 0 { memory.report(.absent) }
      return
    }
    let addon = Addon(address: UInt(bits))
    guard allocations > 0, let number = memory.poolNumber(of: addon),
      LedgerEntry.inode(memory.state.pointee.ledger[number]) == memory.inode
    else { return memory.report(.success(addon)) }
    if allocations > 1 { link(number, in: memory) }
    published(addon, in: memory)
  }

  /// What hangs off an allocation that its visit has published belongs to it.
  @inline(never) private static func link(_ number: Int, in memory: RacedMemory) {
    let state = memory.state
    let words = LedgerEntry.words(state.pointee.ledger[number])
    let block = UnsafePointer<UInt>(bitPattern: memory.address(of: number).address)
    guard let block else { return }
    for word in 0..<words {
      guard let other = memory.poolNumber(of: Addon(address: block[word])), other != number else { continue }
      let entry = state.pointee.ledger[other]
      guard LedgerEntry.inode(entry) == memory.inode, LedgerEntry.links(entry) == 0 else { continue }
      LedgerEntry.addLink(&state.pointee.ledger[other])
      link(other, in: memory)
    }
  }

  @inline(__always) static func inspect<M: Memory>(_ inode: Inode, in memory: M) {
    let memory = raced(memory)
    _ = call(functions.pointee.check, inode, memory)
    if memory.state.pointee.phase == .inspecting { ReachedBlocks(memory).note(from: inode, functions) }
    let slot = functions.pointee.slot
    guard slot >= 0 else { return }
    let bits = memory.load(Word64(inode.address &+ UInt(slot)), .relaxed) & ~7
    memory.slotShows(Addon(bits: bits), slot: 0)
  }

  /// The object is as it was before its set-up, and then as after it.
  @inline(__always) static func tearDown<M: Memory>(_ inode: Inode, in memory: M) {
    let memory = raced(memory)
    _ = call(functions.pointee.tearDown, inode, memory)
    if memory.state.pointee.phase == .sweeping {
      ReachedBlocks(memory).freeOwn(from: inode, functions.pointee.size)
    } else {
      ReachedBlocks(memory).free(from: inode, functions.pointee.size)
    }
    UnsafeMutableRawPointer(bitPattern: inode.address)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: functions.pointee.size)
    if memory.state.pointee.phase == .sweeping { _ = call(functions.pointee.setUp, inode, memory) }
  }
}

extension RacedMemory {
  /// Of an allocation of this racer's pool.
  @inline(__always) fileprivate func address(of number: Int) -> Addon {
    Addon(address: state.pointee.blocks &+ UInt(bitPattern: number) &<< state.pointee.blockShift)
  }
}

extension ReadDomain {
  /// SRCU's, as far as a race tells its domains apart: it does not.
  static let sleepable = ReadDomain(named: "srcu", maySleep: true)
  /// Tasks trace RCU's.
  static let trace = ReadDomain(named: "tasks-trace", maySleep: true)
}

/// Allocations of a round that are found from an object, at quiescence: whoever looks does so alone.
struct ReachedBlocks {
  private let memory: RacedMemory

  init(_ memory: RacedMemory) { self.memory = memory }

  private var round: UnsafeMutablePointer<RoundState> { memory.state.pointee.round }

  /// Whose pool a value points into, and the number of the allocation there, if it is alive.
  private func alive(_ value: UInt) -> (state: UnsafeMutablePointer<RacerState>, number: Int)? {
    for racer in 0..<round.pointee.racerCount {
      let pool = round.pointee.pools[racer]
      guard value &- pool.start < pool.bytes else { continue }
      let state = round.pointee.states[racer]
      let number = Int((value - pool.start) >> state.pointee.blockShift)
      return number < state.pointee.next && state.pointee.isAlive(number) ? (state, number) : nil
    }
    return nil
  }

  /// Calls `body` with each value that a piece of memory has.
  private func forEachWord(at address: UInt, bytes: Int, _ body: (UInt) -> Void) {
    var place = (address + 7) & ~7
    while place + 8 <= address + UInt(bytes) {
      if let word = UnsafePointer<UInt>(bitPattern: place) { body(word.pointee) }
      place += 8
    }
  }

  private func start(_ state: UnsafeMutablePointer<RacerState>, _ number: Int) -> UInt {
    state.pointee.blocks + UInt(number) << state.pointee.blockShift
  }

  /// Tells of all that an object reaches; finds out where its slot is, if that is not known.
  func note(from inode: Inode, _ functions: UnsafeMutablePointer<RacedFunctions>) {
    if round.pointee.inode(0) == inode, !functions.pointee.outlivesObjects {
      functions.pointee.outlivesObjects = CandidateServer.dataReaches { alive($0) != nil }
    }
    var seen: Set<UInt> = []
    note(at: inode.address, bytes: functions.pointee.size, &seen) { offset in
      if functions.pointee.slot < 0 { functions.pointee.slot = offset }
    }
  }

  private func note(at address: UInt, bytes: Int, _ seen: inout Set<UInt>, _ found: (Int) -> Void) {
    var values: [(UInt, offset: Int)] = []
    var offset = Int((address + 7) & ~7 - address)
    forEachWord(at: address, bytes: bytes) {
      values.append(($0, offset))
      offset += 8
    }
    for (value, offset) in values {
      guard let (state, number) = alive(value & ~7) else { continue }
      found(offset)
      let block = start(state, number)
      guard seen.insert(block).inserted else { continue }
      memory.ownedByVisibleAddon(Addon(address: block))
      note(at: block, bytes: LedgerEntry.words(state.pointee.ledger[number]) * 8, &seen) { _ in }
    }
  }

  /// Frees what is reached and alive, on behalf of code that has no teardown for it.
  func free(from inode: Inode, _ size: Int) {
    var values: [UInt] = []
    forEachWord(at: inode.address, bytes: size) { values.append($0 & ~7) }
    while let value = values.popLast() {
      guard let (state, number) = alive(value) else { continue }
      let block = start(state, number)
      forEachWord(at: block, bytes: LedgerEntry.words(state.pointee.ledger[number]) * 8) { values.append($0 & ~7) }
      memory.free(Addon(address: block))
    }
  }

  /// The same for what the racer itself has allocated: others do the same at that time.
  @inline(__always) func freeOwn(from inode: Inode, _ size: Int) {
    var offset = 0
    while offset + 8 <= size {
      let value = UnsafePointer<UInt>(bitPattern: inode.address + UInt(offset)).unsafelyUnwrapped.pointee & ~7
      if let number = memory.poolNumber(of: Addon(address: value)), memory.state.pointee.isAlive(number) {
        freeOwn(number)
      }
      offset += 8
    }
  }

  @inline(never) private func freeOwn(_ number: Int) {
    let block = start(memory.state, number)
    let bytes = LedgerEntry.words(memory.state.pointee.ledger[number]) * 8
    memory.free(Addon(address: block))
    forEachWord(at: block, bytes: bytes) { value in
      if let other = memory.poolNumber(of: Addon(address: value & ~7)), memory.state.pointee.isAlive(other) {
        freeOwn(other)
      }
    }
  }
}
