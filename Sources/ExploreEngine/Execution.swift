import AddonMemory
import CFibers
import RaceModel

/// Runs a program on a branch's graph: first what the graph holds already, then on to the end.
///
/// Each racer is a fiber. It is told the values of its reads by the graph; a read waits until the write that it reads
/// from has been run again. Once the whole graph has been run, racers add events, the lowest-numbered one that can go on
/// first, so that the order in which events are added is a function of the graph.
///
/// This is the core: it takes events by address and answers with values, and knows neither sites nor `Memory`. A trivial
/// value, because fibers that hold it are dropped in the middle.
struct Execution {
  let state: UnsafeMutablePointer<ExecutionState>

  /// The branch's graph, which is its first field.
  @inline(__always) var graph: UnsafeMutablePointer<ExecutionGraph> {
    UnsafeMutableRawPointer(state.pointee.branch).assumingMemoryBound(to: ExecutionGraph.self)
  }
}

/// Unsafe: everything here belongs to the `Exploration`.
struct ExecutionState {
  let racerCount: Int
  let rules: UnsafeMutablePointer<Rules>
  let space: AddressSpace
  let shadow: Shadow
  let blocks: UnsafeMutablePointer<Block>
  let racers: UnsafeMutablePointer<RacerState>
  /// One a racer, and the thread that explores.
  let fibers: UnsafeMutablePointer<cfiber>
  var branch: UnsafeMutablePointer<Branch>

  /// Events of the graph that have not been run again.
  var unreplayed: Int32 = 0
  /// Nobody races: before, and after all have finished.
  var isQuiescent = true
  var end = End.complete
  var mishaps: [Mishap] = []
  var trace: TraceRecorder?
  /// Decides instead of the search.
  var guide: Guide?
  /// A word turned out to be accessed both ways.
  var needsRestart = false
  /// Allocations that may fail, and weak updates that may fail for no reason, of one execution.
  var mostFailures = 0
  var mostSpuriousFailures = 0
  /// Only this racer's allocations fail, or anyone's.
  var failingRacer: Int?
  var mostSteps: Int32 = 20_000

  enum End {
    case complete
    /// Some racers wait.
    case blocked
    /// It cannot go on: a crash, a racer without an end, or a word that has to be looked at in another way.
    case stopped
    /// Not the same program as before. Only a race that was reported can do that.
    case diverged
  }
}

struct RacerState {
  enum Phase { case unstarted, ready, waiting, finished }
  var phase = Phase.unstarted
  /// The next event of the graph to run again, or -1.
  var cursor: Int32 = -1
  /// Events run so far.
  var done: Int32 = 0
  /// The last event run, or -1.
  var last: Int32 = -1
  var nextBlock = 0
  /// The lock that it is about to take, or -1.
  var wantedLock: Int32 = -1
  var lockedValue: UInt64 = 0
  var initialLockValue: UInt64 = 0
  /// Events run when it last paused, and whether it has written since.
  var doneAtPause: Int32 = 0
  var hasWrittenSincePause = false
  var steps: Int32 = 0
}

/// A block of an arena.
struct Block {
  enum State { case unused, live, freed }
  var state = State.unused
  var size = 0
  /// Who allocated it; the number of racers stands for nobody.
  var racer = 0
  /// Its racer's moment then.
  var moment: Int32 = 0
  /// Another racer has accessed it.
  var isShared = false
  /// For whoever runs the program: its ledger entry.
  var note: UInt64 = 0
}

// MARK: Turns

extension Execution {
  @inline(__always) private var racers: UnsafeMutablePointer<RacerState> { state.pointee.racers }

  /// Runs all racers. Their bodies were set with the fibers.
  func run() {
    let graph = graph
    state.pointee.unreplayed = Int32(graph.pointee.count)
    state.pointee.isQuiescent = false
    state.pointee.end = .complete
    for racer in 0..<state.pointee.racerCount {
      racers[racer] = RacerState()
      racers[racer].cursor = graph.pointee.first[racer]
      cfiber_restart(state.pointee.fibers + racer)
    }
    let next = nextRacer()
    if next >= 0 { cfiber_resume(root, state.pointee.fibers + next) }
    state.pointee.isQuiescent = true
  }

