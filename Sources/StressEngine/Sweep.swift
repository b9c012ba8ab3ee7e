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
  let wins: UnsafeMutablePointer<UInt32>
  let tally: UnsafeMutablePointer<Tally>

  init(_ arena: Arena, racer: Int, buffer: Int) {
    loop = VisitLoop(arena, racer: racer, buffer: buffer)
    round = arena.rounds[buffer]
    wins = arena.wins[racer]
    tally = arena.tally(of: racer, round: buffer)
  }

  /// Whether everything was ordinary.
  @inline(never) func run() -> Bool {
    let isRegular = visitsAreRegular()
    let won = gatherWins()
    let state = loop.state
    var irregular: UInt64 = 0
    for index in 0..<won {
      let number = Int(wins[index])
      let inode = loop.inode(number)
      if index &+ 8 < won { loop.prefetch(Int(wins[index &+ 8])) }
      let memory = memory(for: number)
      state.pointee.phase = .inspecting
      S.inspect(inode, in: memory)
      // The winner's own addon, which it has told of, is what the slot shows.
      let mine = loop.log[number] & LogWord.address
      if state.pointee.finals[number] != mine || memory.ownNumber(of: Addon(address: UInt(mine))) == nil {
        irregular = 1
        continue
      }
      state.pointee.phase = .sweeping
      S.tearDown(inode, in: memory)
      state.pointee.tornDown[number] = true
    }
    state.pointee.phase = .visiting
    return irregular == 0 && isRegular && ledgerIsOrdinary() && state.pointee.observationCount == 0
      && state.pointee.strayCount == 0
  }

  /// The same without a check: what a run costs that only counts outcomes.
  @inline(never) func runUnchecked() {
    _ = visitsAreRegular()
    let won = gatherWins()
    let state = loop.state
    state.pointee.phase = .sweeping
    for index in 0..<won {
      let number = Int(wins[index])
      S.tearDown(loop.inode(number), in: memory(for: number))
      state.pointee.tornDown[number] = true
    }
    state.pointee.phase = .visiting
  }

  /// Looks at all racers' visits to this racer's share of the inodes, and counts how they ended.
  ///
  /// By share and not by winner, so that each log line travels to one other processor, and in order.
  private func visitsAreRegular() -> Bool {
    let racers = round.pointee.racerCount
    let share = loop.count * loop.racer / racers..<loop.count * (loop.racer + 1) / racers
    var irregular: UInt64 = 0
    var collisions = 0
    var losers: UInt64 = 0
    for number in share {
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
    tally.pointee.collisions = collisions
    tally.pointee.losers = Int(losers)
    return irregular == 0
  }

  @inline(__always) private func memory(for number: Int) -> RacedMemory {
    RacedMemory(
      loop.state, entry: loop.log + number, inode: UInt32(truncatingIfNeeded: number), fiber: nil)
  }

  /// Lists the inodes that this racer populated, without a branch on any.
  private func gatherWins() -> Int {
    var won = 0
    var boundaries: UInt64 = 0
    var before: UInt64 = 0
    for number in 0..<loop.count {
      let published = LogWord.hasPublished(loop.log[number])
      wins[won] = UInt32(truncatingIfNeeded: number)
      won &+= Int(truncatingIfNeeded: published)
      boundaries &+= published ^ before
      before = published
    }
    tally.pointee.populations = won
    tally.pointee.boundaries = Int(boundaries)
    tally.pointee.allocations = loop.state.pointee.next
    tally.pointee.frees = loop.state.pointee.next
    return won
  }

  private func ledgerIsOrdinary() -> Bool {
    let state = loop.state.pointee
    var isOrdinary = true
    for number in 0..<state.next {
      let entry = state.ledger[number]
      isOrdinary = isOrdinary && LedgerEntry.isOrdinary(entry)
      if entry & LedgerEntry.freedByVisit != 0, !state.usesMalloc {
        isOrdinary = isOrdinary && state.blockIsPoisoned(number)
      }
    }
    return isOrdinary
  }
}

extension RacerState {
  /// Whether a freed block of the pool still holds the poison that it was filled with.
  @inline(__always) func blockIsPoisoned(_ number: Int) -> Bool {
    PoisonedBlock(blocks &+ UInt(bitPattern: number) &<< blockShift).isIntact(words: LedgerEntry.words(ledger[number]))
  }
}
