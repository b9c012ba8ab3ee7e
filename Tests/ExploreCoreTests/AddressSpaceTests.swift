import AddonMemory
import ExploreCore
import RaceModel
import Testing

/// Memory of a test, as a loaded program's data would be.
private final class Words {
  let words: UnsafeMutableBufferPointer<UInt64>
  init(_ count: Int) {
    words = .allocate(capacity: count)
    words.initialize(repeating: 0)
  }
  deinit { words.deallocate() }
  var address: UInt { UInt(bitPattern: words.baseAddress) }
  var region: (address: UInt, bytes: Int) { (address, words.count * 8) }
}

@Suite struct AddressSpaceTests {
  /// The kinds of mishap of each execution.
  private func explore(
    _ model: MemoryModel, _ layout: AddressSpace.Layout, _ racers: [(Execution, Int, UInt) -> Void],
    atEnd: (Execution) -> Void = { _ in }
  ) throws -> [[Mishap.Kind]] {
    let exploration = try #require(
      Exploration(ClosureProgram(racers, layout: layout), model: model, usesSymmetry: false))
    var kinds: [[Mishap.Kind]] = []
    _ = exploration.visitAll {
      kinds.append(exploration.execution.state.pointee.mishaps.map(\.kind))
      atEnd(exploration.execution)
      return .goOn
    }
    return kinds
  }

  // MARK: Blocks

  /// Blocks of any size, their addresses a function of what their racer allocated before; none is used twice.
  @Test func blocksOfManySizes() throws {
    let sizes = [1, 8, 16, 24, 4096, 40, 100_000, 3]
    nonisolated(unsafe) var addresses: [[UInt]] = []
    let layout = AddressSpace.Layout(statics: [64], heapBytes: 120_000, blocksPerRacer: 8)
    let kinds = try explore(
      .c11, layout,
      [
        { execution, racer, base in
          var mine: [UInt] = []
          for (number, size) in sizes.enumerated() {
            guard let block = execution.allocate(racer, size, fill: 0x55) else { return }
            mine.append(block)
            // Its first and its last byte.
            execution.writePlain(racer, block, 1, UInt64(number))
            execution.writePlain(racer, block + UInt(size) - 1, 1, UInt64(number))
            if number % 2 == 0 { _ = execution.free(racer, block, poison: 0xdead) }
          }
          execution.store(racer, base, 8, 1, .relaxed)
          addresses.append(mine)
        }, { execution, racer, base in _ = execution.load(racer, base, 8, .relaxed) },
      ])
    #expect(kinds == [[], []])
    #expect(addresses.count >= 1 && addresses.allSatisfy { $0 == addresses[0] })
    let ends = zip(addresses[0], sizes).map { $0 + UInt($1) }
    #expect(zip(ends, addresses[0].dropFirst()).allSatisfy { $0 < $1 }, "with a gap between them")
    #expect(addresses[0].allSatisfy { $0 % 16 == 0 })
  }

  @Test(arguments: [1, 7, 16, 1000, 4096]) func oneByteBehindABlock(_ size: Int) throws {
    let kinds = try explore(
      .sc, AddressSpace.Layout(statics: [64], heapBytes: 8192, blocksPerRacer: 2),
      [
        { execution, racer, _ in
          guard let block = execution.allocate(racer, size, fill: 0) else { return }
          _ = execution.allocate(racer, 16, fill: 0)
          _ = execution.readPlain(racer, block + UInt((size + 15) & ~15), 1)
        }
      ])
    #expect(kinds == [[.useAfterFree]])
  }

  @Test func aHeapThatIsFull() throws {
    for layout in [
      AddressSpace.Layout(statics: [64], heapBytes: 1 << 20, blocksPerRacer: 3),
      AddressSpace.Layout(statics: [64], heapBytes: 3 * 4096, blocksPerRacer: 100),
    ] {
      let kinds = try explore(
        .sc, layout,
        [
          { execution, racer, _ in
            while execution.allocate(racer, 4096, fill: 0) != nil {}
          }
        ])
      #expect(kinds == [[.stuck]])
    }
  }

  @Test func staticsOfManySizesAreZeroAtFirst() throws {
    let sizes = [8, 1, 4000, 24]
    let kinds = try explore(
      .c11, AddressSpace.Layout(statics: sizes),
      [
        { execution, racer, base in
          for object in sizes.indices {
            let address = execution.space.staticAddress(object)
            let last = address + UInt(sizes[object]) - 1
            #expect(execution.readPlain(racer, last, 1) == 0)
            execution.writePlain(racer, last, 1, 0xff)
          }
          execution.store(racer, base, 4, 1, .relaxed)
        }, { execution, racer, base in _ = execution.load(racer, base, 4, .relaxed) },
      ])
    #expect(kinds == [[], []])
  }

  @Test func aSpaceThatIsTooLarge() {
    let layout = AddressSpace.Layout(statics: [64], heapBytes: 1 << 40)
    #expect(Exploration(ClosureProgram([{ _, _, _ in }], layout: layout), model: .sc, usesSymmetry: false) == nil)
  }

  // MARK: Images

  /// What one execution writes there, plainly or atomically, the next one does not see.
  @Test(arguments: MemoryModel.allCases) func imagesArePutBack(_ model: MemoryModel) throws {
    let image = Words(2000)
    for word in image.words.indices { image.words[word] = UInt64(word) }
    var layout = AddressSpace.Layout(statics: [64])
    layout.images = [image.region]
    let (plain, atomic) = (image.address + 8 * 1500, image.address + 8 * 7)
    nonisolated(unsafe) var loaded: Set<UInt64> = []
    let kinds = try explore(
      model, layout,
      [
        { execution, racer, _ in
          #expect(execution.readPlain(racer, plain, 8) == 1500)
          execution.writePlain(racer, plain, 8, 1)
          _ = execution.update(racer, atomic, 8, .add, operand: 100, .relaxed, failure: .relaxed)
        },
        { execution, racer, _ in loaded.insert(execution.load(racer, atomic, 8, .relaxed)) },
      ])
    #expect(kinds == [[], []])
    #expect(loaded == [7, 107])
  }

  @Test func twoImagesAndWhatIsBesideThem() throws {
    let (one, other) = (Words(8), Words(600))
    var layout = AddressSpace.Layout(statics: [64])
    layout.images = [one.region, other.region]
    let racy = try explore(
      .c11, layout,
      [
        { execution, racer, _ in execution.writePlain(racer, other.address + 4792, 8, 1) },
        { execution, racer, _ in _ = execution.readPlain(racer, other.address + 4796, 1) },
      ])
    #expect(racy == [[.dataRace]])
    let apart = try explore(
      .c11, layout,
      [
        { execution, racer, _ in execution.writePlain(racer, one.address, 8, 1) },
        { execution, racer, _ in execution.writePlain(racer, other.address, 8, 1) },
      ])
    #expect(apart == [[]])
    let outside = try explore(
      .c11, layout, [{ execution, racer, _ in _ = execution.readPlain(racer, 64, 8) }])
    #expect(outside == [[.crash]])
  }

  // MARK: Stacks

  @Test func stacksBelongToOneRacer() throws {
    let (mine, yours) = (Words(64), Words(64))
    var layout = AddressSpace.Layout(statics: [64])
    layout.stacks = [mine.region, yours.region]
    let own = try explore(
      .c11, layout,
      [
        { execution, racer, _ in execution.writePlain(racer, mine.address, 8, 1) },
        { execution, racer, _ in execution.writePlain(racer, yours.address, 8, 1) },
      ])
    #expect(own == [[]])
    let shared = try explore(
      .c11, layout,
      [
        { execution, racer, _ in execution.store(racer, mine.address + 16, 8, 5, .relaxed) },
        { execution, racer, _ in _ = execution.load(racer, mine.address + 16, 8, .relaxed) },
      ])
    #expect(shared == [[], []], "a word on a stack may be a location")
  }

  // MARK: Native code

  /// It reads and writes memory itself, and only tells of it.
  @Test(arguments: MemoryModel.allCases, [true, false])
  func accessesThatAreOnlyToldOf(_ model: MemoryModel, _ isOrdered: Bool) throws {
    let image = Words(16)
    var layout = AddressSpace.Layout(statics: [64])
    layout.images = [image.region]
    let data = image.words.baseAddress.unsafelyUnwrapped
    let flag = image.address + 64
    nonisolated(unsafe) var seen: Set<UInt64> = []
    let kinds = try explore(
      model, layout,
      [
        { execution, racer, _ in
          execution.willWrite(racer, UInt(bitPattern: data), 8)
          data.pointee = 42
          execution.store(racer, flag, 8, 1, isOrdered ? .releases : .relaxed)
        },
        { execution, racer, _ in
          guard execution.load(racer, flag, 8, isOrdered ? .acquires : .relaxed) == 1 else { return }
          execution.willRead(racer, UInt(bitPattern: data), 8)
          seen.insert(data.pointee)
        },
      ])
    // On a machine, and so in its models, every atomic access synchronises.
    let isRace = !isOrdered && (model == .c11 || model == .kernel)
    #expect(kinds.count == 2)
    #expect(kinds.contains([.dataRace]) == isRace)
    #expect(isRace || kinds == [[], []])
    #expect(isRace || seen == [42])
  }

  /// A word that native code accesses plainly and atomically: its values are on the graph, and memory holds them for as
  /// long as the plain access takes.
  @Test(arguments: MemoryModel.allCases) func aWordThatIsAccessedBothWays(_ model: MemoryModel) throws {
    let image = Words(16)
    image.words[0] = 5
    var layout = AddressSpace.Layout(statics: [64])
    layout.images = [image.region]
    let word = image.words.baseAddress.unsafelyUnwrapped
    nonisolated(unsafe) var results: Set<[UInt64]> = []
    nonisolated(unsafe) var first: UInt64 = 0
    nonisolated(unsafe) var second: UInt64 = 0
    let kinds = try explore(
      model, layout,
      [
        { execution, racer, base in
          execution.willRead(racer, image.address, 8)
          first = word.pointee
          execution.willWrite(racer, image.address, 8)
          word.pointee = first + 1
          execution.store(racer, base, 8, 1, .releases)
        },
        { execution, racer, base in
          second = 0
          guard execution.load(racer, base, 8, .acquires) == 1 else { return }
          _ = execution.update(racer, image.address, 8, .add, operand: 10, .relaxed, failure: .relaxed)
          execution.willRead(racer, image.address, 8)
          second = word.pointee
        },
      ], atEnd: { execution in results.insert([first, second, execution.readPlain(0, image.address, 8)]) })
    #expect(kinds == [[], []])
    #expect(results == [[5, 0, 6], [5, 16, 16]])
  }
}