  private var root: UnsafeMutablePointer<cfiber> { state.pointee.fibers + state.pointee.racerCount }

  /// The racer's body is about to end: its fiber goes on with somebody else then.
  func finish(_ racer: Int) {
    racers[racer].phase = .finished
    let next = nextRacer()
    if next < 0 { endRun(next) }
    state.pointee.fibers[racer].next = next < 0 ? root : state.pointee.fibers + next
  }

  /// Ends the whole run. Does not return to the racer.
  func stop(_ racer: Int, _ end: ExecutionState.End) {
    state.pointee.end = end
    cfiber_resume(state.pointee.fibers + racer, root)
  }

  /// Goes on with another racer, or ends the run if nobody can.
  private func leave(_ racer: Int) {
    let next = nextRacer()
    if next < 0 { endRun(next) }
    cfiber_resume(state.pointee.fibers + racer, next < 0 ? root : state.pointee.fibers + next)
  }

  private func endRun(_ reason: Int) {
    if reason == Self.stuckInReplay {
      state.pointee.end = .diverged
    } else {
      for other in 0..<state.pointee.racerCount where racers[other].phase == .waiting { state.pointee.end = .blocked }
    }
  }

  private static var stuckInReplay: Int { -2 }

  private func nextRacer() -> Int {
    if state.pointee.unreplayed > 0 {
      for racer in 0..<state.pointee.racerCount where racers[racer].cursor >= 0 && canReplay(racers[racer].cursor) {
        if racers[racer].phase == .unstarted || racers[racer].phase == .ready { return racer }
      }
      return Self.stuckInReplay
    }
    var lastChoice = -1
    for racer in 0..<state.pointee.racerCount {
      switch racers[racer].phase {
      case .finished, .waiting: continue
      case .unstarted, .ready:
        if let guide = state.pointee.guide {
          if guide.isReady(racer, racers) { return racer }
          lastChoice = Self.stuckInReplay
          continue
        }
        if !isHeld(racer) { return racer }
        if lastChoice < 0 { lastChoice = racer }
      }
    }
    return lastChoice
  }

  /// Whether the racer is about to take a lock that another holds: it would only wait.
  private func isHeld(_ racer: Int) -> Bool {
    let lock = racers[racer].wantedLock
    if lock < 0 { return false }
    let latest = graph.pointee.lastWrite(lock)
    let value = latest < 0 ? racers[racer].initialLockValue : graph.pointee.events[Int(latest)].value
    return value == racers[racer].lockedValue
  }

  private func canReplay(_ id: Int32) -> Bool {
    let event = graph.pointee.events[Int(id)]
    guard event.kind == .read, event.source >= 0 else { return true }
    let source = graph.pointee.events[Int(event.source)]
    return racers[Int(source.racer)].done > source.index
  }

  /// Waits until it is this racer's turn to run its next event. Answers the event if the graph has it already, or -1.
  @inline(__always) private func takeTurn(_ racer: Int) -> Int32 {
    racers[racer].phase = .ready
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    while true {
      if state.pointee.unreplayed > 0 {
        let cursor = racers[racer].cursor
        if cursor >= 0, canReplay(cursor) { return cursor }
      }
      let next = nextRacer()
      if next == racer { return -1 }
      if next < 0 {
        stop(racer, .diverged)
      } else {
        cfiber_resume(state.pointee.fibers + racer, state.pointee.fibers + next)
      }
    }
  }

  /// Notes that an event of this racer has been run.
  @inline(__always) private func pass(_ racer: Int, _ id: Int32, isReplay: Bool) {
    if isReplay {
      state.pointee.unreplayed -= 1
      racers[racer].cursor = graph.pointee.events[Int(id)].next
    }
    racers[racer].done += 1
    racers[racer].last = id
  }

  private func endless(_ racer: Int) {
    noteEndless(racer)
    stop(racer, .stopped)
  }

  @inline(never) private func noteEndless(_ racer: Int) {
    note(.stuck, [racer], "racer \(racer) made \(state.pointee.mostSteps) steps without coming to an end")
  }

