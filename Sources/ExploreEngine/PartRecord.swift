import ExploreCore
import RaceModel

/// What a process has to say of its part of an exploration: of what it visited itself, and of the parts that it gave away.
struct PartRecord: Codable {
  /// How far it was when a checker reported for the first time: where another part came before, it may have been enough.
  struct Milestone: Codable {
    var counts: Exploration.Counts
    /// Executions that were judged in full.
    var judged: Int
    var judgements: Judgements
  }

  var end: EngineRun.End = .exhausted
  var reached = Milestone(counts: Exploration.Counts(), judged: 0, judgements: Judgements())
  var milestones: [Milestone] = []
  var isExhaustive = false
  var notes: [String] = []
  var bufferedLoads: [BufferedLoad] = []
  var leavesOutByDependencies = false

  /// Adds what comes after this in the order of the search; ends where, with what was said `before` of it all, it is enough.
  mutating func add(_ later: PartRecord, for judge: any ExecutionJudge, isEnough: (Judgements) -> Bool) {
    let base = reached
    for milestone in later.milestones {
      let here = base.adding(milestone, keeping: judge.findingsKept)
      guard here.judgements.reporters.count > (milestones.last?.judgements ?? base.judgements).reporters.count else {
        continue
      }
      milestones.append(here)
      if isEnough(here.judgements) {
        reached = here
        end = .stopped
        isExhaustive = false
        return
      }
    }
    reached = base.adding(later.reached, keeping: judge.findingsKept)
    notes += later.notes.filter { !notes.contains($0) }
    note(later.bufferedLoads)
    if later.leavesOutByDependencies { leavesOutByDependencies = true }
    if !later.isExhaustive { isExhaustive = false }
    if later.end != .exhausted, end == .exhausted { end = later.end }
  }

  mutating func note(_ loads: [BufferedLoad]) {
    for load in loads where !bufferedLoads.contains(where: { $0.isLike(load) }) { bufferedLoads.append(load) }
  }
}

extension PartRecord.Milestone {
  fileprivate func adding(_ later: Self, keeping most: Int) -> Self {
    var sum = self
    sum.counts.add(later.counts)
    sum.judged += later.judged
    sum.judgements.add(later.judgements, after: counts.executions, keeping: most)
    return sum
  }
}
