import AddonRace
import Testing

enum AllocatesTwice: TinyBehaviour {
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    guard let second = memory.block(of: AddonKind(size: 16, zeroed: true, populates: false)) else { return }
    memory.free(second)
  }
}

enum AllocatesMore: TinyBehaviour {
  static var allocationsPerVisit: Int { 2 }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    guard let large = memory.block(of: AddonKind(size: 24, zeroed: true, populates: false)) else { return }
    memory.write(large.word64(at: 16), 1)
    memory.free(large)
  }
}

enum DefersUndeclared: TinyBehaviour {
  static var allocationsPerVisit: Int { 2 }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    guard let second = memory.block(of: AddonKind(size: 16, zeroed: true, populates: false)) else { return }
    memory.freeAfterGracePeriod(second, .rcu)
  }
}

enum AnotherSlot: TinyBehaviour {
  static func visit<M: Memory>(_ inode: Inode, in memory: M) { memory.at(1).report(.absent) }
}

enum UndeclaredDomain: TinyBehaviour {
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {
    memory.enterReadSection(Self.domain)
    memory.leaveReadSection(Self.domain)
  }
  static let domain = ReadDomain(named: "undeclared", maySleep: true)
}

enum CreatesUndeclared: TinyBehaviour {
  static func create<M: Memory>(_ inode: Inode, in memory: M) {
    if let made = memory.block(of: AddonKind(size: 16, zeroed: true)) { memory.free(made) }
  }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {}
}

enum BehindItsInode: TinyBehaviour {
  static var inodeSize: Int { 8 }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) { _ = memory.load(inode.word64(at: 8), .relaxed) }
}

/// What a site declares too small is an error that names it, in every engine: no corrupted heap, no finding.
@Suite(.serialized) struct LimitTests {
  private func expectError<B: TinyBehaviour>(_ site: B.Type, _ message: String, inRaces: Bool = true) throws {
    let harness = try Harness(catalogs: [CatalogOf<B>.self])
    var scenario = tinyScenario(B.name)
    var verdicts = MemoryModel.allCases.map { harness.explore(scenario, $0) }
    if inRaces {
      for shape in RaceShape.allCases {
        scenario.stress.shape = shape
        verdicts.append(harness.run(scenario))
      }
      scenario.stress.heap = .malloc
      verdicts.append(harness.run(scenario))
    }
    for verdict in verdicts {
      #expect(verdict.outcome == .invalid, "\(verdict.engine): \(verdict.outcome) \(verdict.findings.map(\.message))")
      #expect(verdict.findings.isEmpty)
      #expect(
        verdict.notes.contains { $0.hasPrefix("site \(B.name) \(message)") }, "\(verdict.engine): \(verdict.notes)")
    }
  }

  @Test func allocationsOfAVisit() throws {
    try expectError(AllocatesTwice.self, "allocates more often in a visit than the 1 of allocationsPerVisit")
  }
  @Test func sizes() throws {
    try expectError(AllocatesMore.self, "allocates more bytes than the 16 of biggestAddon")
  }
  @Test func deferredFrees() throws {
    try expectError(
      DefersUndeclared.self, "leaves more frees to grace periods in a visit than the 0 of deferredFreesPerVisit")
  }
  @Test func slots() throws {
    try expectError(AnotherSlot.self, "records an operation on a slot beyond the 1 of slotCount")
  }
  @Test func allocationsOfACreation() throws {
    try expectError(
      CreatesUndeclared.self, "allocates more often when an inode is created than the 0 of allocationsPerCreation")
  }
  @Test func domains() throws {
    try expectError(
      UndeclaredDomain.self, "uses a domain of read-side sections that its description does not name; it names: rcu")
  }
  /// In a race the memory behind an inode is the next one's, or nobody's.
  @Test func memoryBehindAnInode() throws {
    try expectError(
      BehindItsInode.self, "touches memory behind its inode, of which inodeSize is 8 bytes", inRaces: false)
  }
}
