import Foundation

extension Exploration {
  /// Goes down one way of the search, chosen at random at every fork. Answers an estimate of how many executions there
  /// are, right on average over many samples. (Knuth, "Estimating the efficiency of backtrack programs", 1975; with
  /// Chen's choice by weight: what was forked off early has more below it, by a factor of e^growth for each event.)
  package func sample<G: RandomNumberGenerator>(_ generator: inout G, growth: Double, _ visit: () -> Step) -> Double {
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
  var position: Int {
    switch alternative {
    case .read(let id, _), .place(let id, _), .choose(let id, _): id
    case .revisit(let read, _): read
    }
  }
}
