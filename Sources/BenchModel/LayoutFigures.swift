/// The settings of a layout study, each with its default.
public struct LayoutOptions: Sendable, Equatable, Codable {
  /// Layouts by name; the first is what the others are compared with. Empty: V0 to V7.
  public var layouts: [String] = []
  public var regimes = LayoutRegime.allCases
  /// Numbers of inodes that hooks visit in an order that no prefetcher guesses: from what the first cache holds, to what
  /// only memory does.
  public var inodes = [16, 512, 8192, 131_072]
  /// What another processor keeps writing in each inode meanwhile.
  public var beside = LayoutNeighbour.allCases
  /// Bytes of the object with today's inode in it, as the slab allocator sees it.
  public var objects = [624, 560]
  /// Bytes of a slab.
  public var slabs = [8192, 16_384]
  public init() {}
}

public enum LayoutLimits {
  public static let inodes = 8...262_144
  public static let objects = 256...8192
  public static let slabs = 4096...65_536
}

/// Who is watched when hooks are called.
public enum LayoutRegime: String, Sendable, CaseIterable, Codable {
  case nothingWatched = "nothing-watched"
  case superblockWatched = "superblock-watched"
  case anotherAddon = "another-addon"
  case inodeWatched = "inode-watched"

  public var sentence: String {
    switch self {
    case .nothingWatched: "Nothing on the superblock is watched (regime A)."
    case .superblockWatched:
      "Something on the superblock is watched, none of these inodes, and they carry nothing (regime B)."
    case .anotherAddon: "The same, and each inode carries what another feature attached: bpf's storage."
    case .inodeWatched: "Each inode is watched (regime C)."
    }
  }
}

/// What another processor keeps writing, in the inode that a hook reads.
public enum LayoutNeighbour: String, Sendable, CaseIterable, Codable {
  case nothing
  /// i_lock, at byte 128.
  case lock
  /// i_readcount, at byte 348.
  case count
}

/// How hooks follow each other.
public enum HookPace: String, Sendable, CaseIterable, Codable {
  /// Each begins when the one before is done: what a hook costs where nothing hides it, a fence included.
  case alone
  /// The processor overlaps them: what a hook costs where other work hides it.
  case overlapping
}

/// What is known of a layout without running it.
public struct LayoutFacts: Sendable, Equatable, Codable {
  public var name: String
  /// One sentence.
  public var summary: String
  /// sizeof of the inode, or of what the file system's own has of it.
  public var inodeBytes: Int
  /// Bytes for each inode elsewhere, whether or not anything is attached.
  public var bytesElsewhere: Int
  /// Bytes of each block that the first watch of an inode allocates.
  public var blocks: [Int]

  public init(_ name: String, _ summary: String, inodeBytes: Int, bytesElsewhere: Int = 0, blocks: [Int]) {
    self.name = name
    self.summary = summary
    self.inodeBytes = inodeBytes
    self.bytesElsewhere = bytesElsewhere
    self.blocks = blocks
  }
}

/// A layout study.
public struct LayoutFigures: Sendable, Equatable, Codable {
  /// Hooks in one regime, at one number of inodes, beside one neighbour, at one pace.
  public struct Point: Sendable, Equatable, Codable {
    public var regime: LayoutRegime
    public var inodes: Int
    public var beside: LayoutNeighbour
    public var pace: HookPace
    /// One measure, of each layout, and of the first of those that are compared once more.
    public var figures: BenchFigures
    public init(
      regime: LayoutRegime, inodes: Int, beside: LayoutNeighbour, pace: HookPace, figures: BenchFigures
    ) {
      self.regime = regime
      self.inodes = inodes
      self.beside = beside
      self.pace = pace
      self.figures = figures
    }
  }

  /// What one hook touches, in a regime.
  public struct Reach: Sendable, Equatable, Codable {
    public var layout: String
    public var regime: LayoutRegime
    /// Cache lines of the inode, and of what hangs off it: the superblock's, which all share, do not count.
    public var lines: Double
    public var loads: Double
    /// By the processor's counters, for one hook over the most inodes that the study has; nil where it has none.
    public var cacheMisses: Double?
    public init(layout: String, regime: LayoutRegime, lines: Double, loads: Double, cacheMisses: Double?) {
      self.layout = layout
      self.regime = regime
      self.lines = lines
      self.loads = loads
      self.cacheMisses = cacheMisses
    }
  }

  public var scenario: String
  public var options: LayoutOptions
  public var layouts: [LayoutFacts]
  public var reaches: [Reach]
  public var hooks: [Point]
  /// The first watch of an inode, alone and raced.
  public var firstWatch: BenchFigures
  /// Why cache misses were not counted.
  public var countersMissing: String?

  public init(
    scenario: String, options: LayoutOptions, layouts: [LayoutFacts], reaches: [Reach], hooks: [Point],
    firstWatch: BenchFigures, countersMissing: String?
  ) {
    self.scenario = scenario
    self.options = options
    self.layouts = layouts
    self.reaches = reaches
    self.hooks = hooks
    self.firstWatch = firstWatch
    self.countersMissing = countersMissing
  }
}

/// What a slab allocator makes of sizes.
public enum Slab {
  private static let classes = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]

  /// Bytes that `kmalloc` takes for a block.
  public static func rounded(_ bytes: Int) -> Int { classes.first { $0 >= bytes } ?? (bytes + 4095) / 4096 * 4096 }

  /// Objects of so many bytes in a slab.
  public static func objects(of bytes: Int, in slab: Int) -> Int { slab / ((bytes + 7) / 8 * 8) }

  /// Bytes that one object takes of a slab, its share of what is left over included.
  public static func share(of bytes: Int, in slab: Int) -> Double {
    Double(slab) / Double(max(1, objects(of: bytes, in: slab)))
  }
}

/// What an inode takes of memory in a layout: so much each, and so much more where it is watched.
public struct LayoutBytes: Sendable, Equatable {
  public var each: Double
  public var watched: Double

  /// In objects that are `object` bytes with today's inode, in slabs of so many bytes; nil: as if bytes were had one by one.
  public init(_ layout: LayoutFacts, today: LayoutFacts, object: Int, slab: Int?) {
    let bytes = object + layout.inodeBytes - today.inodeBytes
    each = (slab.map { Slab.share(of: bytes, in: $0) } ?? Double(bytes)) + Double(layout.bytesElsewhere)
    watched = Double(layout.blocks.reduce(0) { $0 + Slab.rounded($1) })
  }

  /// With a share of the inodes watched, 0 to 1.
  public func average(watched share: Double) -> Double { each + share * watched }

  /// Where another layout comes to take as much.
  public enum BreakEven: Sendable, Equatable {
    /// Below this share it takes less than the other one, above it more.
    case below(Double)
    /// Above this share it takes less.
    case above(Double)
    case alwaysLess, neverLess, same
  }

  public func breakEven(against other: LayoutBytes) -> BreakEven {
    let saved = other.each - each
    let dearer = watched - other.watched
    if saved == 0, dearer == 0 { return .same }
    if saved >= 0, dearer <= 0 { return .alwaysLess }
    if saved <= 0, dearer >= 0 { return .neverLess }
    let share = saved / dearer
    if share >= 1 { return saved > 0 ? .alwaysLess : .neverLess }
    return saved > 0 ? .below(share) : .above(share)
  }
}
