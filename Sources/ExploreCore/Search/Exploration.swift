import AddonMemory
import CFibers

/// Visits every execution of a program that a memory model allows, each once, depth-first.
///
/// Depth first alone would stay close to the first execution for long. So a few alternatives to its earliest events get
/// a search of their own, which visits one execution and is set aside until the rest is done.
///
/// Memory: for each of these searches a graph for each revisit on the way to the execution at hand, so at most
/// polynomial in the length of one execution, however many there are.
package final class Exploration {
  package let program: ExploredProgram
  package let execution: Execution
  private let rules: UnsafeMutablePointer<Rules>
  private let check: ConsistencyCheck
  var branches: [UnsafeMutablePointer<Branch>] = []
  /// Searches set aside, the next in turn first.
  var aside: [[UnsafeMutablePointer<Branch>]] = []
  /// What of the search is visited; nil is all of it.
  package var part: SearchPart?
  /// Subtrees that were met and are another part's.
  var subtreesLeftOut = 0
  /// How often it is another's turn after one execution.
  private(set) var turns = 0
  /// How many alternatives to the first execution's events get a search of their own.
  private static let earlyAlternatives = 4
  private var spare: [UnsafeMutablePointer<Branch>] = []
  private let starts: UnsafeMutablePointer<RacerStart>
  private let ringArguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let stackSize: Int

  @exclusivity(unchecked) package private(set) var counts = Counts()
  /// Asked now and then, also while nothing but blocked runs and inconsistent graphs comes: whether to stop here.
  package var isEnough: () -> Bool = { false }
  /// Called where the search begins again: what was visited is visited once more.
  package var willRestart: () -> Void = {}
  /// Events that are run, or looked at, between two such questions: graphs are short or long.
  private static let eventsBetweenLooks = 4096

  package struct Counts: Codable {
    /// Complete executions, those that end in a crash or a deadlock included.
    package var executions = 0
    /// Runs that were no execution: a racer waited for a change that it had missed.
    package var blockedRuns = 0
    /// Runs that did not follow their graph: the program is not the same each time, or has a race that was reported.
    package var divergedRuns = 0
    /// Graphs that were inconsistent, or symmetric to another, and never run.
    package var prunedGraphs = 0
    /// Times that it began again, because a location turned out to have plain and atomic accesses.
    package var restarts = 0
    /// The most bytes that graphs held at once.
    package var peakBytes = 0
    /// The most events of one execution.
    package var longest = 0
    /// Of one racer in one execution.
    package var longestOfRacer: Int32 = 0

    package init() {}

    /// Adds those of another part of the search, which was visited beside it.
    package mutating func add(_ other: Counts) {
      executions += other.executions
      blockedRuns += other.blockedRuns
      divergedRuns += other.divergedRuns
      prunedGraphs += other.prunedGraphs
      restarts += other.restarts
      peakBytes += other.peakBytes
      longest = max(longest, other.longest)
      longestOfRacer = max(longestOfRacer, other.longestOfRacer)
    }
  }

  /// Nil where the program is too large to be given memory.
  package init?(
    _ program: ExploredProgram, model: MemoryModel, usesSymmetry: Bool, mostFailures: Int = 0,
    mostSpuriousFailures: Int = 0
  ) {
    let racers = program.racerCount
    starts = .allocate(capacity: racers)
    ringArguments = .allocate(capacity: racers)
    for racer in 0..<racers {
      starts[racer] = RacerStart(program: Unmanaged.passUnretained(program), racer: racer)
      ringArguments[racer] = UnsafeMutableRawPointer(starts + racer)
    }
    stackSize = program.layout.fiberStackBytes
    guard let fibers = cfiber_ring_create(racers, stackSize, 320, RacerStart.body, ringArguments) else {
      return nil
    }
    var layout = program.layout
    if layout.watchesFiberStacks {
      for racer in 0..<racers {
        guard let bottom = fibers[racer].stack_bottom else { continue }
        layout.stacks.append((UInt(bitPattern: bottom), fibers[racer].stack_size))
      }
    }
    guard let space = AddressSpace(layout, racers: racers) else {
      cfiber_ring_destroy(fibers, racers, stackSize)
      return nil
    }
    guard let shadow = Shadow(size: space.watchedSize, racers: racers) else {
      space.destroy()
      cfiber_ring_destroy(fibers, racers, stackSize)
      return nil
    }
    self.program = program
    let width = (racers + 7) / 8
    let twins = UnsafeMutablePointer<Int32>.allocate(capacity: racers)
    for racer in 0..<racers { twins[racer] = Int32(program.twins[racer]) }
    let consistency = model.consistency
    check = ConsistencyCheck(consistency)
    let fragility = UnsafeMutablePointer<Fragility>.allocate(capacity: 1)
    fragility.initialize(to: Fragility())
    rules = .allocate(capacity: 1)
    rules.initialize(
      to: Rules(
        model: model, clockWidth: width, twin: twins,
        usesSymmetry: usesSymmetry && program.twins.contains { $0 >= 0 }, space: space,
        breaksDependencies: program.breaksDependencies, fragility: fragility,
        scratch: VectorClock.make(width: width),
        everyAccessSynchronises: consistency.everyAccessSynchronises,
        isLinuxKernel: consistency.isLinuxKernel))
    let racerStates = UnsafeMutablePointer<RacerProgress>.allocate(capacity: racers + 1)
    racerStates.initialize(repeating: RacerProgress(), count: racers + 1)
    let state = UnsafeMutablePointer<ExecutionState>.allocate(capacity: 1)
    let root = Self.makeBranch(racers, rules)
    state.initialize(
      to: ExecutionState(
        racerCount: racers, rules: rules, space: space, shadow: shadow, racers: racerStates, fibers: fibers,
        branch: root))
    state.pointee.mostFailures = mostFailures
    state.pointee.mostSpuriousFailures = mostSpuriousFailures
    if program.passesLabels { state.pointee.labels = Labels(racers: racers) }
    execution = Execution(state: state)
    branches.append(root)
    program.executions.initialize(to: execution)
  }

  deinit {
    let state = execution.state
    for branch in branches + aside.joined() + spare {
      branch.pointee.graph.destroy()
      branch.deinitialize(count: 1)
      branch.deallocate()
    }
    cfiber_ring_destroy(state.pointee.fibers, program.racerCount, stackSize)
    state.pointee.shadow.destroy()
    state.pointee.space.destroy()
    state.pointee.racers.deallocate()
    state.pointee.labels?.destroy()
    state.deinitialize(count: 1)
    state.deallocate()
    rules.pointee.twin.deallocate()
    rules.pointee.scratch.destroy()
    rules.pointee.fragility.deallocate()
    rules.deallocate()
    starts.deallocate()
    ringArguments.deallocate()
  }
}

