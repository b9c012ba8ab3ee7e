import AddonMemory
import Addons
import ExploreCore
import RaceModel
import Recording

/// A site as the core runs it: each racer visits every inode once, in order. Where visits leave frees to grace periods,
/// each such free is done by a racer of its own.
final class SiteProgram: JudgedProgram {
  let facts: SubjectFacts
  let code: ExploredCode
  let site: UnsafeMutablePointer<SiteState>
  private let roles: [String]
  override var roleNames: [String] { roles }
  let inodeCount: Int
  /// The scenario's racers; those that free what they leave come after them.
  let visitorCount: Int
  private var limits: SiteLimits { facts.limits }
  private var deferralsPerVisitor: Int { limits.deferredFreesPerVisit * inodeCount }

  /// Static objects: the inodes, then the shared area, the words of read-side sections, those of deferred frees.
  private var sharedObject: Int { inodeCount }
  private var sectionsObject: Int { inodeCount + 1 }
  private var deferralsObject: Int { inodeCount + 2 }

  init(_ facts: SubjectFacts, _ code: ExploredCode, _ scenario: Scenario) throws(EngineError) {
    self.facts = facts
    self.code = code
    let names = scenario.exploredRoles
    let numbers = try facts.roleNumbers(of: names)
    inodeCount = scenario.explore.inodes
    visitorCount = names.count
    let deferrals = facts.limits.deferredFreesPerVisit * inodeCount
    let behind = names.count * deferrals
    roles = names + (0..<behind).map { "deferred free of racer \($0 / max(deferrals, 1))" }
    site = .allocate(capacity: 1)
    site.initialize(to: SiteState(facts, scenario, roles: numbers, everyRacer: names.count + behind))
    // Nobody's arena is for the creation and for the teardown.
    let blocks = max(inodeCount * facts.limits.allocationsPerVisit, 2 * site.pointee.creationCapacity, 1)
    var layout = AddressSpace.Layout(
      statics: Array(repeating: facts.limits.inodeSize, count: inodeCount)
        + [max(facts.limits.sharedSize, 8), 8 * site.pointee.sectionCount, 8 * max(behind, 1)])
    layout.blocksPerRacer = blocks
    layout.heapBytes = blocks * facts.limits.biggestAddon
    super.init(
      racerCount: names.count + behind, layout: layout,
      twins: names.indices.map { $0 > 0 && names[$0] == names[$0 - 1] ? $0 - 1 : -1 }
        + Array(repeating: -1, count: behind))
  }

  deinit {
    site.pointee.destroy()
    site.deinitialize(count: 1)
    site.deallocate()
  }

  private func inode(_ number: Int) -> Inode {
    Inode(address: address(ofStatic: number), shared: limits.sharedSize > 0 ? shared : 0)
  }
  private var shared: UInt { address(ofStatic: sharedObject) }
  private func memory(_ inode: Int) -> ExploredMemory {
    ExploredMemory(execution, site, racer: racerCount, inode: inode)
  }

  // MARK: The race

  override func prepare() {
    site.pointee.clear(everyRacer: racerCount)
    site.pointee.sectionWords = address(ofStatic: sectionsObject)
    site.pointee.deferralWords = address(ofStatic: deferralsObject)
    for number in 0..<visitorCount * deferralsPerVisitor {
      execution.space.write(site.pointee.deferralWords + UInt(8 * number), 8, SiteState.isUnknown)
    }
    site.pointee.phase = .clearing
    if limits.sharedSize > 0 { code.createShared(shared, memory(Int(LedgerEntry.noInode))) }
    for number in 0..<inodeCount { code.create(inode(number), memory(number)) }
    site.pointee.createdCount = execution.state.pointee.racers[racerCount].nextBlock
    site.pointee.phase = .visiting
  }

  override func name(of racer: Int) -> String {
    racer < visitorCount
      ? "racer \(racer)" : "the free that racer \(visitor(behind: racer)) left to a grace period"
  }

