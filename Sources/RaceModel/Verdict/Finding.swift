/// What a checker found: a sentence, and where.
public struct Finding: Sendable, Equatable, Codable {
  public var checker: String
  /// One sentence that a person understands without the code.
  public var message: String
  public var round: Int?
  public var inode: Int?
  /// The slot's name.
  public var slot: String?
  public var racers: [Int]
  /// By their numbers in the round's ledger.
  public var allocations: [Int]
  /// What each racer did there, line by line.
  public var history: [String] = []

  public init(
    checker: String, message: String, round: Int? = nil, inode: Int? = nil, slot: String? = nil, racers: [Int] = [],
    allocations: [Int] = []
  ) {
    self.checker = checker
    self.message = message
    self.round = round
    self.inode = inode
    self.slot = slot
    self.racers = racers
    self.allocations = allocations
  }
}