  private func wait(_ racer: Int) {
    racers[racer].phase = .waiting
    leave(racer)
  }
}

// MARK: Atomic operations

extension Execution {
  func load(_ racer: Int, _ address: UInt, _ size: Int, _ ordering: EventOrdering) -> UInt64 {
    if state.pointee.isQuiescent { return readDirectly(address, size) }
    var event = Event(.read, racer: racer, ordering: ordering)
    return read(racer, address, size, &event)
  }

  func store(_ racer: Int, _ address: UInt, _ size: Int, _ value: UInt64, _ ordering: EventOrdering) {
    if state.pointee.isQuiescent { return writeDirectly(address, size, value) }
    racers[racer].hasWrittenSincePause = true
    let replayed = takeTurn(racer)
    guard let location = access(racer, address, size, isWrite: true, ordering) else { return }
    if replayed >= 0 {
      guard isSame(replayed, .write, location) else { return stop(racer, .diverged) }
      pass(racer, replayed, isReplay: true)
    } else {
      var event = Event(.write, racer: racer, ordering: ordering)
      event.location = location
      event.size = UInt8(size)
      event.value = value & event.mask
      let place = state.pointee.guide?.place(racer, Int(racers[racer].done))
      let id =
        place.map { state.pointee.branch.pointee.addWrite(event, place: $0) }
        ?? state.pointee.branch.pointee.addWrite(event)
      pass(racer, Int32(id), isReplay: false)
    }
    checkMixed(racer, location)
    record(racer, .store, address, size, value, ordering, racers[racer].last)
  }

  /// An atomic read-modify-write operation. Answers the value that it read.
  func update(
    _ racer: Int, _ address: UInt, _ size: Int, _ update: Update, expected: UInt64 = 0, operand: UInt64,
    _ success: EventOrdering, failure: EventOrdering
  ) -> UInt64 {
    var event = Event(.read, racer: racer, ordering: failure)
    event.update = update
    event.expected = expected
    event.operand = operand
    event.successOrdering = success
    event.failureOrdering = failure
    if state.pointee.isQuiescent {
      let value = readDirectly(address, size)
      event.size = UInt8(size)
      if let written = event.written(after: value) { writeDirectly(address, size, written) }
      return value
    }
    return read(racer, address, size, &event)
  }

  private func read(_ racer: Int, _ address: UInt, _ size: Int, _ event: inout Event) -> UInt64 {
    let replayed = takeTurn(racer)
    guard
      let location = access(
        racer, address, size, isWrite: event.update != .none && event.update != .look, event.ordering)
    else { return 0 }
    let id: Int32
    if replayed >= 0 {
      guard isSame(replayed, .read, location) else {
        stop(racer, .diverged)
        return 0
      }
      id = replayed
    } else {
      event.location = location
      event.size = UInt8(size)
      event.initial = state.pointee.space.read(address, size)
      if let guide = state.pointee.guide {
        let source = guide.source(racer, Int(racers[racer].done))
        id = Int32(state.pointee.branch.pointee.addRead(event, source: source))
      } else {
        id = Int32(state.pointee.branch.pointee.addRead(event))
      }
    }
    pass(racer, id, isReplay: replayed >= 0)
    let read = graph.pointee.events[Int(id)]
    if read.isUpdate {
      racers[racer].hasWrittenSincePause = true
      pass(racer, read.next, isReplay: replayed >= 0)
    }
    checkMixed(racer, location)
    recordRead(racer, address, size, read, id)
    if read.isWaiting { wait(racer) }
    return read.value
  }

  func fence(_ racer: Int, _ ordering: EventOrdering) {
    if state.pointee.isQuiescent { return }
    let replayed = takeTurn(racer)
    if replayed >= 0 {
      guard isSame(replayed, .fence, -1) else { return stop(racer, .diverged) }
      pass(racer, replayed, isReplay: true)
    } else {
      let event = Event(.fence, racer: racer, ordering: ordering)
      pass(racer, Int32(state.pointee.branch.pointee.addFence(event)), isReplay: false)
    }
    record(racer, .fence, 0, 0, 0, ordering)
  }

