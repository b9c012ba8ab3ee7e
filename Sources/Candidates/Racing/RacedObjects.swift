import AddonMemory
import Addons
import CCandidate
import CThreads
import Machine
import RaceLoops
import RaceModel
import StressEngine

/// Racers that share an object, raced as a modelled site is: on many objects, in every shape, by the stress engine.
///
/// It begins with rounds in the natural shape, which show what the code needs, and often what is wrong with it: the size of
/// its allocations, how many a visit makes, where its slot is. They are in no figure. Then the race begins.
final class RacedObjects {
  private let object: LoadedObject
  private let scenario: Scenario
  private let functions: UnsafeMutablePointer<RacedFunctions>
  private let roles: [String]
  private let alignment: Int

  /// Nil where racers have no object of their own: they are raced as a program.
  init?(_ object: LoadedObject, _ scenario: Scenario) {
    guard let roles = object.built.roles,
      let layout = object.function("addonrace_object_layout")?.assumingMemoryBound(to: UInt.self),
      let setUp = object.function("addonrace_setup_object"), let check = object.function("addonrace_check_object"),
      let tearDown = object.function("addonrace_teardown_object")
    else { return nil }
    let visits = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: roles.count)
    for (number, role) in roles.enumerated() {
      guard let function = object.function("addonrace_racer_\(role)_object") else { return nil }
      visits[number] = function
    }
    self.object = object
    self.scenario = scenario
    self.roles = roles
    alignment = max(8, Int(layout[1]))
    functions = .allocate(capacity: 1)
    let needs = UnsafeMutablePointer<RacedNeeds>.allocate(capacity: Stress.mostRacers)
    needs.initialize(repeating: RacedNeeds(), count: Stress.mostRacers)
    functions.initialize(
      to: RacedFunctions(
        visits: visits, setUp: setUp, check: check, tearDown: tearDown, size: Int(layout[0]), needs: needs))
  }

  deinit {
    // Racers that are stuck in a visit still use it.
    if isStuck { return }
    functions.pointee.visits.deallocate()
    functions.pointee.needs.deallocate()
    functions.deallocate()
  }

  private var isStuck = false

  /// What code that keeps allocations beyond its objects cannot be raced on.
  enum Outcome {
    case raced(EngineRun, notes: [String])
    case outlivesObjects
  }

  func run(
    progress: @escaping (RunProgress) -> Void, judge: @escaping (Evidence) -> Judgement
  ) throws(EngineError) -> Outcome {
    // What is reached from an object is found by where the pools lie.
    if scenario.stress.heap == .malloc {
      throw EngineError("racers that share an object are raced with the pool as their heap: leave 'heap: malloc' out")
    }
    RacedFunctions.bound = functions
    CandidateServer.begin(object, seed: scenario.stress.seed)
    let first = try race(beginning, beginningFacts, { _ in }, judge)
    if functions.pointee.outlivesObjects { return .outlivesObjects }
    if first.end != .time && first.end != .enough { return .raced(described(first), notes: []) }
    // A round in which something is wrong is followed by rounds that are looked at more closely.
    functions.pointee.looksAtSlots = functions.pointee.slot < 0
    let run = try race(scenario, facts, progress, judge)
    if functions.pointee.outlivesObjects { return .outlivesObjects }
    return .raced(described(run), notes: notes)
  }

  private func race(
    _ scenario: Scenario, _ facts: SubjectFacts, _ progress: @escaping (RunProgress) -> Void,
    _ judge: @escaping (Evidence) -> Judgement
  ) throws(EngineError) -> EngineRun {
    var engine = Stress()
    engine.progress = progress
    let functions = functions
    let run = try engine.run(scenario, facts, Self.code) { evidence in
      if functions.pointee.outlivesObjects { return .stop }
      let slotsWereSeen = functions.pointee.slotIsDeclared && functions.pointee.looksAtSlots
      let judged = RacedEvidence(evidence, slotsWereSeen: slotsWereSeen).judged
      if !judged.mishaps.isEmpty { functions.pointee.looksAtSlots = true }
      return judge(judged)
    }
    if case .timedOut = run.end { isStuck = true }
    let mishaps = try CandidateServer.takeMishaps(SourceNames(object))
    if !mishaps.isEmpty {
      var evidence = Evidence()
      evidence.round = run.figures.rounds
      evidence.roles = scenario.roles
      evidence.mishaps = mishaps
      _ = judge(evidence)
    }
    return run
  }

  /// Fails of the code leave what the thread does in the middle.
  private static let code: RacedCode = {
    var code = RacedCode(CandidateSite.self)
    code.stackBytes = 256 << 10
    code.protect = { body in
      var body = body
      return withUnsafeMutablePointer(to: &body) { body in
        ccandidate_protect({ $0?.assumingMemoryBound(to: (() -> Void).self).pointee() }, body) != 0
      }
    }
    return code
  }()

  // MARK: What the first rounds need, and what the others do

  /// By racer.
  private var needs: [RacedNeeds] { (0..<scenario.racerCount).map { functions.pointee.needs[$0] } }

  private static let secondsOfBeginning = 0.1
  private static let inodesOfBeginning = 32

  /// A race that is long enough to see what the code needs.
  private var beginning: Scenario {
    var beginning = scenario
    beginning.stress.shape = .natural
    beginning.stress.start = .free
    beginning.stress.inodes = min(Self.inodesOfBeginning, scenario.stress.inodes)
    beginning.stress.time = min(Self.secondsOfBeginning, scenario.stress.time / 4)
    beginning.stress.collisions = .max
    beginning.stress.heap = .pool
    beginning.stress.checking = .everyRound
    beginning.faults = InjectedFailures()
    return beginning
  }

  private static let allocationsOfBeginning = 32

  private var beginningFacts: SubjectFacts {
    facts(
      biggest: SiteLimits.largestAddon, perVisit: Self.allocationsOfBeginning, perCreation: Self.allocationsOfBeginning)
  }

  private var facts: SubjectFacts {
    // A few more than were seen: who loses a race may try again.
    let most = needs.map(\.mostAllocations).max() ?? 0
    return facts(
      biggest: min(max(needs.map(\.biggestAllocation).max() ?? 0, 8), SiteLimits.largestAddon),
      perVisit: most <= 1 ? max(most, 1) : 2 * most,
      perCreation: functions.pointee.creationAllocates ? Self.allocationsOfBeginning : 0)
  }

  private func facts(biggest: Int, perVisit: Int, perCreation: Int) -> SubjectFacts {
    let size = (functions.pointee.size + alignment - 1) / alignment * alignment
    let limits = SiteLimits(
      inodeSize: max(size, 8), biggestAddon: biggest, allocationsPerVisit: perVisit, allocationsPerCreation: perCreation
    )
    let known = functions.pointee.slot >= 0
    let allocates = needs.reduce(0) { $0 | $1.allocates }
    return SubjectFacts(
      CandidateSite.about, CandidateSite.strategy,
      roles: roles.enumerated().map { number, name in
        SubjectFacts.Role(
          name: name, sentence: "", looksOnly: known && allocates >> UInt64(number & 63) & 1 == 0,
          detaches: false, putsInode: false, waitsFor: nil)
      }, limits: limits, keepsHistory: false)
  }

  // MARK: Afterwards

  private func described(_ run: EngineRun) -> EngineRun {
    var run = run
    run.figures.yieldIsKnown = functions.pointee.slotIsDeclared
    return run
  }

  private var notes: [String] {
    let unwatched = CandidateServer.unwatchedCount
    if unwatched == 0 { return [] }
    return [
      "\(unwatched) allocations were not watched: more than \(SiteLimits.largestAddon) bytes, or too many in a visit"
    ]
  }
}

