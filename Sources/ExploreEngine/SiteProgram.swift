import AddonMemory
import Addons
import RaceModel

/// A site of the catalog with the types gone: each function is specialised for its site, strategy and `ExploredMemory`
/// where `init` is called. (A generic class would run unspecialised code.)
///
/// There is one for each entry of the catalog, for ever: a fiber that is dropped in the middle of a visit keeps its
/// closure alive. Safe to share, since the closures capture nothing but types.
struct SiteCode: @unchecked Sendable {
  static let all: [SiteCode] = {
    var collector = Collector()
    Catalog.visitAll(&collector)
    return collector.all
  }()

  private struct Collector: CatalogVisitor {
    var all: [SiteCode] = []
    mutating func visit<S: Site>(_ site: S.Type) { all.append(SiteCode(site)) }
  }

  let about: SiteDescription
  let strategy: StrategyDescription
  let roles: [String]
  let inodeSize: Int
  let sharedSize: Int
  let slotCount: Int
  let biggestAddon: Int
  let allocationsPerVisit: Int
  let deferredFreesPerVisit: Int
  let keepsHistory: Bool
  let createShared: (UInt, ExploredMemory) -> Void
  let create: (Inode, ExploredMemory) -> Void
  /// The role by its number.
  let visit: (Inode, UInt8, ExploredMemory) -> Void
  /// The same, slowly, where it has to be known which line is run.
  let visitWithLines: (Inode, UInt8, ExploredMemory) -> Void
  let inspect: (Inode, ExploredMemory) -> Void
  let inspectShared: (UInt, ExploredMemory) -> Void
  let tearDown: (Inode, ExploredMemory) -> Void

  @inline(__always) init<S: Site>(_ site: S.Type) {
    about = S.about
    strategy = S.strategy
    roles = S.Role.allCases.map(\.name)
    inodeSize = S.inodeSize
    sharedSize = S.sharedSize
    slotCount = S.slotCount
    biggestAddon = S.biggestAddon
    allocationsPerVisit = S.allocationsPerVisit
    deferredFreesPerVisit = S.deferredFreesPerVisit
    keepsHistory = S.keepsHistory
    createShared = { S.createShared(at: $0, in: $1) }
    create = { S.create($0, in: $1) }
    visit = { inode, role, memory in
      if let role = S.Role(rawValue: role) { S.visit(inode, as: role, in: memory) }
    }
    visitWithLines = { inode, role, memory in
      if let role = S.Role(rawValue: role) { UnspecialisedVisit.visit(site, inode, as: role, in: memory) }
    }
    inspect = { S.inspect($0, in: $1) }
    inspectShared = { S.inspectShared(at: $0, in: $1) }
    tearDown = { S.tearDown($0, in: $1) }
  }
}

/// A site of the catalog as the core runs it: each racer visits every inode once, in order. Where visits leave frees to
/// grace periods, each such free is done by a racer of its own.
final class SiteProgram: ExploredProgram {
  let site: UnsafeMutablePointer<SiteState>
  let code: SiteCode
  private let scenario: Scenario
  private let inodeCount: Int
  /// The scenario's racers; those that free what they leave come after them.
  let visitorCount: Int
  private var inodeStride: Int { (code.inodeSize + 15) / 16 * 16 }
  private var logCount: Int { visitorCount * inodeCount * code.slotCount }
  private var deferralsPerVisitor: Int { code.deferredFreesPerVisit * inodeCount }
  private var sectionCount: Int { ReadDomain.count * visitorCount }

