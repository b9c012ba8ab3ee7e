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
    let state = loop.state
    let won = gatherWins()
    var irregular: UInt64 = 0, collisions = 0
    for index in 0..<won {
      let number = Int(wins[index]), inode = loop.inode(number)
      let memory = memory(for: number)
      state.pointee.phase = .inspecting
      S.inspect(inode, in: memory)
      let shown = round.pointee.finals[number]
      let own = loop.log[number]
      irregular |= LogWord.irregularity(own, shown: shown)
      var sawNull: UInt64 = 0
      var racer = 0
      while racer < round.pointee.racerCount {
        let word = round.pointee.logs[racer][number]
        if racer != loop.racer {
          irregular |= LogWord.irregularity(word, shown: shown) | word & LogWord.published
          sawNull |= word
        }
        racer &+= 1
      }
      collisions &+= LogWord.sawNull(sawNull) ? 1 : 0
      if memory.ownNumber(of: Addon(address: UInt(shown))) == nil {
        irregular |= 1
        continue
      }
      state.pointee.phase = .sweeping
      S.tearDown(inode, in: memory)
      round.pointee.inspected[number] = true
    }
    let isClean = ledgerIsOrdinary()
    state.pointee.phase = .visiting
    tally.pointee.populations = won
    tally.pointee.collisions = collisions
    return irregular == 0 && isClean && state.pointee.observationCount == 0 && state.pointee.strayCount == 0
  }

  /// The same without a check: what a run costs that only counts outcomes.
  @inline(never) func runUnchecked() {
    let state = loop.state
    let won = gatherWins()
    var collisions = 0
    state.pointee.phase = .sweeping
    for index in 0..<won {
      let number = Int(wins[index])
      var sawNull: UInt64 = 0
      var racer = 0
      while racer < round.pointee.racerCount {
        if racer != loop.racer { sawNull |= round.pointee.logs[racer][number] }
        racer &+= 1
      }
      collisions &+= LogWord.sawNull(sawNull) ? 1 : 0
      S.tearDown(loop.inode(number), in: memory(for: number))
      round.pointee.inspected[number] = true
    }
    state.pointee.phase = .visiting
    tally.pointee.populations = won
    tally.pointee.collisions = collisions
    tally.pointee.allocations = state.pointee.next
    tally.pointee.frees = state.pointee.next
  }

  @inline(__always) private func memory(for number: Int) -> RacedMemory {
    RacedMemory(
      loop.state, entry: loop.log + number, inode: UInt32(truncatingIfNeeded: number), fiber: nil)
  }

  /// Lists the inodes that this racer populated, in the order of visits, without a branch on any.
  private func gatherWins() -> Int {
    var won = 0, losers: UInt64 = 0, boundaries: UInt64 = 0, before: UInt64 = 0
    for position in 0..<loop.count {
      let number = loop.order[position], word = loop.log[Int(number)]
      let published = word >> 49 & 1
      wins[won] = number
      won &+= Int(truncatingIfNeeded: published)
      losers &+= (word >> 48 & 1) & (published ^ 1)
      boundaries &+= published ^ before
      before = published
    }
    tally.pointee.losers = Int(losers)
    tally.pointee.boundaries = Int(boundaries)
    return won
  }

  private func ledgerIsOrdinary() -> Bool {
    let state = loop.state.pointee
    var isOrdinary = true, freed = 0
    for number in 0..<state.next {
      let entry = state.ledger[number]
      isOrdinary = isOrdinary && LedgerEntry.isOrdinary(entry)
      if entry & LedgerEntry.freedByVisit != 0, !state.usesMalloc {
        isOrdinary = isOrdinary && state.blockIsPoisoned(number)
        freed &+= 1
      }
    }
    tally.pointee.allocations = state.next
    tally.pointee.frees = state.next
    return isOrdinary
  }
}

extension RacerState {
  /// Whether a freed block of the pool still holds the poison that it was filled with.
  @inline(__always) func blockIsPoisoned(_ number: Int) -> Bool {
    let block = UnsafePointer<UInt64>(bitPattern: blocks &+ UInt(bitPattern: number) << blockShift).unsafelyUnwrapped
    let words = LedgerEntry.words(ledger[number])
    var difference: UInt64 = 0, word = 0
    while word < words {
      difference |= block[word] ^ Poison.freed
      word &+= 1
    }
    return difference == 0
  }
}
