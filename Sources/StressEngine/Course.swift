import CAtomics
import CThreads
import Machine
import RaceLoops
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
    // Racers that share processors take turns of some milliseconds.
    let seconds = plan.racerCount > plan.processors ? 0.01 : 0.002
    // A choice that is tried for so short a time may yield a little less in the long run.
    let minimum = plan.options.yieldFloor * 1.2
    visitsInFlight = Tuning(
      plan.visitsInFlightChoices, enoughYield: 0.99, minimumYield: minimum, seconds: seconds)
    delay = Tuning(plan.delayChoices, enoughYield: 0.985, minimumYield: minimum, seconds: seconds)
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

  /// Code that failed was left in the middle: nobody waits any longer, and the run has ended.
  func abandon() { catomics_store_relaxed_64(arena.line(Line.abandoned), Line.leftInTheMiddle) }

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
    tuneToSections(rounds: round - 1)
  }

  /// Visits of a pipeline cannot give way in a window that is inside a section: where many are, to have racers meet at each
  /// visit is one more choice.
  private func tuneToSections(rounds: Int) {
    guard rounds > 0, plan.window == .pipeline, !visitsInFlight.isSettled, !visitsInFlight.choices.contains(1) else {
      return
    }
    let populating = plan.looksOnly.count { !$0 }
    if counted.windowsInSections > rounds * populating * plan.inodeCount / 4 {
      visitsInFlight.tryAlso(1, afterRound: rounds + 2)
    }
  }

  /// After each round: whether the run ends, how it ends, and what the next round uses. A look at the clock is worth tens
  /// of nanoseconds in which the other racers wait: where rounds are short, some pass without one.
  func isOver(round: Int) -> Bool {
    catomics_store_relaxed_64(arena.line(Line.heartbeat), UInt64(round + 1))
    if round < nextLook { return false }
    let now = MonotonicClock.now()
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
      visitsInFlight.note(round: round, time: now, populations: figures.populations, collisions: figures.collisions)
      delay.note(round: round, time: now, populations: figures.populations, collisions: figures.collisions)
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

extension Course {
  /// Judges a round in full, counts it, and clears it. Only while nobody races in its buffer.
  func judge(_ round: Int) -> Judgement {
    let collecting = RoundCollecting(arena, buffer: round & 1)
    let (evidence, tally, wins) = collecting.take()
    add(tally, winsByRacer: wins)
    if plan.options.checking == .none { return .goOn }
    figures.roundsJudged += 1
    return judge(evidence)
  }
}
