import AddonMemory
import Addons
import RaceModel
import Recording

/// After a round, each racer sweeps what it populated: checks that it is ordinary and tears it down, in one pass over
/// lines that are in its own cache. A round that is ordinary everywhere cannot hold a finding; any other is kept as
/// evidence, and judged.
///
/// *Ordinary*: every inode has one publication, the slot shows it, its content is as the site says, every visit found,
/// won, lost or saw nothing, and what it returned is what the slot shows; after teardown, every allocation was freed
/// once, by its own visit or, if it was published, by the teardown. The sweep only says yes or no.
public struct Sweep {
  @usableFromInline let setting: UnsafePointer<VisitSetting>
  @usableFromInline let round: UnsafeMutablePointer<RoundState>
  /// The inodes whose visits this racer looks at.
  private let share: Range<Int>
  /// What the last pass counted.
  public internal(set) var tally = Tally()

  public init(_ setting: UnsafePointer<VisitSetting>, _ round: UnsafeMutablePointer<RoundState>) {
    self.setting = setting
    self.round = round
    let (count, racers, racer) = (setting.pointee.count, round.pointee.racerCount, setting.pointee.racer)
    share = count * racer / racers..<count * (racer + 1) / racers
  }

  /// Whether everything was ordinary.
  @inlinable @inline(never) public mutating func run<S: Site>(_ site: S.Type) -> Bool {
    var unshown: UInt64 = 0
    let state = setting.pointee.state
    let log = setting.pointee.log
    let isOrdinary = tearDownWins(site) { number, inode, memory in
      S.inspect(inode, in: memory)
      // The winner's own addon, which it has told of, is what the slot shows.
      let mine = log[number] & LogWord.address
      let isShown = state.pointee.finals[number] == mine && memory.ownNumber(of: Addon(address: UInt(mine))) != nil
      unshown |= isShown ? 0 : 1
      return isShown
    }
    return unshown == 0 && isOrdinary && ledgerIsOrdinary() && state.pointee.observationCount == 0
      && state.pointee.strayCount == 0
  }

  /// The same without a check: what a run costs that only counts outcomes.
  @inlinable @inline(never) public mutating func runUnchecked<S: Site>(_ site: S.Type) {
    _ = tearDownWins(site) { _, _, _ in true }
  }

  /// Counts, and tears down what this racer populated where `inspect` finds nothing against it. Answers whether all visits
  /// of its share are ordinary.
  @inlinable @inline(__always)
  mutating func tearDownWins<S: Site>(_ site: S.Type, where inspect: (Int, Inode, RacedMemory) -> Bool) -> Bool {
    let isOrdinary = visitsAreOrdinary()
    let state = setting.pointee.state
    let loop = VisitLoop<S>(setting)
    let won = listWins()
    var stretches = 0
    var before = -2
    state.pointee.enter(.sweeping)
    for index in 0..<won {
      let number = Int(state.pointee.wins[index])
      loop.prefetchToWrite(Int(state.pointee.wins[min(index + Self.ahead, won)]))
      stretches &+= number == before &+ 1 ? 0 : 1
      before = number
      let memory = RacedMemory(
        state, entry: loop.log + number, inode: UInt32(truncatingIfNeeded: number), fiber: nil)
      let inode = loop.inode(number)
      guard inspect(number, inode, memory) else { continue }
      S.tearDown(inode, in: memory)
      state.pointee.tornDown[number] = true
    }
    state.pointee.enter(.visiting)
    count(won: won, stretches: stretches)
    return isOrdinary
  }

  /// So many inodes ahead a slot's line is asked for: a loser has it.
  @inlinable static var ahead: Int { 8 }