/// What a racer's fiber begins with.
struct RacerStart {
  let program: Unmanaged<ExploredProgram>
  let racer: Int

  static let body: @convention(c) (UnsafeMutableRawPointer?) -> Void = { argument in
    guard let start = argument?.assumingMemoryBound(to: RacerStart.self) else { return }
    start.pointee.program._withUnsafeGuaranteedRef { program in
      program.race(start.pointee.racer)
      program.execution.finish(start.pointee.racer)
    }
  }
}

// MARK: The search

extension Exploration {
  /// Whether there is more to visit, and whether the caller wants it.
  package enum Step: Equatable { case goOn, stop }

  /// Visits executions until all are visited or `visit` says to stop. Answers whether all are. `visit` is told of
  /// complete executions, at quiescence, and of runs that stopped with something to report.
  package func visitAll(_ visit: () -> Step) -> Bool {
    restart()
    if run(visit) == .stop { return false }
    setEarlyAlternativesAside()
    return visitRest(visit)
  }

  /// Goes on until nothing is left.
  func visitRest(_ visit: () -> Step) -> Bool {
    var events = 0
    while true {
      guard let branch = branches.last else {
        if aside.isEmpty { return true }
        takeTurn()
        continue
      }
      events += branch.pointee.graph.count + 1
      if events >= Self.eventsBetweenLooks {
        events = 0
        if isEnough() { return false }
      }
      guard let item = branch.pointee.items.popLast() else {
        release(branches.removeLast())
        continue
      }
      if let part, !part.leads(to: item.lineage) {
        subtreesLeftOut += 1
        continue
      }
      guard prepare(item, of: branch) else {
        if isOwn(item.lineage) { counts.prunedGraphs += 1 }
        continue
      }
      let visited = counts.executions
      let restarts = counts.restarts
      if run(visit) == .stop { return false }
      if counts.restarts > restarts {
        setEarlyAlternativesAside()
      } else if turns > 0, counts.executions > visited {
        turns -= 1
        takeTurn()
      }
    }
  }

