import CAtomics
import CThreads
import Machine
import RaceLoops
import RaceModel

/// One racer's life: rounds, one barrier each. While a round is raced, the one before it is swept.
struct Racer {
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
    let code = arena.code
    let settings = (0..<Arena.roundsInFlight).map { arena.setting(of: number, buffer: $0) }
    var sweeps = (0..<Arena.roundsInFlight).map { Sweep(settings[$0], arena.rounds[$0]) }
    var start = AdaptiveStart()
    var epoch: UInt64 = 0
    var swept = Tally()
    var pipeline: Pipeline?
    if plan.window == .pipeline {
      do throws(EngineError) {
        pipeline = try Pipeline(code, settings[0], capacity: plan.visitsInFlightChoices.max() ?? 1)
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
        if !plan.looksOnly[number] {
          swept.windowsInSections += settings[buffer].pointee.state.pointee.windowsInSections
        }
      }
      arena.tally(of: number, round: round).pointee = swept
      let stop = Int(catomics_load_relaxed_64(arena.line(Line.stop)))
      if stop != 0, round >= stop { return round }

      let setting = settings[buffer]
      prepare(round, setting.pointee.state)
      epoch &+= 2 &* UInt64(plan.inodeCount) &+ 256
      if let pipeline {
        pipeline.setLength(Int(catomics_load_relaxed_64(arena.line(Line.visitsInFlight))))
        pipeline.visitAll(setting, epoch: epoch)
      } else if plan.window == .meet {
        code.visitForced(setting, epoch)
      } else if plan.adaptiveStart {
        withUnsafeMutablePointer(to: &start) { code.visitTogether(setting, epoch, $0) }
      } else {
        code.visitFreely(setting)
      }
      setting.pointee.freeWhatIsDeferred()
      if round >= 1, !isJudgedInFull(round - 1) { sweep(round - 1, &sweeps[buffer ^ 1]) }
      if isFirst, stop == 0, course.isOver(round: round) {
        catomics_store_relaxed_64(arena.line(Line.stop), UInt64(round + 1))
      }
      round += 1
    }
  }

  /// This racer's part of putting a swept round back to its start.
  private func prepare(_ round: Int, _ state: UnsafeMutablePointer<RacerState>) {
    state.pointee.tornDown.update(repeating: false, count: plan.inodeCount)
    state.pointee.roundNumber = round
    state.pointee.next = state.pointee.firstOfVisits
    if state.pointee.usesMalloc, state.pointee.next == 0 { state.pointee.addresses.clear() }
    state.pointee.deferredCount = 0
    state.pointee.attempts = 0
    state.pointee.historyCount = 0
    state.pointee.window = plan.window
    state.pointee.delay = Int(catomics_load_relaxed_64(arena.line(Line.delay)))
    state.pointee.windowsInSections = 0
    let meetsAtEachVisit =
      plan.window == .meet
      || plan.window == .pipeline && catomics_load_relaxed_64(arena.line(Line.visitsInFlight)) == 1
    state.pointee.meetsInSections = meetsAtEachVisit && !plan.looksOnly[number]
  }

  private func sweep(_ round: Int, _ sweep: inout Sweep) {
    if plan.options.checking == .none {
      arena.code.sweepUnchecked?(&sweep)
    } else if let run = arena.code.sweep, !run(&sweep) {
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
    if course.judge(round) == .stop {
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
