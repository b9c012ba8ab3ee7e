/// What a litmus file asks: whether some execution, every one or none ends so.
public struct LitmusCondition: Sendable, CustomStringConvertible {
  public enum Quantifier: String, Sendable {
    case exists
    case forall
    case never = "~exists"
  }

  /// Something that has a value at the end.
  public enum Name: Hashable, Sendable, Comparable, CustomStringConvertible {
    case register(thread: Int, String)
    case place(String)

    public var description: String {
      switch self {
      case .register(let thread, let name): "\(thread):\(name)"
      case .place(let name): "[\(name)]"
      }
    }

    public static func < (a: Name, b: Name) -> Bool {
      switch (a, b) {
      case (.register(let x, let m), .register(let y, let n)): (x, m) < (y, n)
      case (.place(let m), .place(let n)): m < n
      case (.register, .place): true
      case (.place, .register): false
      }
    }

    public func value(in outcome: LitmusOutcome) -> LitmusOutcome.Value {
      switch self {
      case .register(let thread, let name): outcome[thread, name]
      case .place(let name): outcome[name]
      }
    }
  }

  public indirect enum Proposition: Sendable {
    case equal(Name, LitmusOutcome.Value)
    /// Two registers have the same value.
    case same(Name, Name)
    case not(Proposition)
    case and(Proposition, Proposition)
    case or(Proposition, Proposition)
    case always

    public func holds(_ outcome: LitmusOutcome) -> Bool { truth { $0.value(in: outcome) } ?? false }

    /// Whether it holds, of what is known so far; nil where that does not say.
    func truth(_ value: (Name) -> LitmusOutcome.Value?) -> Bool? {
      switch self {
      case .equal(let name, let expected): value(name).map { $0 == expected }
      case .same(let a, let b):
        if let a = value(a), let b = value(b) { a == b } else { nil }
      case .not(let other): other.truth(value).map { !$0 }
      case .and(let a, let b):
        switch (a.truth(value), b.truth(value)) {
        case (false, _), (_, false): false
        case (true, true): true
        default: nil
        }
      case .or(let a, let b):
        switch (a.truth(value), b.truth(value)) {
        case (true, _), (_, true): true
        case (false, false): false
        default: nil
        }
      case .always: true
      }
    }

    var names: Set<Name> {
      switch self {
      case .equal(let name, _): [name]
      case .same(let a, let b): [a, b]
      case .not(let other): other.names
      case .and(let a, let b), .or(let a, let b): a.names.union(b.names)
      case .always: []
      }
    }
  }

  public let quantifier: Quantifier
  public let proposition: Proposition
  /// As the file has it.
  public let description: String
}

extension LitmusOutcome.Value: CustomStringConvertible {
  public var description: String {
    switch self {
    case .number(let number): "\(Int64(bitPattern: number))"
    case .address(let place): place
    }
  }
}

/// What the executions of a litmus file say of its condition.
public struct LitmusObservation: Sendable {
  public enum Word: String, Sendable {
    case never = "Never"
    case sometimes = "Sometimes"
    case always = "Always"
  }

  /// Final states, each once, by what is shown of them, with how many executions end so.
  public let states: [(state: String, executions: Int)]
  /// Executions that end as the proposition says, and others.
  public let positive: Int
  public let negative: Int
  public let hasRace: Bool
  /// What else the kernel's model flags.
  private let flags: [String]
  /// Whether only states are here that end as the proposition says, and one other.
  public let isOfCondition: Bool
  /// Executions that have no outcome: they accessed what is not there.
  public let crashes: Int
  /// Why nothing can be said, where not every execution was visited or came to its end.
  public let undecided: String?

  public var allFlags: [String] { (hasRace ? ["data-race"] : []) + flags }
  public var word: Word { positive == 0 ? .never : negative == 0 ? .always : .sometimes }

  public init(_ result: LitmusResult, of file: LitmusFile) {
    let names = file.shown
    var states: [String: Int] = [:]
    var (positive, negative) = (0, 0)
    for (outcome, count) in result.outcomes where file.filter.holds(outcome) {
      states[names.map { "\($0)=\($0.value(in: outcome));" }.joined(separator: " "), default: 0] += count
      if file.condition.proposition.holds(outcome) { positive += count } else { negative += count }
    }
    self.states = states.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    self.positive = positive
    self.negative = negative
    hasRace = result.races > 0
    flags = result.flags
    isOfCondition = result.isOfCondition
    crashes = result.crashes
    if !result.isExhaustive {
      undecided = "not every execution was visited"
    } else if result.crashes > 0 {
      undecided = "\(result.crashes) executions crashed, and have no outcome"
    } else {
      undecided = nil
    }
  }

  /// Whether it is as the condition wants: some execution, all, or none.
  public func holds(_ condition: LitmusCondition) -> Bool {
    switch condition.quantifier {
    case .exists: positive > 0
    case .forall: negative == 0
    case .never: positive == 0
    }
  }
}