/// What is judged of a round: where a slot is declared and was looked at, all that is judged of a modelled site; else what
/// became of each allocation.
struct RacedEvidence {
  private let evidence: Evidence
  private let slotsWereSeen: Bool

  init(_ evidence: Evidence, slotsWereSeen: Bool) {
    self.evidence = evidence
    self.slotsWereSeen = slotsWereSeen
  }

  /// Where code takes addons out of its slots again, nobody has seen all that happened to a slot.
  private var slotsWereSeenWhole: Bool {
    slotsWereSeen && !evidence.allocations.contains { $0.published > 0 && $0.freedBeforeTeardown > 0 }
  }

  var judged: Evidence {
    if slotsWereSeenWhole { return evidence }
    var judged = Evidence()
    judged.round = evidence.round
    judged.roles = evidence.roles
    judged.inodeCount = evidence.inodeCount
    judged.observations = evidence.observations
    judged.badFrees = evidence.badFrees
    judged.mishaps = evidence.mishaps
    for (number, allocation) in evidence.allocations.enumerated() {
      let bytes = "\(allocation.size) bytes that racer \(allocation.racer) allocated"
      if allocation.freed == 0 {
        judged.mishaps.append(mishap(.leak, "\(bytes) are never freed, and its object does not reach them", allocation))
      } else if allocation.freed > 1 {
        judged.mishaps.append(mishap(.useAfterFree, "\(bytes) were freed \(allocation.freed) times", allocation))
      }
      if evidence.writesAfterFree.contains(number) {
        judged.mishaps.append(mishap(.useAfterFree, "\(bytes) were written to after they had been freed", allocation))
      }
    }
    return judged
  }

  private func mishap(_ kind: Mishap.Kind, _ message: String, _ allocation: Allocation) -> Mishap {
    var mishap = Mishap(kind, racers: [allocation.racer], message: message)
    mishap.inode = allocation.inode
    return mishap
  }
}
