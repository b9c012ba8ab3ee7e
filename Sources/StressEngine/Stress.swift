import AddonMemory
import Addons
import CAtomics
import CThreads
import Dispatch
import Machine
import RaceLoops
import RaceModel

/// Races a scenario on real threads and the machine's atomics.
///
/// Each racer is a serial Dispatch queue of its own, which is how Dispatch starts as many threads as are asked for, at
/// once, up to 255 in a process. The calling thread starts them, then watches: it never races.
public struct Stress {
  /// Dispatch starts no 256th thread.
  public static let mostRacers = 255

  /// Called now and then while a race is on, on a racer's thread.
  public var progress: (RunProgress) -> Void = { _ in }

  public init() {}

  public func run(
    _ scenario: Scenario, _ facts: SubjectFacts, _ code: RacedCode, judge: @escaping (Evidence) -> Judgement
  ) throws(EngineError) -> EngineRun {
    let started = MonotonicClock.now()
    let plan = try Plan(scenario, facts)
    let arena = Arena(plan, code)
    try checkLimits(arena)
    let course = Course(arena, seed: plan.options.seed, judge: judge, progress: progress, started: started)
    course.figures.calibration = Calibration(processors: plan.processors)

    let starting = Starting(course)
    let end = try starting.raceAll { number in
      if !code.protect({ Racer(course, number: number).race() }) { course.abandon() }
    }
    if let failure = course.failure { throw failure }
    try checkLimits(arena)
    if end == nil, course.roundsRaced > 0 {
      let isWhole = code.protect {
        if course.judge(course.roundsRaced - 1) == .stop { course.end = .stopped }
      }
      if !isWhole { course.abandon() }
      try checkLimits(arena)
    }
    if catomics_load_relaxed_64(arena.line(Line.abandoned)) == Line.leftInTheMiddle { course.end = .stopped }
    course.figures.visitsInFlight = course.visitsInFlight.choice
    course.figures.delay = course.delay.choice
    course.figures.seconds = MonotonicClock.now() - started
    return EngineRun(end: end ?? course.end, figures: course.figures)
  }

  private func checkLimits(_ arena: Arena) throws(EngineError) {
    guard let limit = arena.exceeded else { return }
    throw EngineError(limit.sentence(arena.plan.facts.site, arena.plan.facts.limits))
  }
}

/// Starts the racers, and watches over them until they have all left.
private struct Starting {
  static let secondsToArrive = 30.0
  static let secondsToLeave = 2.0
  let course: Course

  init(_ course: Course) { self.course = course }

  /// Runs `race` once for each racer, all at the same time, pinned round robin to the processors. Answers how the run
  /// ended if the watchdog ended it.
  func raceAll(_ race: @escaping (Int) -> Void) throws(EngineError) -> EngineRun.End? {
    let arena = course.arena
    let plan = course.plan
    let arrived = arena.line(Line.arrived)
    let started = arena.line(Line.started)
    let startedWord = UnsafePointer(UnsafeMutableRawPointer(started).assumingMemoryBound(to: UInt32.self))
    let body = UncheckedRace(race: race, arrived: arrived, started: started, startedWord: startedWord)
    let group = DispatchGroup()
    let processors = plan.processors
    for number in 0..<plan.racerCount {
      DispatchQueue(label: "addonrace.racer.\(number)").async(group: group) {
        cthreads_name("racer \(number)")
        cthreads_pin(Int32(number % processors))
        body.arriveAndWait()
        body.race(number)
        cthreads_unpin()
      }
    }
    // Racers that spun here would starve the thread that starts the others: they sleep on a futex.
    let deadline = MonotonicClock.now() + Self.secondsToArrive
    while catomics_load_acquire_64(arrived) < UInt64(plan.racerCount) {
      if MonotonicClock.now() > deadline {
        let count = catomics_load_relaxed_64(arrived)
        abandon(startedWord)
        throw EngineError("only \(count) of \(plan.racerCount) racers started in \(Int(Self.secondsToArrive)) s")
      }
      _ = group.wait(timeout: .now() + 0.000_2)
    }
    catomics_store_release_64(started, 1)
    cthreads_futex_wake_all(startedWord)
    return watch(group, startedWord)
  }

  private func watch(_ group: DispatchGroup, _ startedWord: UnsafePointer<UInt32>) -> EngineRun.End? {
    let heartbeat = course.arena.line(Line.heartbeat)
    var last: UInt64 = 0
    var since = MonotonicClock.now()
    while group.wait(timeout: .now() + 0.05) == .timedOut {
      let rounds = catomics_load_relaxed_64(heartbeat)
      let now = MonotonicClock.now()
      if rounds != last { (last, since) = (rounds, now) }
      guard now - since > course.plan.options.watchdog else { continue }
      let places = whereRacersAre()
      abandon(startedWord)
      var report = "no round ended for \(course.plan.options.watchdog) s after round \(rounds); \(places)"
      if group.wait(timeout: .now() + Self.secondsToLeave) == .timedOut {
        report += "; racers are stuck inside a visit"
        _ = Unmanaged.passRetained(course)  // they still use its memory
      }
      return .timedOut(report)
    }
    return nil
  }

  private func abandon(_ startedWord: UnsafePointer<UInt32>) {
    catomics_store_relaxed_64(course.arena.line(Line.abandoned), 1)
    catomics_store_release_64(course.arena.line(Line.started), 1)
    cthreads_futex_wake_all(startedWord)
  }

  private func whereRacersAre() -> String {
    let tickets = (0..<course.plan.racerCount).prefix(8).map { racer in
      "racer \(racer) at \(catomics_load_relaxed_64(course.arena.line(Line.progress + racer)))"
    }
    return (readers() + ["last announced: " + tickets.joined(separator: ", ")]).joined(separator: "; ")
  }

  /// Racers inside a read-side section, for which those wait that free.
  private func readers() -> [String] {
    let sections = course.arena.sections
    return course.plan.facts.site.domains.compactMap { domain in
      let inside = (0..<course.plan.racerCount).filter { racer in
        catomics_load_relaxed_64(sections.word(of: racer, domain)) & ReadSections.depth != 0
      }
      if inside.isEmpty { return nil }
      return "inside a read-side section of \(domain.name): \(inside.map { "racer \($0)" }.joined(separator: ", "))"
    }
  }
}

/// The racers' closure crosses threads on purpose: what it touches is ordered by the start and by the group.
private struct UncheckedRace: @unchecked Sendable {
  let race: (Int) -> Void
  let arrived: UnsafeMutablePointer<UInt64>
  let started: UnsafeMutablePointer<UInt64>
  let startedWord: UnsafePointer<UInt32>

  func arriveAndWait() {
    catomics_fetch_add_acq_rel_64(arrived, 1)
    while catomics_load_acquire_64(started) == 0 { cthreads_futex_wait(startedWord, 0, 100) }
  }
}
