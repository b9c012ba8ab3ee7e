/// One execution, step by step, as a person reads it: what every racer did, and where each load's value came from.
public struct Counterexample: Sendable, Equatable, Codable {
  public struct Step: Sendable, Equatable, Codable {
    public var racer: Int
    /// "load", "store", "compare-exchange", ...
    public var verb: String
    /// What it is about: "i_flctx of inode 0", "allocation 1, byte 16".
    public var place: String
    /// What was read or written: a number, NULL, or an allocation.
    public var value: String
    /// Empty where there is none.
    public var ordering: String
    /// The step (by number) whose write was read; nil for the initial value, and for what reads nothing.
    public var readsFrom: Int?
    /// The step whose write this one follows in modification order.
    public var overwrites: Int?
    /// It read something that was overwritten already.
    public var isStale = false
    /// Something went wrong here.
    public var isMarked = false
    /// "FileOwner.swift:44", where that is known.
    public var source: String?

    public init(racer: Int, verb: String, place: String, value: String, ordering: String) {
      self.racer = racer
      self.verb = verb
      self.place = place
      self.value = value
      self.ordering = ordering
    }
  }

  /// By racer.
  public var roles: [String]
  /// Each step after what it reads from and after its racer's steps before it.
  public var steps: [Step]
  /// What happened, in sentences.
  public var findings: [String]
  /// Given to `addonrace replay`, it leads to the same end.
  public var token: String

  public init(roles: [String], steps: [Step], findings: [String], token: String) {
    self.roles = roles
    self.steps = steps
    self.findings = findings
    self.token = token
  }
}