  /// Goes one way or the other: true for the other one, as long as the limit for such choices allows it.
  func choose(_ racer: Int, _ kind: Event.Choice) -> Bool {
    let limit = kind == .allocation ? state.pointee.mostFailures : state.pointee.mostSpuriousFailures
    if state.pointee.isQuiescent || limit == 0 { return false }
    if kind == .allocation, let failing = state.pointee.failingRacer, failing != racer { return false }
    let replayed = takeTurn(racer)
    let id: Int32
    if replayed >= 0 {
      guard isSame(replayed, .choice, -1) else {
        stop(racer, .diverged)
        return false
      }
      id = replayed
    } else {
      var event = Event(.choice, racer: racer, ordering: .relaxed)
      event.choice = kind
      let taken = kind == .allocation ? graph.pointee.failures : graph.pointee.spuriousFailures
      let hasOther = taken < limit
      event.value = state.pointee.guide?.outcome(racer, Int(racers[racer].done)) ?? 0
      id = Int32(state.pointee.branch.pointee.addChoice(event, hasOther: hasOther))
    }
    pass(racer, id, isReplay: replayed >= 0)
    let isOther = graph.pointee.events[Int(id)].value != 0
    if isOther { record(racer, kind == .allocation ? .refusal : .spuriousFailure, 0, 0, 0, .relaxed) }
    return isOther
  }

  private func isSame(_ id: Int32, _ kind: Event.Kind, _ location: Int32) -> Bool {
    let event = graph.pointee.events[Int(id)]
    return event.kind == kind && event.location == location
  }
}

// MARK: Locks and waiting

extension Execution {
  /// Takes a lock: waits while it holds `locked`. Answers what it found: `unlocked`, or something that is no lock's.
  func lock(_ racer: Int, _ address: UInt, _ size: Int, unlocked: UInt64, locked: UInt64) -> UInt64 {
    if !state.pointee.isQuiescent, state.pointee.space.contains(address, size),
      let location = state.pointee.space.location(at: address, size: size)
    {
      racers[racer].wantedLock = location
      racers[racer].lockedValue = locked
      racers[racer].initialLockValue = state.pointee.space.read(address, size)
    }
    let found = update(
      racer, address, size, .lock, expected: unlocked, operand: locked, .acquires, failure: .relaxed)
    if !state.pointee.isQuiescent { racers[racer].wantedLock = -1 }
    return found
  }

  /// The racer is in a loop that waits for a change of what it has read since its last pause.
  func pause(_ racer: Int) {
    if state.pointee.isQuiescent { return }
    defer { racers[racer].hasWrittenSincePause = false }
    racers[racer].steps += 1
    if racers[racer].steps > state.pointee.mostSteps { endless(racer) }
    let hasRead = racers[racer].done > racers[racer].doneAtPause
    racers[racer].doneAtPause = racers[racer].done
    guard hasRead, !racers[racer].hasWrittenSincePause, racers[racer].cursor < 0 else { return }
    wait(racer)
  }

  /// After a run that ended blocked: the racers that wait for something that nobody will ever do. Empty if one of them
  /// only missed the change that it waits for, which makes the run no execution at all.
  func stuckRacers() -> [Int] {
    var stuck: [Int] = []
    for racer in 0..<state.pointee.racerCount where racers[racer].phase == .waiting {
      var id = graph.pointee.last[racer]
      while id >= 0, graph.pointee.events[Int(id)].kind != .read { id = graph.pointee.events[Int(id)].previous }
      guard id >= 0 else { continue }
      let read = graph.pointee.events[Int(id)]
      if read.source != graph.pointee.lastWrite(read.location) { return [] }
      stuck.append(racer)
    }
    return stuck
  }
}

// MARK: Plain accesses

extension Execution {
  @inline(__always) func readPlain(_ racer: Int, _ address: UInt, _ size: Int) -> UInt64 {
    if state.pointee.isQuiescent { return readDirectly(address, size) }
    if isOnGraph(address, size) { return load(racer, address, size, .isPlain) }
    guard plainAccess(racer, address, size, isWrite: false) else { return 0 }
    let value = state.pointee.space.read(address, size)
    record(racer, .load, address, size, value, .isPlain)
    return value
  }

