import AddonMemory
import CCandidate
import ExploreCore
import ExploreEngine
import Foundation
import RaceModel

/// Code that somebody brought, as the core runs it: racer 0 begins with `main`, or sets up what racers share, starts them,
/// waits for them and checks.
final class CandidateProgram: JudgedProgram {
  private let object: CandidateObject
  private let candidate: UnsafeMutablePointer<CandidateState>
  /// Of a candidate of racers: the role of each, by its number, from racer 1 on.
  private let roles: [String]
  private let bodies: [UnsafeMutableRawPointer]
  private let names: SourceNames
  private let accepted: Set<String>
  private let breaks: Bool
  private let lacksDependencies: Bool
  /// The most that one allocation may have.
  static let mostBytes = 4 << 20
  private static let arenaBytes = 16 << 20
  private static let blocksPerRacer = 4096
  private static let stackBytes = 256 << 10

  /// - Parameters:
  ///   - room: racers that there is room for.
  ///   - lacksDependencies: they are asked for, and cannot be tracked by this compiler or in this process.
  init(_ object: CandidateObject, _ scenario: Scenario, room: Int, lacksDependencies: Bool) {
    self.object = object
    self.lacksDependencies = lacksDependencies
    // What the hooks know is data of the program, too: it is as it will be in every execution.
    object.putBack()
    object.bind(CandidateHooks.table)
    names = SourceNames(object)
    accepted = Set(scenario.code?.accepted ?? [])
    breaks = scenario.explore.breaksDependencies
    var roles: [String] = []
    var bodies: [UnsafeMutableRawPointer] = []
    if let known = object.built.roles {
      for group in scenario.exploredRacers {
        guard let index = known.firstIndex(of: group.role) else { continue }
        for _ in 0..<group.count {
          roles.append(group.role)
          bodies.append(object.racers[index])
        }
      }
    }
    self.roles = roles
    self.bodies = bodies
    let room = max(room, roles.count + 1)
    let storageStride = (object.image.tls_size + 127) & ~63
    var layout = AddressSpace.Layout(
      statics: [storageStride * room, 8 * room * CandidateHooks.mostDomains], heapBytes: Self.arenaBytes,
      blocksPerRacer: Self.blocksPerRacer)
    layout.images = [(object.image.data, object.image.data_size)]
    layout.fiberStackBytes = Self.stackBytes
    layout.watchesFiberStacks = true
    candidate = .allocate(capacity: 1)
    // Racers of one role run the same code, and come one after the other.
    let twins = (0..<room).map { racer in
      racer >= 2 && racer <= roles.count && roles[racer - 1] == roles[racer - 2] ? racer - 1 : -1
    }
    super.init(racerCount: room, layout: layout, twins: twins)
    self.storageStride = storageStride
  }

  private var storageStride = 0

  /// Once the exploration has made the memory.
  private func bind() {
    let numbers = UnsafeMutablePointer<Int32>.allocate(capacity: racerCount * racerCount)
    numbers.initialize(repeating: 0, count: racerCount * racerCount)
    candidate.initialize(
      to: CandidateState(
        execution: execution, room: racerCount,
        hasKernelsOrderings: execution.state.pointee.rules.pointee.model == .kernel,
        threads: .allocate(capacity: racerCount), numbers: numbers,
        storage: address(ofStatic: 0), storageStride: storageStride, sectionWords: address(ofStatic: 1),
        readers: roles.isEmpty ? racerCount : roles.count + 1,
        idleTurns: IdleTurns(room: racerCount), allocators: Allocators(object)))
    if let current = MemoryLayout<ExecutionState>.offset(of: \.current) {
      let place = UnsafeRawPointer(execution.state) + current
      object.dependencies?.bind(place.assumingMemoryBound(to: Int.self))
    }
    execution.state.pointee.startsAlone = true
    execution.state.pointee.watchesInitialisation = true
    isBound = true
  }

  private var isBound = false

  deinit {
    if isBound {
      candidate.pointee.threads.deallocate()
      candidate.pointee.numbers.deallocate()
      candidate.pointee.idleTurns.destroy()
      candidate.deinitialize(count: 1)
    }
    candidate.deallocate()
  }

  // MARK: An execution

  override func prepare() {
    if !isBound { bind() }
    CandidateState.bound = candidate
    candidate.pointee.threads.initialize(repeating: CandidateThread(), count: racerCount)
    candidate.pointee.idleTurns.clear()
    candidate.pointee.hasExited = false
    object.dependencies?.begin(threads: racerCount)
    let image = object.image
    guard image.tls_size > 0, let source = UnsafeRawPointer(bitPattern: image.tls) else { return }
    for racer in 0..<candidate.pointee.threadCount {
      UnsafeMutableRawPointer(bitPattern: candidate.pointee.storage + UInt(racer * storageStride))?
        .copyMemory(from: source, byteCount: image.tls_file_size)
    }
  }

  override func race(_ racer: Int) {
    if racer == 0 { return runFirst() }
    let thread = candidate.pointee.threads[racer]
    guard let body = thread.body else { return }
    object.dependencies?.clearArguments()
    candidate.pointee.threads[racer].result = ccandidate_call_body(body, thread.argument)
    if let ends = object.threadEnds { ccandidate_call(ends) }
  }