  init(_ code: SiteCode, _ scenario: Scenario) {
    self.code = code
    self.scenario = scenario
    let names = scenario.exploredRoles
    inodeCount = scenario.explore.inodes
    visitorCount = names.count
    let perRacer = max(1, code.allocationsPerVisit + 1) * inodeCount
    let deferrals = code.deferredFreesPerVisit * inodeCount
    let behind = names.count * deferrals
    let hiddenWords = names.count * ReadDomain.count + behind
    site = .allocate(capacity: 1)
    super.init(
      racerCount: names.count + behind,
      layout: Layout(
        staticSize: 16 + (code.inodeSize + 15) / 16 * 16 * scenario.explore.inodes + (code.sharedSize + 7) / 8 * 8
          + 8 * hiddenWords,
        largestBlock: code.biggestAddon, blocksPerRacer: perRacer),
      twins: names.indices.map { $0 > 0 && names[$0] == names[$0 - 1] ? $0 - 1 : -1 }
        + Array(repeating: -1, count: behind))
    let logs = UnsafeMutablePointer<UInt64>.allocate(capacity: logCount)
    let numbers = UnsafeMutablePointer<UInt8>.allocate(capacity: visitorCount)
    for (racer, name) in names.enumerated() { numbers[racer] = UInt8(code.roles.firstIndex(of: name) ?? 0) }
    let callersSections = UnsafeMutablePointer<ReadDomain?>.allocate(capacity: visitorCount)
    for (racer, name) in names.enumerated() { callersSections[racer] = scenario.readSections[name] }
    let finals = UnsafeMutablePointer<UInt64>.allocate(capacity: inodeCount * code.slotCount)
    site.initialize(
      to: SiteState(
        inodeCount: inodeCount, slotCount: code.slotCount, racerCount: visitorCount, logs: logs, roles: numbers,
        callersSections: callersSections, locksHeld: .allocate(capacity: racerCount + 1), finals: finals,
        depths: .allocate(capacity: ReadDomain.count * visitorCount),
        sections: .allocate(capacity: ReadDomain.count * visitorCount), deferralsPerRacer: deferrals,
        deferred: .allocate(capacity: visitorCount * deferrals), deferredCounts: .allocate(capacity: visitorCount),
        slotAddresses: .allocate(capacity: inodeCount * code.slotCount),
        visitStarts: .allocate(capacity: visitorCount * (inodeCount + 1))))
  }

  deinit {
    site.pointee.logs.deallocate()
    site.pointee.roles.deallocate()
    site.pointee.callersSections.deallocate()
    site.pointee.locksHeld.deallocate()
    site.pointee.finals.deallocate()
    site.pointee.depths.deallocate()
    site.pointee.sections.deallocate()
    site.pointee.deferred.deallocate()
    site.pointee.deferredCounts.deallocate()
    site.pointee.slotAddresses.deallocate()
    site.pointee.visitStarts.deallocate()
    site.deinitialize(count: 1)
    site.deallocate()
  }

  // MARK: The race

  /// The inode (nil: the shared area) and the byte of an address that existed from the start.
  func place(of address: UInt) -> (inode: Int?, offset: Int)? {
    let offset = Int(bitPattern: address &- base) - 16
    guard offset >= 0, offset < inodeCount * inodeStride + code.sharedSize else { return nil }
    let inode = offset / inodeStride
    return inode < inodeCount ? (inode, offset % inodeStride) : (nil, offset - inodeCount * inodeStride)
  }

  private func inode(_ number: Int) -> Inode {
    Inode(address: base + UInt(16 + number * inodeStride), shared: code.sharedSize > 0 ? shared : 0)
  }
  private var shared: UInt { base + UInt(16 + inodeCount * inodeStride) }
  /// What the harness itself keeps: read-side sections, then what is left to grace periods.
  private var hidden: UInt { shared + UInt((code.sharedSize + 7) / 8 * 8) }
  private func memory(_ inode: Int) -> ExploredMemory {
    ExploredMemory(execution, site, racer: racerCount, inode: inode)
  }

  override func prepare() {
    site.pointee.logs.initialize(repeating: 0, count: logCount)
    site.pointee.locksHeld.initialize(repeating: 0, count: racerCount + 1)
    site.pointee.finals.initialize(repeating: 0, count: inodeCount * code.slotCount)
    if !site.pointee.observations.isEmpty { site.pointee.observations.removeAll() }
    if !site.pointee.links.isEmpty { site.pointee.links.removeAll() }
    if !site.pointee.hanging.isEmpty { site.pointee.hanging.removeAll(keepingCapacity: true) }
    if !site.pointee.badFrees.isEmpty { site.pointee.badFrees.removeAll() }
    if !site.pointee.history.isEmpty { site.pointee.history.removeAll(keepingCapacity: true) }
    site.pointee.slotAddresses.initialize(repeating: 0, count: inodeCount * code.slotCount)
    prepareGracePeriods()
    site.pointee.phase = .creating
    if code.sharedSize > 0 { code.createShared(shared, memory(0)) }
    for number in 0..<inodeCount { code.create(inode(number), memory(number)) }
    site.pointee.phase = .visiting
  }