  @inline(__always) func writePlain(_ racer: Int, _ address: UInt, _ size: Int, _ value: UInt64) {
    if state.pointee.isQuiescent { return writeDirectly(address, size, value) }
    if isOnGraph(address, size) { return store(racer, address, size, value, .isPlain) }
    guard plainAccess(racer, address, size, isWrite: true) else { return }
    state.pointee.space.write(address, size, value)
    record(racer, .store, address, size, value, .isPlain)
  }

  /// Whether the word is one that is accessed atomically too. Its first plain access decides that all are on the graph.
  @inline(__always) private func isOnGraph(_ address: UInt, _ size: Int) -> Bool {
    let space = state.pointee.space
    guard space.contains(address, size) else { return false }
    guard let location = space.knownLocation(at: address, size: size) else { return false }
    return space.locations.pointee.all[Int(location)].isMixed
  }

  @inline(__always) private func plainAccess(_ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool) -> Bool {
    let space = state.pointee.space
    guard space.contains(address, size), checkBlock(racer, address, size, isWrite) else {
      crash(racer, address, isWrite)
      return false
    }
    if let location = space.firstLocation(in: address, size) { meetLocation(racer, location, address, size) }
    let offset = space.offset(address)
    let isBefore = { (other: Int, moment: Int32) -> Bool in self.isBefore(racer, address, other, moment) }
    if let writer = state.pointee.shadow.unorderedWriter(offset, size, by: racer, isBefore: isBefore) {
      race(racer, isWrite ? "writes" : "reads", writer, "writes", address, size)
    }
    if isWrite {
      if let reader = state.pointee.shadow.unorderedReader(offset, size, by: racer, isBefore: isBefore) {
        race(racer, "writes", reader, "reads", address, size)
      }
      state.pointee.shadow.noteWrite(offset, size, by: racer, at: racers[racer].done + 1)
    } else {
      state.pointee.shadow.noteRead(offset, size, by: racer, at: racers[racer].done + 1)
    }
    return true
  }

  /// A plain access to a word that was taken for purely atomic.
  @inline(never) private func meetLocation(_ racer: Int, _ location: Int32, _ address: UInt, _ size: Int) {
    let known = state.pointee.space.locations.pointee.all[Int(location)]
    if known.isMixed || known.size != size || known.address != address {
      overlap(racer, address, size)
    } else {
      state.pointee.space.locations.pointee.all[Int(location)].isMixed = true
      state.pointee.needsRestart = true
      stop(racer, .stopped)
    }
  }

  private func overlap(_ racer: Int, _ address: UInt, _ size: Int) {
    noteOverlap(racer, address, size)
    stop(racer, .stopped)
  }

  @inline(never) private func noteOverlap(_ racer: Int, _ address: UInt, _ size: Int) {
    note(
      .dataRace, [racer],
      "racer \(racer) accesses \(size) bytes that overlap atomic accesses of another size or place", address)
  }

  /// What happens before the racer's next access; nil before its first event.
  @inline(__always) private func clock(_ racer: Int) -> VectorClock? {
    let last = racers[racer].last
    return last < 0 ? nil : graph.pointee.happensBefore(Int(last))
  }

  @inline(__always) private func dependency(_ racer: Int, _ address: UInt) -> VectorClock? {
    guard state.pointee.rules.pointee.keepsDependencies else { return nil }
    return graph.pointee.dependency(upTo: racers[racer].last, on: state.pointee.space.block(of: address))
  }

  private func isBefore(_ racer: Int, _ address: UInt, _ other: Int, _ moment: Int32) -> Bool {
    if let clock = clock(racer), clock[other] >= moment { return true }
    if let dependency = dependency(racer, address), dependency[other] >= moment { return true }
    return false
  }
}

// MARK: What may be accessed

