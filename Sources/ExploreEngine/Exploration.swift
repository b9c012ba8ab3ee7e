import AddonMemory
import CFibers
import Foundation
import RaceModel

/// What is explored: racers' code, and what is there before they start.
///
/// Subclassed by clients: a site's visits, a litmus program. `race` runs on fibers that may be dropped in the middle, so
/// it holds nothing but trivial values across operations.
class ExploredProgram {
  struct Layout {
    /// Bytes that exist from the start, zeroed.
    var staticSize: Int
    /// Bytes of the largest block.
    var largestBlock = 16
    /// Most allocations of one racer.
    var blocksPerRacer = 1
  }

  let racerCount: Int
  let layout: Layout
  /// By racer: one that runs the same code and comes right before it, or -1.
  let twins: [Int]
  final var execution: Execution!

  init(racerCount: Int, layout: Layout, twins: [Int]) {
    self.racerCount = racerCount
    self.layout = layout
    self.twins = twins
  }

  /// Before each run, at quiescence.
  func prepare() {}
  func race(_ racer: Int) {}
  /// For people.
  func name(of racer: Int) -> String { "racer \(racer)" }
  /// The address of the first byte that exists from the start.
  final var base: UInt { execution.state.pointee.space.base }
}

/// Visits every execution of a program that a memory model allows, each once, depth-first.
///
/// Depth first alone would stay close to the first execution for long. So a few alternatives to its earliest events get
/// a search of their own, which visits one execution and is set aside until the rest is done.
///
/// Memory: for each of these searches a graph for each revisit on the way to the execution at hand, so at most
/// polynomial in the length of one execution, however many there are.
final class Exploration {
  let program: ExploredProgram
  let execution: Execution
  private let rules: UnsafeMutablePointer<Rules>
  private let search = CycleSearch()
  private var branches: [UnsafeMutablePointer<Branch>] = []
  /// Searches set aside, the next in turn first.
  private var aside: [[UnsafeMutablePointer<Branch>]] = []
  /// How often it is another's turn after one execution.
  private var turns = 0
  /// How many alternatives to the first execution's events get a search of their own.
  private static let earlyAlternatives = 4
  private var spare: [UnsafeMutablePointer<Branch>] = []
  private let starts: UnsafeMutablePointer<RacerStart>
  private let ringArguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private static let stackSize = 64 << 10

  private(set) var counts = Counts()
  /// Asked now and then, also while nothing but abandoned runs and inconsistent graphs comes: whether to stop here.
  var isEnough: () -> Bool = { false }
  /// Events that are run, or looked at, between two such questions: graphs are short or long.
  private static let eventsBetweenLooks = 4096

  struct Counts {
    /// Complete executions, those that end in a crash or stuck included.
    var executions = 0
    /// Runs that turned out to be no execution: a racer waited for a change that it had missed.
    var abandoned = 0
    /// Graphs that turned out inconsistent, or twins of another, before anything was run.
    var discarded = 0
    /// Times that it began again, because a word turned out to be accessed both ways.
    var restarts = 0
    /// The most bytes that graphs held at once.
    var peakBytes = 0
    /// The most events of one execution.
    var longest = 0
  }

