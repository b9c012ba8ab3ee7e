/// One execution, step by step: what every racer did, and where each load's value came from. Data: its words belong to the
/// reports.
public struct Counterexample: Sendable, Equatable, Codable {
  /// One operation of one racer.
  public struct Step: Sendable, Hashable, Codable {
    public var racer: Int
    public var verb: Verb
    /// What it is about.
    public var place: Place?
    /// What was read or written, or what is allocated or freed.
    public var value: Value?
    /// What an update wrote in place of `value`.
    public var written: Value?
    public var ordering: Ordering?
    /// The step (by number) whose write was read; nil for the initial value, and for what reads nothing.
    public var readsFrom: Int?
    /// The step whose write this one follows in co.
    public var overwrites: Int?
    /// It read something that was overwritten already.
    public var isStale: Bool {
      get { stale ?? false }
      set { stale = newValue ? true : nil }
    }
    /// Something went wrong here.
    public var isMarked: Bool {
      get { marked ?? false }
      set { marked = newValue ? true : nil }
    }
    /// "FileOwner.swift:44", where that is known.
    public var source: String?
    // Of most steps neither is true, and a trace has many steps: what is nil is not written.
    private var stale: Bool?
    private var marked: Bool?

    private enum CodingKeys: String, CodingKey {
      case racer, verb, place, value, written, ordering, readsFrom, overwrites, source
      case stale = "isStale"
      case marked = "isMarked"
    }

    public init(racer: Int, verb: Verb) {
      self.racer = racer
      self.verb = verb
    }
  }

  public enum Verb: String, Sendable, Codable, CaseIterable {
    case load, store
    /// Plain.
    case read, write
    case exchange, fetchAdd, fetchOr, fetchAnd, fetchXor, fetchNand
    case compareExchange, lostCompareExchange, spuriousFailure
    case lock, waitForLock
    case fence
    case allocate, refusedAllocation, free, freeAfterGracePeriod
    case beginSection, endSection, beginGracePeriod, endGracePeriod
    /// A grace period waits for a racer's sections.
    case waitForSections
    /// A racer says what it leaves to a grace period.
    case handOver
    /// Starts a racer, or waits for the end of one.
    case create, join
    /// Says something of itself.
    case note

    public var isWrite: Bool { self == .store || self == .write }
  }

  public enum Ordering: String, Sendable, Codable {
    case relaxed, plain, dependent, acquire, release
    case acquireRelease = "acq_rel"
    case sequentiallyConsistent = "seq_cst"
    case full
  }

  /// A place in memory.
  public enum Place: Sendable, Hashable {
    /// By name; the inode where there are several.
    case slot(String, inode: Int?)
    /// Offsets in bytes.
    case allocation(Int, offset: Int)
    case inode(Int, offset: Int)
    case shared(offset: Int)
    /// Of a litmus test.
    case named(String)
    /// Of native code: a variable, and the byte in it.
    case variable(String, offset: Int)
    /// A racer's word that says whether it is in a section.
    case sections(racer: Int)
    /// What a racer leaves to a grace period.
    case deferredFrees(racer: Int)
    case address(UInt64)
  }

  public enum Value: Sendable, Hashable {
    case null
    case number(UInt64)
    case pointer(Place)
    /// A pointer with something else in its highest 16 bits, as a count.
    case tagged(Place, tag: UInt16)
    case unlocked, locked
    /// By so many who only read.
    case shared(Int)
    case poison
    /// What a note says.
    case text(String)
  }

  /// By racer.
  public var roles: [String]
  /// Each step after what it reads from and after its racer's steps before it.
  public var steps: [Step]
  /// What happened.
  public var findings: [Finding]
  /// Given to `addonrace replay`, it leads to the same end.
  public var token: String

  public init(roles: [String], steps: [Step], findings: [Finding], token: String) {
    self.roles = roles
    self.steps = steps
    self.findings = findings
    self.token = token
  }
}