  private func runFirst() {
    guard object.built.roles != nil else {
      if let main = object.main { _ = ccandidate_call_main(main) }
      return
    }
    if let setUp = object.setUp { ccandidate_call(setUp) }
    let count = bodies.count
    var racer = 0
    while racer < count {
      guard let number = CandidateHooks.number(candidate, 0) else { return execution.stop(0, .stopped) }
      candidate.pointee.threads[number].body = bodies[racer]
      racer += 1
    }
    if count > 0 {
      // Nowhere in the user's code.
      execution.state.pointee.pc = UInt(bitPattern: object.bindFunction) + 1
      execution.create(0, first: 1, count: count)
      racer = 1
      // Those that racers have started, too: callbacks after grace periods.
      while racer < candidate.pointee.threadCount {
        if execution.isBorn(racer) { execution.join(0, target: racer) }
        racer += 1
      }
    }
    if let check = object.check { ccandidate_call(check) }
    if let tearDown = object.tearDown { ccandidate_call(tearDown) }
  }

  // MARK: Afterwards

  override var roleNames: [String] {
    (0..<candidateCount).map { racer in
      if racer == 0 { return roles.isEmpty ? "main" : "set-up and check" }
      if racer <= roles.count { return roles[racer - 1] }
      let function = isBound ? names.function(at: candidate.pointee.threads[racer].body) : nil
      return function?.hasPrefix("addonrace_deferred") == true ? "deferred free" : function ?? "thread"
    }
  }

  private var candidateCount: Int { isBound ? candidate.pointee.threadCount : 1 }

  override func name(of racer: Int) -> String { "racer \(racer)" }

  override var refusal: EngineError? { isBound ? candidate.pointee.refusal.map { EngineError($0) } : nil }

  override var startsRacers: Bool { true }

  override var passesLabels: Bool { object.dependencies != nil }
  override var breaksDependencies: Bool { breaks }

  // MARK: A program that is not the same twice

  override var mayDiffer: Bool { true }

  override func refusal(of divergence: Divergence) -> EngineError? {
    func text(_ step: Divergence.Step, _ address: UInt) -> String {
      let what =
        switch step {
        case .nothing: "nothing more"
        case .read: "a read"
        case .write: "a write"
        case .fence: "a fence, or the start or the end of a thread"
        case .choice: "an allocation, or another choice"
        }
      guard address != 0 else { return what }
      if case .variable(let name, let offset)? = place(of: address, slots: [:]) {
        return "\(what) of \(name)\(offset == 0 ? "" : " + \(offset)")"
      }
      let block = execution.space.block(of: address)
      return execution.allocationNumber(ofBlock: block).map { "\(what) of allocation \($0)" } ?? what
    }
    let line = names.lines(of: [divergence.pc])[divergence.pc].map { " (\($0))" } ?? ""
    return EngineError(
      "the program is not the same twice: event \(divergence.number + 1) of racer \(divergence.racer) was "
        + "\(text(divergence.before, divergence.addressBefore)), and after the same reads it is now "
        + "\(text(divergence.now, divergence.address))\(line); it goes by something that is not put back: the time, "
        + "an address, what is outside the program, or memory that nobody wrote")
  }

  override var wantedRacers: Int? {
    guard isBound else { return nil }
    if candidate.pointee.wantsRoom { return racerCount * 2 }
    return candidate.pointee.threadCount < racerCount ? candidate.pointee.threadCount : nil
  }

  override var notes: [String] {
    let unseen = object.built.unseenCalls.filter { !accepted.contains($0) }
    var notes = lacksDependencies ? [Self.lackOfDependencies] : []
    let weak = object.built.weakUpdates
    if !weak.isEmpty, !accepted.contains("weak-compare-exchange") {
      let rest = weak.count > Self.mostNamed ? " and \(weak.count - Self.mostNamed) more" : ""
      notes.append(
        "a weak compare-exchange is taken for a strong one, which fails only if the value is another: "
          + weak.prefix(Self.mostNamed).joined(separator: ", ") + rest
          + " (--accept weak-compare-exchange says that it does not matter)")
    }
    if unseen.isEmpty { return notes }
    return notes + [
      "not looked into: what \(unseen.joined(separator: ", ")) \(unseen.count == 1 ? "does" : "do") to memory "
        + "(--accept NAME says that it does not matter)"
    ]
  }

  private static let mostNamed = 3
  private static let lackOfDependencies =
    "what accesses depend on is not tracked: "
    + (Labels.isAvailable
      ? "the compiler cannot (clang 16 and later can); " : "this process has no address space for labels; ")
    + "an address is taken to depend on each load that returned the address of its object"

  private var runs = 0

  /// Code that is not instrumented may write to the program's data without telling.
  override func runEnded() {
    runs += 1
    if runs <= Self.runsLookedAt || runs % Self.runsLookedAt == 0 { execution.findUntoldWrites() }
  }

  private static let runsLookedAt = 64