  /// After the first execution: gives some alternatives to its earliest events searches of their own.
  private func setEarlyAlternativesAside() {
    let first = branches[0]
    let count = min(Self.earlyAlternatives, first.pointee.items.count)
    for item in first.pointee.items.prefix(count) {
      let early = takeBranch()
      early.pointee.begin(from: first.pointee, item)
      aside.append([early])
    }
    first.pointee.items.removeFirst(count)
    noteMemory()
    if count > 0 {
      turns = count
      takeTurn()
    }
  }

  /// Sets the search at hand aside, and goes on with the one that waits longest.
  private func takeTurn() {
    if !branches.isEmpty { aside.append(branches) }
    branches = aside.removeFirst()
  }

  /// Puts what the item says on top. Answers whether it is worth a run.
  func prepare(_ item: WorkItem, of branch: UnsafeMutablePointer<Branch>) -> Bool {
    guard case .revisit(let read, let write) = item.alternative else { return branch.pointee.apply(item, check) }
    let new = takeBranch()
    let isWorthARun = new.pointee.begin(from: &branch.pointee, read: read, write: write, item.lineage, check)
    if !isWorthARun, new.pointee.items.isEmpty {
      release(new)
      return false
    }
    branches.append(new)
    noteMemory()
    return isWorthARun
  }

  package func clearCounts() { counts = Counts() }

  /// Back to the empty graph.
  package func restart() {
    for branch in branches + aside.joined() { release(branch) }
    branches.removeAll()
    aside.removeAll()
    turns = 0
    let root = takeBranch()
    root.pointee.graph.reset()
    root.pointee.items.removeAll(keepingCapacity: true)
    root.pointee.origin = nil
    root.pointee.lineage = Lineage(levels: Int32(part?.level ?? 0))
    branches.append(root)
  }

  /// Whether it counts here what comes of it.
  private func isOwn(_ lineage: Lineage) -> Bool { part?.owns(lineage) ?? true }

  /// A graph was left out, or may have been, because of dependencies that a compiler may break.
  package var leavesOutByDependencies: Bool { rules.pointee.fragility.pointee.isSeen }

  private func noteLength() {
    let graph = execution.graph
    counts.longest = max(counts.longest, graph.pointee.count)
    if graph.pointee.count <= counts.longestOfRacer { return }
    for racer in 0..<graph.pointee.racers {
      counts.longestOfRacer = max(counts.longestOfRacer, graph.pointee.length[racer])
    }
  }

  /// What the kernel's model allows of programs as long as this one though it may not be so, in words.
  package var reservations: [String] {
    var reservations: [String] = []
    if rules.pointee.model == .kernel, counts.longestOfRacer > Dependencies.limit {
      reservations.append(
        "a racer has more than \(Dependencies.limit) events: what depends on a read beyond those is taken for independent"
      )
    }
    if rules.pointee.fragility.pointee.sawTooLong {
      reservations.append(
        "an execution has more than \(KernelGraph.mostEvents) events: where the order of plain accesses rests on them all, it is taken for none"
      )
    }
    return reservations
  }

  /// Runs the program on the graph on top.
  func run(_ visit: () -> Step) -> Step {
    while true {
      runOnce()
      guard execution.state.pointee.needsRestart else { break }
      execution.state.pointee.needsRestart = false
      let restarts = counts.restarts + 1
      counts = Counts()
      counts.restarts = restarts
      willRestart()
      restart()
    }
    // It only leads to others here.
    if !isOwn(branches[branches.count - 1].pointee.lineage) { return .goOn }
    noteLength()
    switch execution.state.pointee.end {
    case .complete: break
    case .blocked:
      guard noteStuck() else {
        counts.blockedRuns += 1
        return .goOn
      }
    case .stopped: break
    case .abandoned:
      counts.blockedRuns += 1
      return .goOn
    case .diverged:
      counts.blockedRuns += 1
      counts.divergedRuns += 1
      return program.mayDiffer && execution.state.pointee.divergence != nil ? .stop : .goOn
    }
    counts.executions += 1
    return visit()
  }