  /// Whose deferred free a racer beyond the scenario's own does.
  private func visitor(behind racer: Int) -> Int { (racer - visitorCount) / deferralsPerVisitor }

  override func race(_ racer: Int) {
    if racer >= visitorCount {
      return ExploredMemory(execution, site, racer: racer, inode: 0).freeDeferred(number: racer - visitorCount)
    }
    let execution = execution
    let role = site.pointee.roles[racer]
    let section = site.pointee.callersSections[racer]
    var number = 0
    while number < site.pointee.inodeCount {
      let memory = ExploredMemory(execution, site, racer: racer, inode: number)
      noteVisit(racer, number, at: execution)
      if let section { memory.enterReadSection(section) }
      if execution.state.pointee.trace == nil {
        code.visit(inode(number), role, memory)
      } else {
        code.visitWithLines(inode(number), role, memory)
      }
      if let section { memory.leaveReadSection(section) }
      number += 1
    }
    noteVisit(racer, number, at: execution)
    if site.pointee.deferralsPerRacer > 0 { ExploredMemory(execution, site, racer: racer, inode: 0).endDeferring() }
  }

  /// A visit begins, and the one before it has ended.
  private func noteVisit(_ racer: Int, _ inode: Int, at execution: Execution) {
    site.pointee.visitStarts[racer * (site.pointee.inodeCount + 1) + inode] =
      execution.state.pointee.racers[racer].done
    site.pointee.allocationsInVisit[racer] = 0
    site.pointee.deferredInVisit[racer] = 0
  }

  /// The events of a visit. Nil where it had none.
  func visit(of racer: Int, to inode: Int) -> (first: Int, last: Int)? {
    let starts = site.pointee.visitStarts + (racer * (inodeCount + 1) + inode)
    let graph = execution.graph.pointee
    guard starts[1] > starts[0], let first = graph.event(of: racer, at: starts[0]),
      let last = graph.event(of: racer, at: starts[1] - 1)
    else { return nil }
    return (first, last)
  }

  // MARK: Afterwards

  /// What the site declares and its code went beyond, if it did.
  private var exceeded: SiteLimit? {
    if let exceeded = site.pointee.exceeded { return exceeded }
    let isBehindInode = execution.state.pointee.mishaps.contains { mishap in
      mishap.block.flatMap { execution.space.staticObject(ofBlock: $0) }.map { $0 < inodeCount } == true
        && mishap.kind == .useAfterFree
    }
    return isBehindInode ? .inodeSize : nil
  }

  override var refusal: EngineError? { exceeded.map { EngineError($0.sentence(facts.site, facts.limits)) } }

  override func conclude(inFull: Bool, number: Int) -> Evidence? {
    guard execution.state.pointee.end == .complete else {
      var assembly = EvidenceAssembly(ExploreRecord(self), round: number)
      assembly.assembleWithoutAnEnd()
      return assembly.evidence
    }
    site.pointee.phase = .inspecting
    for number in 0..<inodeCount { code.inspect(inode(number), memory(number)) }
    if limits.sharedSize > 0 { code.inspectShared(shared, memory(Int(LedgerEntry.noInode))) }
    site.pointee.phase = .clearing
    site.pointee.allocationsInVisit[racerCount] = 0
    for number in 0..<inodeCount where !showsStranger(number) { code.tearDown(inode(number), memory(number)) }
    if !inFull, isOrdinary { return nil }
    var assembly = EvidenceAssembly(ExploreRecord(self), round: number)
    // The teardown wrote to no log, and blocks keep their addresses.
    assembly.assembleVisits()
    assembly.assembleHeap()
    return assembly.evidence
  }

  private func showsStranger(_ inode: Int) -> Bool {
    (0..<limits.slotCount).contains { slot in
      let bits = site.pointee.finals[inode * limits.slotCount + slot]
      return bits != 0 && execution.block(at: UInt(bits)) == nil
    }
  }

