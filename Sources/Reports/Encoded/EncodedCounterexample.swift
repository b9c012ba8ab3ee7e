import AddonMemory
import RaceModel

/// An execution that shows a finding.
public struct EncodedCounterexample: Codable, Equatable, Sendable {
  public struct Step: Codable, Equatable, Sendable {
    public var racer: Int
    /// As `Counterexample.Verb`.
    public var verb: String
    public var place: String?
    public var value: String?
    /// What an update wrote in place of `value`.
    public var written: String?
    public var ordering: String?
    /// The number of a step, from 0; absent for the initial value.
    public var readsFrom: Int?
    public var overwrites: Int?
    public var isStale: Bool
    public var isMarked: Bool
    public var source: String?
  }

  public var memoryModel: String
  /// By racer.
  public var roles: [String]
  public var steps: [Step]
  public var findings: [String]
  public var token: String

  init(_ counterexample: Counterexample, _ model: MemoryModel) {
    memoryModel = model.rawValue
    roles = counterexample.roles
    steps = counterexample.steps.map { step in
      Step(
        racer: step.racer, verb: step.verb.rawValue, place: step.place.map(TraceWords.place),
        value: step.value.map(TraceWords.value), written: step.written.map(TraceWords.value),
        ordering: step.ordering?.rawValue, readsFrom: step.readsFrom, overwrites: step.overwrites,
        isStale: step.isStale, isMarked: step.isMarked, source: step.source)
    }
    findings = counterexample.findings.map(TraceWords.finding)
    token = counterexample.token
  }
}