  private func prepareGracePeriods() {
    site.pointee.depths.initialize(repeating: 0, count: sectionCount)
    site.pointee.sections.initialize(repeating: 0, count: sectionCount)
    site.pointee.deferredCounts.initialize(repeating: 0, count: visitorCount)
    site.pointee.sectionWords = hidden
    site.pointee.deferralWords = hidden + UInt(8 * sectionCount)
    for number in 0..<visitorCount * deferralsPerVisitor {
      execution.state.pointee.space.write(site.pointee.deferralWords + UInt(8 * number), 8, SiteState.isUnknown)
    }
  }

  override func name(of racer: Int) -> String {
    racer < visitorCount ? "racer \(racer)" : "what racer \(visitor(behind: racer)) leaves to a grace period"
  }

  /// Whose deferred free a racer beyond the scenario's own does.
  private func visitor(behind racer: Int) -> Int { (racer - visitorCount) / deferralsPerVisitor }

  /// The roles of all racers, those behind the scenario's own included.
  var roleNames: [String] {
    let names = scenario.exploredRoles
    return names + (visitorCount..<racerCount).map { "frees for racer \(visitor(behind: $0))" }
  }

  override func race(_ racer: Int) {
    if racer >= visitorCount {
      return ExploredMemory(execution, site, racer: racer, inode: 0).freeDeferred(number: racer - visitorCount)
    }
    let role = site.pointee.roles[racer]
    let section = site.pointee.callersSections[racer]
    var number = 0
    while number < site.pointee.inodeCount {
      let memory = ExploredMemory(execution, site, racer: racer, inode: number)
      noteVisit(racer, number)
      if let section { memory.enterReadSection(section) }
      if execution.state.pointee.trace == nil {
        code.visit(inode(number), role, memory)
      } else {
        code.visitWithLines(inode(number), role, memory)
      }
      if let section { memory.leaveReadSection(section) }
      number += 1
    }
    noteVisit(racer, number)
    if site.pointee.deferralsPerRacer > 0 { ExploredMemory(execution, site, racer: racer, inode: 0).endDeferring() }
  }

  /// A visit begins, and the one before it has ended.
  private func noteVisit(_ racer: Int, _ inode: Int) {
    site.pointee.visitStarts[racer * (site.pointee.inodeCount + 1) + inode] =
      execution.state.pointee.racers[racer].done
  }

  /// The events of a visit. Nil where it had none.
  private func visit(of racer: Int, to inode: Int) -> (first: Int, last: Int)? {
    let starts = site.pointee.visitStarts + (racer * (inodeCount + 1) + inode)
    let graph = execution.graph.pointee
    guard starts[1] > starts[0], let first = graph.event(of: racer, at: starts[0]),
      let last = graph.event(of: racer, at: starts[1] - 1)
    else { return nil }
    return (first, last)
  }

  // MARK: Afterwards

  /// Looks at the end of an execution. Answers the evidence where it is out of the ordinary, or asked for.
  func conclude(inFull: Bool) -> Evidence? {
    guard execution.state.pointee.end == .complete else { return incompleteEvidence() }
    site.pointee.phase = .inspecting
    for number in 0..<inodeCount { code.inspect(inode(number), memory(number)) }
    if code.sharedSize > 0 { code.inspectShared(shared, memory(0)) }
    site.pointee.phase = .clearing
    for number in 0..<inodeCount where !showsStranger(number) { code.tearDown(inode(number), memory(number)) }
    return inFull || !isOrdinary ? evidence() : nil
  }

  private func showsStranger(_ inode: Int) -> Bool {
    (0..<code.slotCount).contains { slot in
      let bits = site.pointee.finals[inode * code.slotCount + slot]
      return bits != 0 && site.pointee.block(of: UInt(bits), execution) == nil
    }
  }

  /// Whether every visit found, won or lost, all were told the same, and each allocation was published and torn down,
  /// or freed by its own visit, and nobody had success with a slot that stayed NULL: nothing that a checker would report.
  private var isOrdinary: Bool {
    guard code.slotCount == 1, code.sharedSize == 0, !code.about.eager, !code.keepsHistory,
      site.pointee.observations.isEmpty,
      site.pointee.badFrees.isEmpty, execution.state.pointee.mishaps.isEmpty
    else { return false }
    var irregularity: UInt64 = 0
    for inode in 0..<inodeCount {
      var told = site.pointee.finals[inode]
      let isPopulated = told != 0
      for racer in 0..<visitorCount {
        let word = site.pointee.logs[racer * inodeCount + inode]
        irregularity |= LogWord.irregularity(word, told: &told)
        if !isPopulated { irregularity |= word & LogWord.success }
      }
    }
    let state = execution.state
    for racer in 0..<racerCount {
      let first = state.pointee.space.firstBlock(of: racer)
      for block in first..<first + state.pointee.racers[racer].nextBlock {
        irregularity |= LedgerEntry.irregularity(state.pointee.blocks[block].note)
      }
    }
    return irregularity == 0
  }
}