extension Execution {
  /// The location of an atomic access; nil where there is none to be had.
  private func access(
    _ racer: Int, _ address: UInt, _ size: Int, isWrite: Bool, _ ordering: EventOrdering
  ) -> Int32? {
    let space = state.pointee.space
    guard space.contains(address, size), checkBlock(racer, address, size, isWrite) else {
      crash(racer, address, isWrite)
      return nil
    }
    let isNew = space.existingLocation(at: address) < 0
    guard let location = space.location(at: address, size: size) else {
      overlap(racer, address, size)
      return nil
    }
    let offset = space.offset(address)
    let isMixed = space.locations.pointee.all[Int(location)].isMixed
    if isNew, !isMixed, state.pointee.shadow.wasAccessed(offset, size, since: start(of: address)) {
      space.locations.pointee.all[Int(location)].isMixed = true
      state.pointee.needsRestart = true
      stop(racer, .stopped)
    }
    // Its allocation counts as a write of the whole block.
    if let writer = state.pointee.shadow.unorderedWriter(
      offset, size, by: racer, isBefore: { isBefore(racer, address, $0, $1) })
    {
      race(racer, isWrite ? "writes" : "reads", writer, "writes", address, size)
    }
    return location
  }

  private func start(of address: UInt) -> (racer: Int, moment: Int32)? {
    let number = state.pointee.space.block(of: address)
    let block = state.pointee.blocks[number]
    return block.state == .unused || block.racer >= state.pointee.racerCount
      ? nil : (block.racer, block.moment)
  }

  /// Whether the address may be touched at all; notes the use of what was freed.
  @inline(__always) private func checkBlock(_ racer: Int, _ address: UInt, _ size: Int, _ isWrite: Bool) -> Bool {
    let space = state.pointee.space
    let number = space.block(of: address)
    if number < space.staticBlocks { return true }
    let block = state.pointee.blocks + number
    if block.pointee.racer != racer { block.pointee.isShared = true }
    let end = address &- space.address(ofBlock: number) &+ UInt(size)
    if block.pointee.state == .live, end <= UInt(block.pointee.size) { return true }
    return useOfDead(racer, address, size, block.pointee, isWrite)
  }

  @inline(never)
  private func useOfDead(_ racer: Int, _ address: UInt, _ size: Int, _ block: Block, _ isWrite: Bool) -> Bool {
    let what = isWrite ? "writes" : "reads"
    let number = state.pointee.space.block(of: address)
    switch block.state {
    case .unused: return false
    case .freed:
      note(.useAfterFree, [racer], "racer \(racer) \(what) what was freed", address)
    case .live:
      let end = address - state.pointee.space.address(ofBlock: number) + UInt(size)
      note(
        .useAfterFree, [racer], "racer \(racer) \(what) byte \(end) of an allocation of \(block.size)", address)
    }
    return true
  }

  /// A location that is accessed both ways: a plain access and another one, one of them a write, must be ordered.
  @inline(__always) private func checkMixed(_ racer: Int, _ location: Int32) {
    guard state.pointee.space.locations.pointee.all[Int(location)].isMixed,
      !state.pointee.rules.pointee.everyAccessSynchronises
    else { return }
    checkMixedAccesses(racer, location)
  }

  @inline(never) private func checkMixedAccesses(_ racer: Int, _ location: Int32) {
    let graph = graph.pointee
    let address = state.pointee.space.address(of: location)
    var mine = racers[racer].last
    while mine >= 0, graph.events[Int(mine)].location == location {
      let event = graph.events[Int(mine)]
      let clock = graph.happensBefore(Int(mine))
      let dependency = dependency(racer, address)
      var access = graph.heads[Int(location)].lastAccess
      while access >= 0 {
        let other = graph.events[Int(access)]
        access = other.previousAccess
        guard other.racer != event.racer, other.kind == .write || event.kind == .write,
          other.ordering.contains(.isPlain) || event.ordering.contains(.isPlain),
          racers[Int(other.racer)].done > other.index
        else { continue }
        if clock.covers(other) || dependency.map({ $0.covers(other) }) == true { continue }
        race(
          racer, event.kind == .write ? "writes" : "reads", Int(other.racer),
          other.kind == .write ? "writes" : "reads", address, Int(event.size))
      }
      // An update is two events.
      guard event.kind == .write, event.isUpdate else { return }
      mine = event.previous
    }
  }

  private func readDirectly(_ address: UInt, _ size: Int) -> UInt64 {
    guard checkDirect(address, size, isWrite: false) else { return 0 }
    return state.pointee.space.read(address, size)
  }

