/// The ways through a thread, those together that are alike but for the values.
struct ThreadWays {
  struct Way {
    /// By event.
    let values: [UInt64]
    /// What the registers hold at the end, by its number in `states`.
    let state: Int
  }
  struct Skeleton {
    /// Without their values.
    let events: [KernelEvent]
    fileprivate(set) var ways: [Way] = []
  }

  private(set) var skeletons: [Skeleton] = []
  private(set) var states: [[String: UInt64]] = []

  init(_ runs: [ThreadRun]) {
    var (skeletonNumbers, stateNumbers): ([[KernelEvent]: Int], [[String: UInt64]: Int]) = ([:], [:])
    for run in runs {
      let events = run.events.map(\.withoutValue)
      let skeleton = skeletonNumbers[events] ?? skeletons.count
      if skeleton == skeletons.count {
        skeletons.append(Skeleton(events: events))
        skeletonNumbers[events] = skeleton
      }
      let state = stateNumbers[run.registers] ?? states.count
      if state == states.count {
        states.append(run.registers)
        stateNumbers[run.registers] = state
      }
      skeletons[skeleton].ways.append(Way(values: run.events.map(\.value), state: state))
    }
  }

  var count: Int { skeletons.reduce(0) { $0 + $1.ways.count } }

  /// Places and values.
  func forEachWrite(_ visit: (Int, UInt64) -> Void) {
    for skeleton in skeletons {
      for (number, event) in skeleton.events.enumerated() where event.kind == .write {
        for way in skeleton.ways { visit(event.location, way.values[number]) }
      }
    }
  }
}

extension KernelEvent {
  fileprivate var withoutValue: KernelEvent {
    var event = self
    event.value = 0
    return event
  }
}