// MARK: Evidence

extension SiteProgram {
  private func evidence() -> Evidence {
    var evidence = emptyEvidence()
    let numbers = allocationNumbers()
    addOperations(to: &evidence, numbers)
    for index in 0..<inodeCount * code.slotCount {
      let bits = site.pointee.finals[index]
      if bits != 0 {
        evidence.finals[index] = number(of: UInt(bits), numbers).map { .allocation($0) } ?? .stranger(bits)
      }
    }
    for index in evidence.operations.indices where evidence.operations[index].populatedWhenRefused {
      let operation = evidence.operations[index]
      evidence.operations[index].populatedWhenRefused =
        evidence.final(inode: operation.inode, slot: operation.slot) != .empty
    }
    addAllocations(to: &evidence, numbers)
    addObservations(to: &evidence, numbers)
    addHistory(to: &evidence, numbers)
    return evidence
  }

  /// Of an execution that did not come to its end: what was seen on the way, and no more.
  private func incompleteEvidence() -> Evidence {
    var evidence = emptyEvidence()
    addObservations(to: &evidence, allocationNumbers())
    for index in evidence.observations.indices { evidence.observations[index].allocation = nil }
    for index in evidence.mishaps.indices { evidence.mishaps[index].allocation = nil }
    return evidence
  }

  private func emptyEvidence() -> Evidence {
    var evidence = Evidence()
    evidence.slots = code.about.slots
    evidence.eager = code.about.eager
    evidence.looksAgainAfterFailure = code.strategy.looksAgainAfterFailure
    evidence.roles = roleNames
    evidence.keepsHistory = code.keepsHistory
    evidence.inodeCount = inodeCount
    evidence.finals = Array(repeating: .empty, count: inodeCount * code.slotCount)
    return evidence
  }

  /// The number of the first allocation of each racer, and of nobody's.
  private func allocationNumbers() -> [Int] {
    var first = 0
    return (0...racerCount).map { racer in
      defer { first += execution.state.pointee.racers[racer].nextBlock }
      return first
    }
  }

  private func number(ofBlock block: Int, _ firsts: [Int]) -> Int? {
    let space = execution.state.pointee.space
    guard let owner = space.owner(ofBlock: block), execution.state.pointee.blocks[block].state != .unused else {
      return nil
    }
    return firsts[owner] + block - space.firstBlock(of: owner)
  }

  private func number(of address: UInt, _ firsts: [Int]) -> Int? {
    site.pointee.block(of: address, execution).flatMap { number(ofBlock: $0, firsts) }
  }

  private func addOperations(to evidence: inout Evidence, _ firsts: [Int]) {
    for inode in 0..<inodeCount {
      for slot in 0..<code.slotCount {
        for racer in 0..<visitorCount {
          let word = site.pointee.logs[(racer * inodeCount + inode) * code.slotCount + slot]
          let operation = Operation(word, racer: racer, inode: inode, slot: slot) { number(of: $0, firsts) }
          guard var operation else { continue }
          if word & LogWord.address != 0 {
            operation.returnedWasInSlot = wasInSlot(word & LogWord.address, racer: racer, inode: inode, slot: slot)
          }
          evidence.operations.append(operation)
        }
      }
    }
  }

  private func addAllocations(to evidence: inout Evidence, _ firsts: [Int]) {
    let state = execution.state
    for racer in 0...racerCount {
      let first = state.pointee.space.firstBlock(of: racer)
      for number in first..<first + state.pointee.racers[racer].nextBlock {
        let block = state.pointee.blocks[number]
        evidence.allocations.append(Allocation(block.note, racer: racer < racerCount ? racer : 0))
      }
    }
    for link in site.pointee.links {
      if let number = number(of: link, firsts) { evidence.allocations[number].links += 1 }
    }
    for address in site.pointee.hanging {
      if let number = number(of: address, firsts) { evidence.allocations[number].hangs = true }
    }
    evidence.badFrees = site.pointee.badFrees
  }