  /// Whether every visit found, won or lost, all were told the same, and each allocation was published and torn down,
  /// or freed by its own visit, and nobody had success with a slot that stayed NULL: nothing that a checker would report.
  private var isOrdinary: Bool {
    guard limits.slotCount == 1, limits.sharedSize == 0, site.pointee.createdCount == 0, !facts.site.eager,
      !facts.keepsHistory, site.pointee.observations.isEmpty, site.pointee.strays.isEmpty,
      execution.state.pointee.mishaps.isEmpty
    else { return false }
    var anomaly: UInt64 = 0
    for inode in 0..<inodeCount {
      var told = site.pointee.finals[inode]
      let isPopulated = told != 0
      for racer in 0..<visitorCount {
        let word = site.pointee.logs[racer * inodeCount + inode]
        anomaly |= LogWord.anomaly(word, told: &told)
        if !isPopulated { anomaly |= word & LogWord.success }
      }
    }
    let space = execution.space
    for racer in 0..<racerCount {
      let first = space.firstBlock(of: racer)
      for block in first..<first + execution.state.pointee.racers[racer].nextBlock {
        anomaly |= LedgerEntry.anomaly(space.blocks[block].note)
      }
    }
    return anomaly == 0
  }

  // MARK: Names, for traces

  override func place(of address: UInt, slots: [UInt: (slot: Int, inode: Int)]) -> Counterexample.Place? {
    if let (slot, inode) = slots[address] {
      return .slot(facts.site.slots[slot], inode: inodeCount > 1 ? inode : nil)
    }
    let block = execution.space.block(of: address)
    guard let object = execution.space.staticObject(ofBlock: block) else { return nil }
    let offset = Int(address - execution.space.blocks[block].address)
    switch object {
    case ..<inodeCount: return .inode(object, offset: offset)
    case sharedObject: return limits.sharedSize > 0 ? .shared(offset: offset) : nil
    case sectionsObject: return .sections(racer: offset / 8 % visitorCount)
    default: return .deferredFrees(racer: offset / 8 / max(1, deferralsPerVisitor))
    }
  }

  override func value(_ value: UInt64) -> Counterexample.Value? {
    switch value {
    case UInt64(Lock.unlocked), UInt64(ReadersWriterLock.unlocked): .unlocked
    case UInt64(Lock.locked), UInt64(ReadersWriterLock.unlocked | ReadersWriterLock.writer): .locked
    case Poison.freed: .poison
    default: ReadersWriterLock.readers(value).map { .shared($0) }
    }
  }

  /// Not the word that only says that a racer leaves nothing more to grace periods.
  override func isShown(_ step: RecordedStep) -> Bool {
    guard step.value == SiteState.isNone, step.isStore else { return true }
    return execution.space.staticObject(ofBlock: execution.space.block(of: step.address)) != deferralsObject
  }
}

/// A pair of site and strategy, as the core runs it.
package struct ExploredSite: ExplorableSubject {
  private let facts: SubjectFacts
  private let code: ExploredCode

  package init(_ facts: SubjectFacts, _ code: ExploredCode) {
    self.facts = facts
    self.code = code
  }

  package func program(
    of scenario: Scenario, under model: MemoryModel, room: Int
  ) throws(EngineError) -> JudgedProgram {
    guard ExploreLimits.racers.contains(scenario.exploredRoles.count) else {
      throw EngineError(
        "\(scenario.exploredRoles.count) racers are too many to explore; name 1 to \(ExploreLimits.racers.upperBound) "
          + "under 'explore: racers'")
    }
    let frees = facts.limits.deferredFreesPerVisit * scenario.explore.inodes
    guard ExploreLimits.racers.contains(scenario.exploredRoles.count * (1 + frees)) else {
      throw EngineError(
        "\(scenario.exploredRoles.count) racers, each with \(frees) frees after grace periods, are too many to explore: "
          + "name 1 to \(ExploreLimits.racers.upperBound / (1 + frees)) under 'explore: racers', or fewer inodes")
    }
    return try SiteProgram(facts, code, scenario)
  }
}