  override func conclude(inFull: Bool, number: Int) -> Evidence? {
    if execution.state.pointee.end == .complete {
      var slots = DeclaredSlots(execution, candidate.pointee.slots)
      slots.judge()
      if !candidate.pointee.hasExited { noteLeaks(slots.published) }
    }
    guard inFull || !execution.state.pointee.mishaps.isEmpty else { return nil }
    var evidence = Evidence()
    evidence.round = number
    evidence.roles = roleNames
    evidence.mishaps = execution.state.pointee.mishaps.map(named)
    return evidence
  }

  /// A mishap with the line of source, and what lies at its address.
  private func named(_ mishap: Mishap) -> Mishap {
    var mishap = mishap
    var details: [String] = []
    if let address = mishap.address, let place = place(of: UInt(address), slots: [:]) {
      if case .variable(let name, let offset) = place { details.append(offset == 0 ? name : "\(name) + \(offset)") }
    }
    if mishap.pc != 0, let line = names.lines(of: [mishap.pc])[mishap.pc], !mishap.message.contains(line) {
      details.append(line)
    }
    if !details.isEmpty { mishap.message += " (\(details.joined(separator: ", ")))" }
    mishap.allocation = mishap.block.flatMap { execution.allocationNumber(ofBlock: $0) }
    return mishap
  }

  /// Allocations that are alive at the end and that nothing reaches any more: from the program's data, or from another
  /// allocation that is reached.
  private func noteLeaks(_ published: Set<Int>) {
    let space = execution.space
    var unreached: Set<Int> = []
    execution.forEachLiveBlock { unreached.insert($0) }
    if unreached.isEmpty { return }
    var next: [(address: UInt, bytes: Int)] = [
      (object.image.data, object.image.data_size), (candidate.pointee.storage, object.image.tls_size),
    ]
    while let region = next.popLast() {
      var address = (region.address + 7) & ~7
      while address + 8 <= region.address + UInt(region.bytes) {
        let block = space.block(of: UInt(space.read(address, 8)))
        if unreached.remove(block) != nil {
          next.append((space.blocks[block].address, space.blocks[block].size))
        }
        address += 8
      }
    }
    for block in unreached.sorted() {
      let pc = UInt(space.blocks[block].note)
      if space.blocks[block].isUnjudged { continue }
      if !candidate.pointee.slots.isEmpty, !published.contains(block) {
        execution.noteAtEnd(
          .loserKept, "\(space.blocks[block].size) bytes were in no slot, and are never freed", block: block, pc: pc)
      }
      execution.noteAtEnd(
        .leak, "\(space.blocks[block].size) bytes are never freed, and nothing points to them any more", block: block,
        pc: pc)
    }
  }

  // MARK: Names, for traces

  override func place(of address: UInt, slots: [UInt: (slot: Int, inode: Int)]) -> Counterexample.Place? {
    if let (name, offset) = names.variable(at: address) { return .variable(name, offset: offset) }
    if let racer = execution.stackOwner(of: address) { return .variable("a local of racer \(racer)", offset: 0) }
    let words = candidate.pointee.sectionWords
    if address >= words, address < words + UInt(8 * racerCount * CandidateHooks.mostDomains) {
      return .sections(racer: Int(address - words) / 8 % racerCount)
    }
    return nil
  }

  /// Not what a racer does to its own stack, which is nobody else's business.
  override func isShown(_ step: RecordedStep) -> Bool {
    guard step.isPlain, !step.isMarked else { return true }
    return execution.stackOwner(of: step.address) != step.racer
  }

  override func value(_ value: UInt64) -> Counterexample.Value? {
    if value == 0 { return nil }
    return value == Poison.freed ? .poison : nil
  }

  override func sources(of places: Set<UInt>) -> [UInt: String] { names.lines(of: places) }
}

/// What can be explored of a candidate.
package struct ExploredCandidate: ExplorableSubject {
  /// Loaded once in a process: its data is put back for each exploration.
  nonisolated(unsafe) private static var loaded: [String: CandidateObject] = [:]

  package init() {}

  package func program(
    of scenario: Scenario, under model: MemoryModel, room: Int
  ) throws(EngineError) -> JudgedProgram {
    guard let code = scenario.code else { throw EngineError("the scenario has no code") }
    var built: BuiltCandidate
    if let before = code.built { built = before } else { built = try CandidateBuild(code, for: .exploring).build() }
    let tracks = scenario.tracksDependencies(under: model)
    if tracks, Labels.isAvailable {
      if let before = code.tracked {
        built = before
      } else if let tracked = try CandidateBuild.tracked(code) {
        built = tracked
      }
    }
    let object: CandidateObject
    if let before = Self.loaded[built.object] {
      object = before
    } else {
      object = try CandidateObject(built, code.language ?? .c)
      Self.loaded[built.object] = object
    }
    if let roles = built.roles {
      for group in scenario.exploredRacers where !roles.contains(group.role) {
        throw EngineError(
          "the program has no function racer_\(group.role); it has: "
            + roles.map { "racer_\($0)" }.joined(separator: ", "))
      }
    }
    return CandidateProgram(object, scenario, room: room, lacksDependencies: tracks && object.dependencies == nil)
  }
}