  /// Lists the inodes that this racer populated, without a branch that nobody could predict; answers how many.
  @usableFromInline func listWins() -> Int {
    let log = setting.pointee.log
    let wins = setting.pointee.state.pointee.wins
    let count = setting.pointee.count
    var won = 0
    var number = 0
    while number < count {
      wins[won] = UInt32(truncatingIfNeeded: number)
      won &+= Int(truncatingIfNeeded: LogWord.hasPublished(log[number]))
      number &+= 1
    }
    return won
  }

  @usableFromInline mutating func count(won: Int, stretches: Int) {
    tally.populations = won
    tally.stretches = stretches
    tally.allocations = setting.pointee.state.pointee.next
    tally.frees = setting.pointee.state.pointee.next
  }

  /// Looks at all racers' visits to this racer's share of the inodes, and counts how they ended.
  ///
  /// By share and not by winner, so that each log line travels to one other processor, and in order.
  @usableFromInline mutating func visitsAreOrdinary() -> Bool {
    tally = Tally(rounds: 1)
    let racers = round.pointee.racerCount
    var anomaly: UInt64 = 0
    var collisions = 0
    var losers: UInt64 = 0
    let first = round.pointee.logs[0]
    let second = round.pointee.logs[1]
    for number in share {
      if racers == 2, LogWord.isOrdinaryPair(first[number], second[number]) {
        let collided = LogWord.hasSeenNull(first[number] & second[number])
        collisions &+= Int(truncatingIfNeeded: collided)
        losers &+= collided
        continue
      }
      var told: UInt64 = 0
      var published: UInt64 = 0
      var sawNull: UInt64 = 0
      var racer = 0
      while racer < racers {
        let word = round.pointee.logs[racer][number]
        anomaly |= LogWord.anomaly(word, told: &told)
        published &+= LogWord.hasPublished(word)
        sawNull &+= LogWord.hasSeenNull(word)
        losers &+= LogWord.hasLost(word)
        racer &+= 1
      }
      anomaly |= published ^ 1
      collisions &+= sawNull > 1 ? 1 : 0
    }
    tally.collisions = collisions
    tally.losers = Int(losers)
    return anomaly == 0
  }

  /// Looking at every freed block's poison would cost as much as all the rest: one round in so many is looked at, and
  /// every round that is judged.
  private static var roundsBetweenLooks: Int { 8 }

  @usableFromInline func ledgerIsOrdinary() -> Bool {
    let state = setting.pointee.state.pointee
    var anomaly: UInt64 = 0
    for number in 0..<state.next { anomaly |= LedgerEntry.anomaly(state.ledger[number]) }
    if state.roundNumber % Self.roundsBetweenLooks == 0, !state.usesMalloc {
      for number in 0..<state.next where state.ledger[number] & LedgerEntry.freedByVisit != 0 {
        anomaly |= state.blockIsPoisoned(number) ? 0 : 1
      }
    }
    return anomaly == 0
  }
}

/// What a racer counted.
public struct Tally {
  public var rounds = 0
  public var populations = 0
  public var collisions = 0
  public var losers = 0
  /// Stretches of neighbouring inodes that one racer populated.
  public var stretches = 0
  public var allocations = 0
  public var frees = 0
  public var refusals = 0
  public var detaches = 0
  /// Windows that populating visits opened inside sections.
  public var windowsInSections = 0

  public init(rounds: Int = 0) { self.rounds = rounds }

  public static func += (sum: inout Tally, more: Tally) { sum.add(more, sign: 1) }

  public static func - (sum: Tally, part: Tally) -> Tally {
    var difference = sum
    difference.add(part, sign: -1)
    return difference
  }

  private mutating func add(_ other: Tally, sign: Int) {
    rounds &+= sign &* other.rounds
    populations &+= sign &* other.populations
    collisions &+= sign &* other.collisions
    losers &+= sign &* other.losers
    stretches &+= sign &* other.stretches
    allocations &+= sign &* other.allocations
    frees &+= sign &* other.frees
    refusals &+= sign &* other.refusals
    detaches &+= sign &* other.detaches
    windowsInSections &+= sign &* other.windowsInSections
  }
}