  private func writeDirectly(_ address: UInt, _ size: Int, _ value: UInt64) {
    guard checkDirect(address, size, isWrite: true) else { return }
    state.pointee.space.write(address, size, value)
  }

  private func checkDirect(_ address: UInt, _ size: Int, isWrite: Bool) -> Bool {
    let space = state.pointee.space
    guard space.contains(address, size) else {
      note(.crash, [], "the teardown \(isWrite ? "writes to" : "reads") an address that is nobody's")
      return false
    }
    let number = space.block(of: address)
    if number >= space.staticBlocks {
      switch state.pointee.blocks[number].state {
      case .live: break
      case .freed: note(.useAfterFree, [], "the teardown \(isWrite ? "writes" : "reads") what was freed", address)
      case .unused: return false
      }
    }
    return true
  }
}

// MARK: Heap

extension Execution {
  /// Allocates a block, filled with `fill`. The arena of number `racerCount` is for what nobody's visit allocates.
  func allocate(_ racer: Int, _ size: Int, fill: UInt64) -> UInt? {
    let space = state.pointee.space
    let next = racers[racer].nextBlock
    guard next < space.blocksPerArena, size <= 1 << Int(space.blockShift) - 16 else {
      noteTooMany(racer, next)
      if !state.pointee.isQuiescent { stop(racer, .stopped) }
      return nil
    }
    racers[racer].nextBlock = next + 1
    let number = space.firstBlock(of: racer) + next
    let address = space.address(ofBlock: number)
    let moment = racers[racer].done + 1
    state.pointee.blocks[number] = Block(state: .live, size: size, racer: racer, moment: moment)
    var word = address
    while word < address + UInt(size) {
      space.write(word, 8, fill)
      word += 8
    }
    space.forgetLocations(space.offset(address), (size + 7) & ~7)
    let writer = racer < state.pointee.racerCount ? racer : nil
    state.pointee.shadow.start(space.offset(address), (size + 7) & ~7, writer: writer, moment: moment)
    if !state.pointee.isQuiescent { record(racer, .allocate, address, size, UInt64(address), .isPlain) }
    return address
  }

  @inline(never) private func noteTooMany(_ racer: Int, _ allocations: Int) {
    note(.stuck, [racer], "racer \(racer) made \(allocations) allocations, more than its visits can make")
  }

  /// More frees are left to grace periods than the site says that visits leave. Does not return to the racer.
  @inline(never) func tooManyDeferredFrees(_ racer: Int) {
    noteTooManyDeferredFrees(racer)
    stop(racer, .stopped)
  }

  @inline(never) private func noteTooManyDeferredFrees(_ racer: Int) {
    note(.stuck, [racer], "racer \(racer) leaves more frees to grace periods than its visits can")
  }

  /// Takes a block back. Answers its number, or nil where the address is no block's.
  func free(_ racer: Int, _ address: UInt, poison: UInt64) -> Int? {
    let space = state.pointee.space
    guard space.contains(address, 1), case let number = space.block(of: address), number >= space.staticBlocks,
      space.address(ofBlock: number) == address, state.pointee.blocks[number].state != .unused
    else { return nil }
    let isAlive = state.pointee.blocks[number].state == .live
    let size = state.pointee.blocks[number].size
    if !state.pointee.isQuiescent {
      let block = state.pointee.blocks[number]
      if !isAlive { state.pointee.trace?.markNext(racer) }
      if isAlive, block.isShared || block.racer != racer { checkFree(racer, address, size) }
      record(racer, .free, address, 0, UInt64(address), .isPlain)
    }
    guard isAlive else { return number }
    state.pointee.blocks[number].state = .freed
    var word = address
    while word < address + UInt(size) {
      space.write(word, 8, poison)
      word += 8
    }
    return number
  }

