import AddonMemory
import Dispatch
import Testing

@Suite struct ReadSectionsTests {
  private func withSections(_ racers: Int, _ body: (ReadSections) -> Void) {
    let count = ReadSections.wordCount(racers: racers, domains: ReadDomain.count)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    words.initialize(repeating: 0, count: count)
    defer { words.deallocate() }
    body(ReadSections(words: words, racerCount: racers, domainCount: ReadDomain.count))
  }

  @Test func aGracePeriodWaitsForTheSectionsThatWereOpen() {
    withSections(2) { sections in
      let word = 1  // racer 1's, of RCU
      #expect(sections.hasEnded(sections.look(at: word), at: word))
      sections.enter(.rcu, as: 1)
      let seen = sections.look(at: word)
      #expect(!sections.hasEnded(seen, at: word))
      sections.enter(.rcu, as: 1)
      sections.leave(.rcu, as: 1)
      #expect(!sections.hasEnded(seen, at: word), "sections nest")
      sections.leave(.rcu, as: 1)
      #expect(sections.hasEnded(seen, at: word))
      sections.enter(.rcu, as: 1)
      #expect(sections.hasEnded(seen, at: word), "a later section is not waited for")
    }
  }

  @Test func domainsAreApart() {
    withSections(1) { sections in
      sections.enter(.fsnotifyMarks, as: 0)
      sections.synchronize(.rcu, spins: 10) { true }
      var turns = 0
      sections.synchronize(.fsnotifyMarks, spins: 10) {
        turns += 1
        return true
      }
      #expect(turns == 1, "it waited, and was told to give up")
      turns = 0
      sections.synchronize(.everyDomain, spins: 10) {
        turns += 1
        return true
      }
      #expect(turns == 1)
      sections.leave(.fsnotifyMarks, as: 0)
      sections.synchronize(.everyDomain, spins: 10) {
        Issue.record("nobody is inside")
        return true
      }
    }
  }

  /// Readers follow a pointer whose target is overwritten once nobody can hold it: none of them ever sees that.
  @Test func readersNeverSeeWhatComesAfterTheGracePeriod() {
    let memory = HardwareMemory(racer: 200)
    let cells = UnsafeMutablePointer<UInt64>.allocate(capacity: 3)
    cells.initialize(repeating: 1, count: 3)
    defer { cells.deallocate() }
    let current = Word64(UInt(bitPattern: cells))
    let targets = [1, 2].map { Word64(UInt(bitPattern: cells + $0)) }
    memory.store(current, UInt64(targets[0].address), .releasing)
    let late = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    late.initialize(to: 0)
    defer { late.deallocate() }
    let lateWord = Word64(UInt(bitPattern: late))

    let group = DispatchGroup()
    for racer in 0..<2 {
      DispatchQueue(label: "reader \(racer)").async(group: group) {
        let memory = HardwareMemory(racer: 201 + racer)
        for _ in 0..<20_000 {
          memory.enterReadSection(.rcu)
          let target = Word64(UInt(memory.load(current, .acquiring)))
          for _ in 0..<10 where memory.load(target, .relaxed) == 0 { memory.fetchAdd(lateWord, 1, .relaxed) }
          memory.leaveReadSection(.rcu)
        }
      }
    }
    for round in 0..<500 {
      let next = targets[(round + 1) % 2]
      memory.store(next, 1, .relaxed)
      memory.store(current, UInt64(next.address), .releasing)
      memory.synchronize(.rcu)
      memory.store(targets[round % 2], 0, .relaxed)
    }
    group.wait()
    #expect(memory.load(lateWord, .relaxed) == 0)
  }
}