  /// After a run that ended blocked: notes those who wait for ever. Answers whether there are any.
  @discardableResult package func noteStuck() -> Bool {
    guard execution.state.pointee.end == .blocked else { return false }
    let stuck = execution.stuckRacers()
    if stuck.isEmpty { return false }
    execution.note(
      .stuck, stuck,
      "deadlock: " + stuck.map(program.name).joined(separator: ", ")
        + (stuck.count == 1 ? " waits" : " wait") + " for something that no racer will do")
    return true
  }

  /// One run, from the program's start: after it the words hold what the graph says.
  package func runOnce() {
    execution.state.pointee.labels?.begin(window: 0)
    runAsLabelled()
    learnDependencies()
  }

  func runAsLabelled() {
    let state = execution.state
    state.pointee.branch = branches[branches.count - 1]
    if !state.pointee.mishaps.isEmpty { state.pointee.mishaps.removeAll() }
    let space = state.pointee.space
    for racer in 0...program.racerCount {
      space.forgetBlocks(of: racer, count: state.pointee.racers[racer].nextBlock)
      state.pointee.racers[racer] = RacerProgress()
    }
    space.reset(state.pointee.shadow)
    program.prepare()
    cfiber_catch_faults(state.pointee.fibers, program.racerCount, Execution.onFault, state)
    execution.run()
    cfiber_catch_faults(nil, 0, nil, nil)
    execution.holdFinalValues()
    program.runEnded()
  }
}

// MARK: Storage

extension Exploration {
  private static func makeBranch(_ racers: Int, _ rules: UnsafeMutablePointer<Rules>) -> UnsafeMutablePointer<Branch> {
    let branch = UnsafeMutablePointer<Branch>.allocate(capacity: 1)
    branch.initialize(to: Branch(ExecutionGraph(racers: racers, rules: rules.pointee)))
    return branch
  }

  func takeBranch() -> UnsafeMutablePointer<Branch> {
    spare.popLast() ?? Self.makeBranch(program.racerCount, rules)
  }

  func release(_ branch: UnsafeMutablePointer<Branch>) { spare.append(branch) }

  private func noteMemory() { counts.peakBytes = max(counts.peakBytes, heldBytes) }

  /// Bytes that graphs and what is left to try hold.
  var heldBytes: Int {
    (branches + aside.joined() + spare).reduce(0) {
      $0 + $1.pointee.graph.footprint + $1.pointee.items.capacity * MemoryLayout<WorkItem>.stride
    }
  }
}

// MARK: One execution again

extension Exploration {
  /// What leads to the execution at hand, in this exploration and in any other one of the same program.
  package func guide() -> Guide {
    let graph = execution.graph.pointee
    return Guide(Guide(graph).decisions, mixedWords: execution.space.mixedWords(of: graph))
  }

  /// Whether what a read is promised is written because of it, if the program runs with that: else there is no execution in
  /// which the read reads what it causes.
  package func keepsPromise(of guide: Guide) -> Bool {
    guard let promise = guide.promise else { return true }
    let state = execution.state
    state.pointee.guide = guide
    defer { state.pointee.guide = nil }
    guard guide.mixedWords.allSatisfy(state.pointee.space.watch) else { return true }
    repeat {
      state.pointee.needsRestart = false
      restart()
      runOnce()
    } while state.pointee.needsRestart
    let graph = execution.graph.pointee
    guard let read = graph.event(of: promise.read.racer, at: promise.read.index),
      let write = graph.event(of: promise.write.racer, at: promise.write.index)
    else { return false }
    let event = graph.events[write]
    guard event.kind == .write, event.location == graph.events[read].location, event.value == promise.value else {
      return false
    }
    // Else it is a read like others, and was visited.
    return graph.isCause(read, of: write)
  }

  /// Runs the execution that a guide leads to, and notes its operations. Nil where the program does not follow it.
  package func trace(of guide: Guide, wantsSources: Bool) -> TraceRecorder? {
    let state = execution.state
    state.pointee.guide = guide
    defer { state.pointee.guide = nil }
    guard guide.mixedWords.allSatisfy(state.pointee.space.watch) else { return nil }
    restart()
    while true {
      state.pointee.trace = TraceRecorder(wantsSources: wantsSources)
      runOnce()
      guard state.pointee.needsRestart else { break }
      state.pointee.needsRestart = false
      restart()
    }
    noteStuck()
    let trace = state.pointee.trace
    state.pointee.trace = nil
    guard state.pointee.end != .diverged, Guide(execution.graph.pointee).decisions == guide.decisions else {
      return nil
    }
    return trace
  }
}