  /// A free is a write of the whole block: everything else there must come before.
  private func checkFree(_ racer: Int, _ address: UInt, _ size: Int) {
    let space = state.pointee.space
    let offset = space.offset(address)
    let ordered = { isBefore(racer, address, $0, $1) }
    var byte = 0
    while byte < size {
      let step = min(8, size - byte)
      let other =
        state.pointee.shadow.unorderedWriter(offset + byte, step, by: racer, isBefore: ordered)
        ?? state.pointee.shadow.unorderedReader(offset + byte, step, by: racer, isBefore: ordered)
        ?? unorderedAtomic(racer, address + UInt(byte), step)
      if let other {
        note(
          .useAfterFree, [other, racer],
          "racer \(racer) frees what racer \(other) still accesses: nothing orders the two", address + UInt(byte))
        return
      }
      byte += step
    }
  }

  private func unorderedAtomic(_ racer: Int, _ address: UInt, _ bytes: Int) -> Int? {
    let space = state.pointee.space
    let graph = graph.pointee
    let clock = clock(racer)
    var location: Int32 = -1
    for byte in 0..<bytes {
      let here = space.existingLocation(at: address + UInt(byte))
      if here < 0 || here == location { continue }
      location = here
      guard Int(here) < graph.locationCount else { continue }
      var access = graph.heads[Int(here)].lastAccess
      while access >= 0 {
        let event = graph.events[Int(access)]
        access = event.previousAccess
        guard Int(event.racer) != racer, racers[Int(event.racer)].done > event.index else { continue }
        if clock.map({ $0.covers(event) }) != true { return Int(event.racer) }
      }
    }
    return nil
  }
}

// MARK: What goes wrong

extension Execution {
  func note(_ kind: Mishap.Kind, _ racers: [Int], _ message: String, _ address: UInt? = nil) {
    if let racer = racers.last, !state.pointee.isQuiescent { state.pointee.trace?.markNext(racer) }
    guard state.pointee.mishaps.count < 16 else { return }
    let number = address.map { state.pointee.space.contains($0, 1) ? state.pointee.space.block(of: $0) : -1 } ?? -1
    state.pointee.mishaps.append(
      Mishap(
        kind, racers: racers, message: message, address: address.map(UInt64.init),
        block: number >= state.pointee.space.staticBlocks ? number : nil))
  }

  @inline(never)
  private func race(
    _ racer: Int, _ what: String, _ other: Int, _ otherWhat: String, _ address: UInt, _ size: Int
  ) {
    note(
      .dataRace, [other, racer],
      "racer \(racer) \(what) \(size) bytes that racer \(other) \(otherWhat): nothing orders the two", address)
  }

  /// What would end the process. Does not return to the racer, whose stack is dropped: so sentences are made, and let
  /// go of, by functions that do return.
  @inline(never) func crash(_ racer: Int, _ address: UInt, _ isWrite: Bool) {
    noteCrash(racer, address, isWrite)
    record(racer, isWrite ? .store : .load, address, 0, 0, .isPlain)
    if !state.pointee.isQuiescent { stop(racer, .stopped) }
  }

  @inline(never) private func noteCrash(_ racer: Int, _ address: UInt, _ isWrite: Bool) {
    let pointer = address < 4096 ? "a NULL pointer" : "a stray pointer"
    note(.crash, [racer], "racer \(racer) \(isWrite ? "writes" : "reads") through \(pointer)")
  }

  /// What would end the process, on a racer's fiber: the racer stops there, and the execution is one that crashed.
  static let onFault: @convention(c) (Int32, Int, UnsafeMutableRawPointer?) -> Void = { signal, racer, state in
    guard let state = state?.assumingMemoryBound(to: ExecutionState.self) else { return }
    let execution = Execution(state: state)
    execution.noteFault(racer, signal)
    state.pointee.trace?.markLast(racer)
    execution.stop(racer, .stopped)
  }

  @inline(never) private func noteFault(_ racer: Int, _ signal: Int32) {
    note(.crash, [racer], "racer \(racer) died of signal \(signal)")
  }

  /// The code itself says that it cannot go on. Does not return to the racer.
  func bug(_ racer: Int, _ why: StaticString) {
    noteBug(racer, why)
    state.pointee.trace?.markLast(racer)
    if !state.pointee.isQuiescent { stop(racer, .stopped) }
  }

  @inline(never) private func noteBug(_ racer: Int, _ why: StaticString) {
    note(.crash, [racer], "racer \(racer) reached BUG(): \(why)")
  }
}
