import Addons
import CAtomics
import CThreads
import RaceModel

/// What all racers of a run share besides the arena; the first racer alone writes it.
final class Course: @unchecked Sendable {
  let arena: Arena
  let plan: Plan
  let judge: (Evidence) -> Judgement
  let started: Double
  let progress: (RunProgress) -> Void
  var figures = Figures()
  var end = EngineRun.End.time
  var visitsInFlight: Tuning
  var delay: Tuning
  var failure: EngineError?
  /// Of these the last is not swept: it is judged when everyone has left.
  var roundsRaced = 0
  private var lastReport = 0.0
  // Looks at the clock, and at what has been counted.
  private static let secondsBetweenLooks = 0.000_1
  private static let mostRoundsBetweenLooks = 64
  private var lastLook = 0.0
  private var nextLook = 0
  private var roundsBetweenLooks = 1
  /// Of what racers have swept, what is in the figures already.
  private var counted = Tally()
  private var winsCounted: [Int]

  init(
    _ arena: Arena, seed: UInt64, judge: @escaping (Evidence) -> Judgement,
    progress: @escaping (RunProgress) -> Void, started: Double
  ) {
    self.arena = arena
    plan = arena.plan
    self.judge = judge
    self.progress = progress
    self.started = started
    visitsInFlight = Tuning(plan.visitsInFlightChoices, enoughYield: 0.99)
    delay = Tuning(plan.delayChoices, enoughYield: 0.985)
    winsCounted = Array(repeating: 0, count: plan.racerCount)
    figures.winsByRacer = Array(repeating: 0, count: plan.racerCount)
    figures.heap = plan.options.heap
    figures.seed = seed
    announceChoices()
  }

  /// Writes what the next round uses where racers read it.
  private func announceChoices() {
    if let choice = visitsInFlight.choice { catomics_store_relaxed_64(arena.line(Line.visitsInFlight), UInt64(choice)) }
    if let choice = delay.choice { catomics_store_relaxed_64(arena.line(Line.delay), UInt64(choice)) }
  }

  /// Counts a round that was judged.
  func add(_ tally: Tally, winsByRacer: [Int]) {
    for (racer, wins) in winsByRacer.enumerated() { figures.winsByRacer[racer] += wins }
    add(tally, rounds: 1)
  }

  private func add(_ tally: Tally, rounds: Int) {
    figures.rounds += rounds
    figures.populations += tally.populations
    figures.collisions += tally.collisions
    figures.losers += tally.losers
    figures.winnerChanges += max(0, tally.stretches - rounds)
    figures.winnerPairs += rounds * (plan.inodeCount - 1)
    figures.allocations += tally.allocations
    figures.frees += tally.frees
    figures.refusals += tally.refusals
    figures.detaches += tally.detaches
  }

  /// Counts what racers had swept when `round` began and has not been counted yet. Only in the round after it, or when all
  /// have left.
  func addSweeps(before round: Int) {
    var sum = Tally()
    for racer in 0..<plan.racerCount {
      let tally = arena.tally(of: racer, round: round).pointee
      sum += tally
      figures.winsByRacer[racer] += tally.populations - winsCounted[racer]
      winsCounted[racer] = tally.populations
    }
    sum.rounds /= plan.racerCount
    add(sum - counted, rounds: sum.rounds - counted.rounds)
    counted = sum
  }

  /// After each round: whether the run ends, how it ends, and what the next round uses. A look at the clock is worth tens
  /// of nanoseconds in which the other racers wait: where rounds are short, some pass without one.
  func isOver(round: Int) -> Bool {
    catomics_store_relaxed_64(arena.line(Line.heartbeat), UInt64(round + 1))
    if round < nextLook { return false }
    let now = Clock.now()
    roundsBetweenLooks =
      now - lastLook < Self.secondsBetweenLooks ? min(2 * roundsBetweenLooks, Self.mostRoundsBetweenLooks) : 1
    nextLook = round + roundsBetweenLooks
    lastLook = now
    if round > 0 { addSweeps(before: round - 1) }
    if now - lastReport > 0.1 {
      lastReport = now
      progress(RunProgress(round: round, populations: figures.populations, collisions: figures.collisions))
    }
    if !visitsInFlight.isSettled || !delay.isSettled {
      visitsInFlight.note(time: now, populations: figures.populations, collisions: figures.collisions)
      delay.note(time: now, populations: figures.populations, collisions: figures.collisions)
      announceChoices()
    }
    if cthreads_interrupted() != 0 {
      end = .interrupted
    } else if figures.collisions >= plan.options.collisions {
      end = .enough
    } else if now - started >= plan.options.time {
      end = .time
    } else {
      return false
    }
    return true
  }
}

/// What a run says of itself while it goes on.
public struct RunProgress: Sendable {
  public var round: Int
  public var populations: Int
  public var collisions: Int

  public init(round: Int, populations: Int, collisions: Int) {
    self.round = round
    self.populations = populations
    self.collisions = collisions
  }
}

/// One racer's life: rounds, one barrier each. While a round is raced, the one before it is swept.
struct Racer<S: Site> {
  let course: Course
  let number: Int
  private var arena: Arena { course.arena }
  private var plan: Plan { course.plan }
  private var isFirst: Bool { number == 0 }

  init(_ course: Course, number: Int) {
    self.course = course
    self.number = number
  }

  func race() {
    let roundTrip = RoundTrip(word: arena.line(Line.roundTrip), abandoned: arena.line(Line.abandoned))
    let measures = number < 2 && plan.processors > 1
    var base: UInt64 = 0
    var crossing: UInt64 = 0
    if measures {
      let time = roundTrip.measure(as: number, from: &base)
      if isFirst { course.figures.calibration.roundTripBefore = time }
    }
    let roundsRaced = raceRounds(&crossing)
    guard cross(&crossing) else { return }
    if measures {
      let time = roundTrip.measure(as: number, from: &base)
      if isFirst { course.figures.calibration.roundTripAfter = time }
    }
    if isFirst {
      course.addSweeps(before: roundsRaced)
      course.roundsRaced = roundsRaced
    }
  }