  private func addHistory(to evidence: inout Evidence, _ firsts: [Int]) {
    guard !site.pointee.history.isEmpty else { return }
    evidence.setHistory(
      site.pointee.history.map { operation in
        HistoryEntry(
          racer: operation.racer, inode: operation.inode, slot: operation.slot, kind: operation.kind,
          allocation: operation.address == 0 ? nil : number(of: operation.address, firsts), begin: operation.begin,
          end: operation.end)
      })
    let history = evidence.history
    let graph = execution.graph.pointee
    let firstsOf = history.map { graph.event(of: $0.racer, at: Int32($0.begin)) }
    let lastsOf = history.map { $0.end > $0.begin ? graph.event(of: $0.racer, at: Int32($0.end) - 1) : nil }
    evidence.precedence = lastsOf.map { last in
      firstsOf.map { first in
        guard let last, let first else { return false }
        return graph.happensBefore(first).covers(graph.events[last])
      }
    }
  }

  private func addObservations(to evidence: inout Evidence, _ firsts: [Int]) {
    let space = execution.state.pointee.space
    for raw in site.pointee.observations {
      let moment: Observation.Moment =
        switch raw.phase {
        case .visiting, .creating: .visit(racer: raw.racer, inode: raw.inode)
        case .inspecting: .quiescence(inode: raw.inode)
        case .clearing: .teardown(inode: raw.inode)
        }
      let block = raw.address == 0 ? -1 : space.block(of: raw.address)
      evidence.observations.append(
        Observation(
          expectation: raw.expectation, moment: moment, seen: space.portable(raw.seen),
          expected: space.portable(raw.expected),
          allocation: block < 0 ? nil : number(ofBlock: block, firsts)))
    }
    evidence.mishaps = execution.state.pointee.mishaps
    for index in evidence.mishaps.indices {
      if let block = evidence.mishaps[index].block {
        evidence.mishaps[index].allocation = number(ofBlock: block, firsts)
        evidence.mishaps[index].inode = Int(LedgerEntry.inode(execution.state.pointee.blocks[block].note))
      }
    }
  }
}

// MARK: What was in a slot, and when

extension SiteProgram {
  /// Whether a slot held an address at some moment of a racer's visit. Nil where nobody looked at the slot, or it
  /// lies in several places in turn.
  private func wasInSlot(_ bits: UInt64, racer: Int, inode: Int, slot: Int) -> Bool? {
    let address = site.pointee.slotAddresses[inode * code.slotCount + slot]
    guard address != 0, address != SiteState.isMoving,
      let location = execution.state.pointee.space.knownLocation(at: address, size: 8),
      let visit = visit(of: racer, to: inode)
    else { return nil }
    let graph = execution.graph.pointee
    if execution.state.pointee.space.read(address, 8) == bits, Int(location) >= graph.locationCount { return true }
    var write = Int(location) < graph.locationCount ? graph.heads[Int(location)].firstWrite : -1
    while write >= 0 {
      let event = graph.events[Int(write)]
      let isOverwrittenBefore =
        event.later >= 0 && Int(event.later) != visit.first
        && graph.happensBefore(visit.first).covers(graph.events[Int(event.later)])
      let comesAfter = graph.happensBefore(Int(write)).covers(graph.events[visit.last]) && Int(write) != visit.last
      if event.value == bits, !isOverwrittenBefore, !comesAfter { return true }
      write = event.later
    }
    return code.about.eager ? nil : false
  }
}

extension SiteProgram {
  /// Whether a word only says that a racer leaves nothing more to grace periods.
  func isEndOfDeferring(_ address: UInt, _ value: UInt64) -> Bool {
    address >= site.pointee.deferralWords && value == SiteState.isNone && hiddenName(of: address) != nil
  }

  /// What a word is that the harness itself keeps.
  func hiddenName(of address: UInt) -> String? {
    let word = Int(bitPattern: address &- hidden) / 8
    guard address >= hidden, word < sectionCount + visitorCount * deferralsPerVisitor else { return nil }
    if word < sectionCount { return "racer \(word % visitorCount)'s sections" }
    return "what racer \((word - sectionCount) / deferralsPerVisitor) leaves to free"
  }
}
