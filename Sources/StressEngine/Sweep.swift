import AddonMemory
import Addons
import RaceModel

/// After a round, each racer sweeps what it populated: checks that it is ordinary and tears it down, in one pass over
/// lines that are in its own cache. A round that is ordinary everywhere cannot hold a finding; any other is kept as
/// evidence, and judged.
///
/// *Ordinary*: every inode has one publication, the slot shows it, its content is as the site says, every visit found,
/// won, lost or saw nothing, and what it returned is what the slot shows; after teardown, every allocation was freed
/// once, by its own visit or, if it was published, by the teardown. The sweep only says yes or no.
struct Sweep<S: Site> {
  let loop: VisitLoop<S>
  let round: UnsafeMutablePointer<RoundState>
  /// The inodes whose visits this racer looks at.
  private let share: Range<Int>
  /// What the last pass counted.
  private(set) var tally = Tally()

  init(_ arena: Arena, racer: Int, buffer: Int) {
    loop = VisitLoop(arena, racer: racer, buffer: buffer)
    round = arena.rounds[buffer]
    let (count, racers) = (loop.count, arena.plan.racerCount)
    share = count * racer / racers..<count * (racer + 1) / racers
  }

  /// Whether everything was ordinary.
  @inline(never) mutating func run() -> Bool {
    var irregular: UInt64 = 0
    let state = loop.state
    let log = loop.log
    let isRegular = tearDownWins { number, inode, memory in
      S.inspect(inode, in: memory)
      // The winner's own addon, which it has told of, is what the slot shows.
      let mine = log[number] & LogWord.address
      let isShown = state.pointee.finals[number] == mine && memory.ownNumber(of: Addon(address: UInt(mine))) != nil
      irregular |= isShown ? 0 : 1
      return isShown
    }
    return irregular == 0 && isRegular && ledgerIsOrdinary() && state.pointee.observationCount == 0
      && state.pointee.strayCount == 0
  }

  /// The same without a check: what a run costs that only counts outcomes.
  @inline(never) mutating func runUnchecked() { _ = tearDownWins { _, _, _ in true } }

  /// Counts, and tears down what this racer populated where `inspect` finds nothing against it. Answers whether all visits
  /// of its share are regular.
  @inline(__always)
  private mutating func tearDownWins(where inspect: (Int, Inode, RacedMemory) -> Bool) -> Bool {
    tally = Tally(rounds: 1)
    let isRegular = visitsAreRegular()
    let state = loop.state
    let won = listWins()
    var stretches = 0
    var before = -2
    state.pointee.enter(.sweeping)
    for index in 0..<won {
      let number = Int(state.pointee.wins[index])
      loop.prefetchToWrite(Int(state.pointee.wins[min(index + Self.ahead, won)]))
      stretches &+= number == before &+ 1 ? 0 : 1
      before = number
      let memory = memory(for: number)
      let inode = loop.inode(number)
      guard inspect(number, inode, memory) else { continue }
      S.tearDown(inode, in: memory)
      state.pointee.tornDown[number] = true
    }
    state.pointee.enter(.visiting)
    tally.populations = won
    tally.stretches = stretches
    tally.allocations = state.pointee.next
    tally.frees = state.pointee.next
    return isRegular
  }

  /// Lists the inodes that this racer populated, without a branch that nobody could predict; answers how many.
  @inline(__always) private func listWins() -> Int {
    let log = loop.log
    let wins = loop.state.pointee.wins
    var won = 0
    var number = 0
    while number < loop.count {
      wins[won] = UInt32(truncatingIfNeeded: number)
      won &+= Int(truncatingIfNeeded: LogWord.hasPublished(log[number]))
      number &+= 1
    }
    return won
  }

  /// So many inodes ahead a slot's line is asked for: a loser has it.
  private static var ahead: Int { 8 }

  /// Looks at all racers' visits to this racer's share of the inodes, and counts how they ended.
  ///
  /// By share and not by winner, so that each log line travels to one other processor, and in order.
  private mutating func visitsAreRegular() -> Bool {
    let racers = round.pointee.racerCount
    var irregular: UInt64 = 0
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
        irregular |= LogWord.irregularity(word, told: &told)
        published &+= LogWord.hasPublished(word)
        sawNull &+= LogWord.hasSeenNull(word)
        losers &+= LogWord.hasLost(word)
        racer &+= 1
      }
      irregular |= published ^ 1
      collisions &+= sawNull > 1 ? 1 : 0
    }
    tally.collisions = collisions
    tally.losers = Int(losers)
    return irregular == 0
  }

  @inline(__always) private func memory(for number: Int) -> RacedMemory {
    RacedMemory(
      loop.state, entry: loop.log + number, inode: UInt32(truncatingIfNeeded: number), fiber: nil)
  }

  /// Looking at every freed block's poison would cost as much as all the rest: one round in so many is looked at, and
  /// every round that is judged.
  private static var roundsBetweenLooks: Int { 8 }

  private func ledgerIsOrdinary() -> Bool {
    let state = loop.state.pointee
    var irregular: UInt64 = 0
    for number in 0..<state.next { irregular |= LedgerEntry.irregularity(state.ledger[number]) }
    if state.roundNumber % Self.roundsBetweenLooks == 0, !state.usesMalloc {
      for number in 0..<state.next where state.ledger[number] & LedgerEntry.freedByVisit != 0 {
        irregular |= state.blockIsPoisoned(number) ? 0 : 1
      }
    }
    return irregular == 0
  }
}

extension RacerState {
  /// Whether a freed block of the pool still holds the poison that it was filled with.
  @inline(__always) func blockIsPoisoned(_ number: Int) -> Bool {
    PoisonedBlock(blocks &+ UInt(bitPattern: number) &<< blockShift).isIntact(words: LedgerEntry.words(ledger[number]))
  }
}