  private func raceRounds(_ crossing: inout UInt64) -> Int {
    let loops = [VisitLoop<S>(arena, racer: number, buffer: 0), VisitLoop<S>(arena, racer: number, buffer: 1)]
    var sweeps = [Sweep<S>(arena, racer: number, buffer: 0), Sweep<S>(arena, racer: number, buffer: 1)]
    var start = AdaptiveStart()
    var epoch: UInt64 = 0
    var swept = Tally()
    var pipeline: Pipeline<S>?
    if plan.window == .pipeline {
      do throws(EngineError) {
        pipeline = try Pipeline(
          loops[0], capacity: plan.visitsInFlightChoices.max() ?? 1, isLooking: plan.looksOnly[number])
      } catch {
        catomics_store_relaxed_64(arena.line(Line.abandoned), 1)
        course.failure = error
        return 0
      }
    }

    var round = 0
    while true {
      let buffer = round & 1
      guard cross(&crossing) else { return round }
      if round >= 2 {
        if needsJudging(round - 2) {
          if isFirst { judge(round - 2) }
          guard cross(&crossing) else { return round }
        } else {
          swept += sweeps[buffer].tally
        }
      }
      arena.tally(of: number, round: round).pointee = swept
      let stop = Int(catomics_load_relaxed_64(arena.line(Line.stop)))
      if stop != 0, round >= stop { return round }

      prepare(round, loops[buffer])
      epoch &+= 2 &* UInt64(plan.inodeCount) &+ 256
      if let pipeline {
        pipeline.setLength(Int(catomics_load_relaxed_64(arena.line(Line.visitsInFlight))))
        pipeline.visitAll(loops[buffer], epoch: epoch)
      } else if plan.window == .meet {
        loops[buffer].visitForced(epoch: epoch)
      } else if plan.adaptiveStart {
        withUnsafeMutablePointer(to: &start) { loops[buffer].visitTogether(epoch: epoch, start: $0) }
      } else {
        loops[buffer].visitFreely()
      }
      loops[buffer].freeWhatIsDeferred()
      if round >= 1, !isJudgedInFull(round - 1) { sweep(round - 1, &sweeps[buffer ^ 1]) }
      if isFirst, stop == 0, course.isOver(round: round) {
        catomics_store_relaxed_64(arena.line(Line.stop), UInt64(round + 1))
      }
      round += 1
    }
  }

  /// This racer's part of putting a swept round back to its start.
  private func prepare(_ number: Int, _ loop: VisitLoop<S>) {
    let state = loop.state
    state.pointee.tornDown.update(repeating: false, count: plan.inodeCount)
    state.pointee.roundNumber = number
    if !plan.eager {
      state.pointee.next = 0
      if state.pointee.usesMalloc { state.pointee.addresses.clear() }
    }
    state.pointee.attempts = 0
    state.pointee.historyCount = 0
    state.pointee.window = plan.window
    state.pointee.delay = Int(catomics_load_relaxed_64(arena.line(Line.delay)))
  }

  private func sweep(_ round: Int, _ sweep: inout Sweep<S>) {
    if plan.options.checking == .none {
      sweep.runUnchecked()
    } else if !sweep.run() {
      catomics_store_relaxed_64(arena.line(Line.suspect + (round & 1)), UInt64(round + 1))
    }
  }

  /// Rounds that no sweep touches: every one where that is asked for, the first, and one now and then.
  private func isJudgedInFull(_ round: Int) -> Bool {
    plan.judgesEveryRound || (plan.options.checking != .none && round & 4095 == 0)
  }

  /// All racers answer the same, from what was written before they met.
  private func needsJudging(_ round: Int) -> Bool {
    if isJudgedInFull(round) { return true }
    if plan.options.checking == .none { return false }
    return catomics_load_relaxed_64(arena.line(Line.suspect + (round & 1))) == UInt64(round + 1)
  }

  private func judge(_ round: Int) {
    if course.judge(round, of: S.self) == .stop {
      course.end = .stopped
      catomics_store_relaxed_64(arena.line(Line.stop), UInt64(max(round, 1)))
    }
  }

  /// The barrier, the only place where the harness orders racers. Answers false if the run was abandoned.
  private func cross(_ crossing: inout UInt64) -> Bool {
    let barrier = arena.line(Line.barrier)
    let abandoned = arena.line(Line.abandoned)
    crossing &+= UInt64(plan.racerCount)
    catomics_fetch_add_acq_rel_64(barrier, 1)
    var turns = 0
    while catomics_load_acquire_64(barrier) < crossing {
      turns &+= 1
      if turns <= plan.spins {
        cthreads_pause()
        continue
      }
      if catomics_load_relaxed_64(abandoned) != 0 { return false }
      cthreads_yield()
    }
    return catomics_load_relaxed_64(abandoned) == 0
  }
}

extension Course {
  /// Judges a round in full, counts it, and clears it. Only while nobody races in its buffer.
  func judge<S: Site>(_ round: Int, of site: S.Type) -> Judgement {
    let judging = Judging<S>(arena, buffer: round & 1)
    if plan.options.checking == .none {
      let (tally, wins) = judging.clear()
      add(tally, winsByRacer: wins)
      return .goOn
    }
    let (evidence, tally, wins) = judging.take()
    add(tally, winsByRacer: wins)
    figures.roundsJudged += 1
    return judge(evidence)
  }
}