  /// Nil where the program is too large to be given memory.
  init?(
    _ program: ExploredProgram, model: MemoryModel, usesSymmetry: Bool, mostFailures: Int = 0,
    mostSpuriousFailures: Int = 0
  ) {
    let racers = program.racerCount
    guard
      let space = AddressSpace(
        staticSize: program.layout.staticSize, largestBlock: program.layout.largestBlock,
        blocksPerArena: program.layout.blocksPerRacer, racers: racers)
    else { return nil }
    self.program = program
    let width = (racers + 7) / 8
    let twins = UnsafeMutablePointer<Int32>.allocate(capacity: racers)
    for racer in 0..<racers { twins[racer] = Int32(program.twins[racer]) }
    rules = .allocate(capacity: 1)
    rules.initialize(
      to: Rules(
        model: model, clockWidth: width, twin: twins,
        usesSymmetry: usesSymmetry && program.twins.contains { $0 >= 0 }, space: space,
        scratch: VectorClock.make(width: width)))
    starts = .allocate(capacity: racers)
    ringArguments = .allocate(capacity: racers)
    for racer in 0..<racers {
      starts[racer] = RacerStart(program: Unmanaged.passUnretained(program), racer: racer)
      ringArguments[racer] = UnsafeMutableRawPointer(starts + racer)
    }
    guard let fibers = cfiber_ring_create(racers, Self.stackSize, 320, RacerStart.body, ringArguments) else {
      return nil
    }
    let racerStates = UnsafeMutablePointer<RacerState>.allocate(capacity: racers + 1)
    racerStates.initialize(repeating: RacerState(), count: racers + 1)
    let blocks = UnsafeMutablePointer<Block>.allocate(capacity: space.blockCount)
    blocks.initialize(repeating: Block(), count: space.blockCount)
    let state = UnsafeMutablePointer<ExecutionState>.allocate(capacity: 1)
    let root = Self.makeBranch(racers, rules)
    state.initialize(
      to: ExecutionState(
        racerCount: racers, rules: rules, space: space, shadow: Shadow(size: space.size, racers: racers),
        blocks: blocks, racers: racerStates, fibers: fibers, branch: root))
    state.pointee.mostFailures = mostFailures
    state.pointee.mostSpuriousFailures = mostSpuriousFailures
    execution = Execution(state: state)
    branches.append(root)
    program.execution = execution
  }

