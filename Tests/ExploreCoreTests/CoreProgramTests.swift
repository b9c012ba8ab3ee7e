import AddonMemory
import ExploreCore
import RaceModel
import Testing

/// A program for the core alone, as a client of another kind would bring it.
final class ClosureProgram: ExploredProgram {
  private let racers: [(Execution, Int, UInt) -> Void]
  init(
    _ racers: [(Execution, Int, UInt) -> Void],
    layout: AddressSpace.Layout = AddressSpace.Layout(statics: [64], heapBytes: 64, blocksPerRacer: 2)
  ) {
    self.racers = racers
    super.init(racerCount: racers.count, layout: layout, twins: racers.map { _ in -1 })
  }
  override func race(_ racer: Int) { racers[racer](execution, racer, address(ofStatic: 0)) }
}

@Suite struct CoreProgramTests {
  /// The kinds of mishap of each execution.
  private func explore(_ model: MemoryModel, _ racers: [(Execution, Int, UInt) -> Void]) -> [[Mishap.Kind]] {
    guard let exploration = Exploration(ClosureProgram(racers), model: model, usesSymmetry: false) else { return [] }
    var kinds: [[Mishap.Kind]] = []
    _ = exploration.visitAll {
      kinds.append(exploration.execution.state.pointee.mishaps.map(\.kind))
      return .goOn
    }
    return kinds
  }

  @Test func aRacerWithoutAnEnd() {
    let kinds = explore(
      .sc,
      [
        { execution, racer, base in
          while execution.load(racer, base, 8, .relaxed) == 0 {}
        }
      ])
    #expect(kinds == [[.stuck]])
  }

  @Test func overlappingSizes() {
    let kinds = explore(
      .c11,
      [
        { execution, racer, base in execution.store(racer, base, 8, 1, .relaxed) },
        { execution, racer, base in _ = execution.load(racer, base + 4, 4, .relaxed) },
      ])
    #expect(kinds.contains([.dataRace]))
  }

  /// Bytes beside each other are places of their own.
  @Test func neighbouringBytes() {
    let plain = explore(
      .c11,
      [
        { execution, racer, base in execution.writePlain(racer, base, 1, 1) },
        { execution, racer, base in execution.writePlain(racer, base + 1, 1, 1) },
      ])
    #expect(plain == [[]])
    let same = explore(
      .c11,
      [
        { execution, racer, base in execution.writePlain(racer, base, 2, 1) },
        { execution, racer, base in execution.writePlain(racer, base + 1, 1, 1) },
      ])
    #expect(same == [[.dataRace]])
    let atomic = explore(
      .c11,
      [
        { execution, racer, base in execution.store(racer, base + 2, 1, 0x1ff, .relaxed) },
        { execution, racer, base in _ = execution.load(racer, base + 2, 1, .relaxed) },
      ])
    #expect(atomic == [[], []])
  }

  @Test func aFreeThatNothingOrdersAfterAnAccess() {
    let kinds = explore(
      .c11,
      [
        { execution, racer, base in
          guard let block = execution.allocate(racer, 16, fill: 0) else { return }
          execution.store(racer, base, 8, UInt64(block), .releases)
          _ = execution.free(racer, block, poison: 0)
        },
        { execution, racer, base in
          let block = UInt(execution.load(racer, base, 8, .acquires))
          if block != 0 { _ = execution.readPlain(racer, block, 8) }
        },
      ])
    #expect(kinds.count == 2)
    #expect(kinds.contains([]))
    #expect(kinds.contains { $0.contains(.useAfterFree) })
  }

  /// What would end the process is an execution like any other, and the rest are visited too.
  @Test func aFaultOfTheCodeItself() {
    let kinds = explore(
      .sc,
      [
        { execution, racer, base in execution.store(racer, base, 8, 1, .relaxed) },
        { execution, racer, base in
          if execution.load(racer, base, 8, .relaxed) == 1 {
            // What optimises would know that this cannot be.
            _ = UnsafePointer<UInt64>(bitPattern: UInt(execution.load(racer, base, 8, .relaxed)) &+ 15)?.pointee
            fatalError("not reached")
          }
        },
      ])
    #expect(kinds.count == 2)
    #expect(kinds.contains([]))
    #expect(kinds.contains([.crash]))
  }

  @Test func beyondAnAllocationAndThroughNULL() {
    let beyond = explore(
      .sc,
      [
        { execution, racer, _ in
          guard let block = execution.allocate(racer, 16, fill: 0) else { return }
          _ = execution.readPlain(racer, block + 16, 8)
        }
      ])
    #expect(beyond == [[.useAfterFree]])
    #expect(explore(.sc, [{ execution, racer, _ in _ = execution.readPlain(racer, 8, 8) }]) == [[.crash]])
  }
}