  deinit {
    let state = execution.state
    for branch in branches + aside.joined() + spare {
      branch.pointee.graph.destroy()
      branch.deinitialize(count: 1)
      branch.deallocate()
    }
    cfiber_ring_destroy(state.pointee.fibers, program.racerCount, Self.stackSize)
    state.pointee.shadow.destroy()
    state.pointee.space.destroy()
    state.pointee.blocks.deallocate()
    state.pointee.racers.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
    rules.pointee.twin.deallocate()
    rules.pointee.scratch.destroy()
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
  enum Step: Equatable { case goOn, stop }

  /// Visits executions until all are visited or `visit` says to stop. Answers whether all are. `visit` is told of
  /// complete executions, at quiescence, and of runs that stopped with something to report.
  func visitAll(_ visit: () -> Step) -> Bool {
    restart()
    if run(visit) == .stop { return false }
    setEarlyAlternativesAside()
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
      guard prepare(item, of: branch) else {
        counts.discarded += 1
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
  private func prepare(_ item: WorkItem, of branch: UnsafeMutablePointer<Branch>) -> Bool {
    guard case .revisit(let read, let write) = item else { return branch.pointee.apply(item, search) }
    let new = takeBranch()
    let isWorthARun = new.pointee.begin(from: &branch.pointee, read: read, write: write, search)
    if !isWorthARun, new.pointee.items.isEmpty {
      release(new)
      return false
    }
    branches.append(new)
    noteMemory()
    return isWorthARun
  }

  func clearCounts() { counts = Counts() }

  /// Back to the empty graph.
  func restart() {
    for branch in branches + aside.joined() { release(branch) }
    branches.removeAll()
    aside.removeAll()
    turns = 0
    let root = takeBranch()
    root.pointee.graph.reset()
    root.pointee.items.removeAll(keepingCapacity: true)
    root.pointee.origin = nil
    branches.append(root)
  }

  /// Runs the program on the graph on top.
  private func run(_ visit: () -> Step) -> Step {
    while true {
      runOnce()
      guard execution.state.pointee.needsRestart else { break }
      execution.state.pointee.needsRestart = false
      let restarts = counts.restarts + 1
      counts = Counts()
      counts.restarts = restarts
      restart()
    }
    counts.longest = max(counts.longest, execution.graph.pointee.count)
    switch execution.state.pointee.end {
    case .complete: break
    case .blocked:
      guard noteStuck() else {
        counts.abandoned += 1
        return .goOn
      }
    case .stopped: break
    case .diverged:
      counts.abandoned += 1
      return .goOn
    }
    counts.executions += 1
    return visit()
  }

  /// After a run that ended blocked: notes those who wait for ever. Answers whether there are any.
  @discardableResult func noteStuck() -> Bool {
    guard execution.state.pointee.end == .blocked else { return false }
    let stuck = execution.stuckRacers()
    if stuck.isEmpty { return false }
    execution.note(
      .stuck, stuck,
      stuck.count == 1
        ? "\(program.name(of: stuck[0])) waits for what nobody will do"
        : "\(stuck.map(program.name).joined(separator: ", ")) wait for what nobody will do")
    return true
  }

  /// One run, from the program's start: after it the words hold what the graph says.
  func runOnce() {
    let state = execution.state
    state.pointee.branch = branches[branches.count - 1]
    if !state.pointee.mishaps.isEmpty { state.pointee.mishaps.removeAll() }
    let space = state.pointee.space
    for racer in 0...program.racerCount {
      let first = space.firstBlock(of: racer)
      for block in first..<first + state.pointee.racers[racer].nextBlock {
        state.pointee.blocks[block].state = .unused
      }
      state.pointee.racers[racer] = RacerState()
    }
    UnsafeMutableRawPointer(bitPattern: space.base)?.initializeMemory(
      as: UInt8.self, repeating: 0, count: space.staticSize)
    state.pointee.shadow.start(0, space.staticSize, writer: nil, moment: 0)
    program.prepare()
    cfiber_catch_faults(state.pointee.fibers, program.racerCount, Execution.onFault, state)
    execution.run()
    cfiber_catch_faults(nil, 0, nil, nil)
    let graph = execution.graph
    for location in 0..<graph.pointee.locationCount {
      let last = graph.pointee.heads[location].lastWrite
      guard last >= 0 else { continue }
      let place = space.locations.pointee.all[location]
      space.write(place.address, place.size, graph.pointee.events[Int(last)].value)
    }
  }
}

// MARK: Samples

extension Exploration {
  /// Goes down one way of the search, chosen at random at every fork. Answers an estimate of how many executions there
  /// are, right on average over many samples. (Knuth, "Estimating the efficiency of backtrack programs", 1975; with
  /// Chen's choice by weight: what was forked off early has more below it, by a factor of e^growth for each event.)
  func sample<G: RandomNumberGenerator>(_ generator: inout G, growth: Double, _ visit: () -> Step) -> Double {
    restart()
    var estimate = 0.0
    var weight = 1.0
    var isWorthARun = true
    while true {
      if isWorthARun {
        let before = counts.executions
        if run(visit) == .stop { return estimate + weight }
        if counts.executions > before { estimate += weight }
      }
      guard let branch = branches.last, !branch.pointee.items.isEmpty else { return estimate }
      let first = branch.pointee.items.map(\.position).min() ?? 0
      let shares = branch.pointee.items.map { exp(Double(first - $0.position) * growth) }
      let total = shares.reduce(0, +)
      var rest = Double.random(in: 0..<total, using: &generator)
      let choice =
        shares.firstIndex { share in
          rest -= share
          return rest < 0
        } ?? 0
      weight *= total / shares[choice]
      let item = branch.pointee.items[choice]
      branch.pointee.items.removeAll(keepingCapacity: true)
      isWorthARun = prepare(item, of: branch)
    }
  }
}

extension WorkItem {
  /// The event from which on things go another way.
  fileprivate var position: Int {
    switch self {
    case .read(let id, _), .place(let id, _), .choose(let id, _): id
    case .revisit(let read, _): read
    }
  }
}

// MARK: Storage

extension Exploration {
  private static func makeBranch(_ racers: Int, _ rules: UnsafeMutablePointer<Rules>) -> UnsafeMutablePointer<Branch> {
    let branch = UnsafeMutablePointer<Branch>.allocate(capacity: 1)
    branch.initialize(to: Branch(ExecutionGraph(racers: racers, rules: rules.pointee)))
    return branch
  }

  private func takeBranch() -> UnsafeMutablePointer<Branch> {
    spare.popLast() ?? Self.makeBranch(program.racerCount, rules)
  }

  private func release(_ branch: UnsafeMutablePointer<Branch>) { spare.append(branch) }

  private func noteMemory() { counts.peakBytes = max(counts.peakBytes, heldBytes) }

  /// Bytes that graphs and what is left to try hold.
  var heldBytes: Int {
    (branches + aside.joined() + spare).reduce(0) {
      $0 + $1.pointee.graph.footprint + $1.pointee.items.capacity * MemoryLayout<WorkItem>.stride
    }
  }
}
