/// One setting of a scenario: a key of its file, an option of the command line, a row of the documentation, a word of the
/// command that repeats a run. All of them follow from this.
public struct Setting: Sendable {
  /// Whose setting it is: a section of the scenario file, and the command that has the option.
  public enum Section: String, Sendable, CaseIterable {
    case stress, explore, bench
  }

  public enum Kind: Sendable {
    /// A whole number, a multiple of `step`.
    case integer(ClosedRange<Int>, step: Int)
    case number(ClosedRange<Double>)
    case choice([String])
    case flag
  }

  public let section: Section
  /// In kebab-case, the same in files and options.
  public let key: String
  public let kind: Kind
  /// What a number counts: "seconds"; empty for a mere number.
  public let unit: String
  /// One sentence.
  public let meaning: String
  /// Where no scenario says it and the default is no value: "tuned at run time".
  let otherwise: String?
  private let get: @Sendable (Scenario) -> SettingValue?
  private let set: @Sendable (inout Scenario, SettingValue) -> Void

  /// The value of a scenario; nil where it has none.
  public func value(in scenario: Scenario) -> SettingValue? { get(scenario) }
  public func apply(_ value: SettingValue, to scenario: inout Scenario) { set(&scenario, value) }

  /// The default, as documentation shows it.
  public var defaultText: String {
    if let otherwise { return otherwise }
    return get(Scenario(name: "", question: "", site: "", strategy: "", racers: [])).map(\.description) ?? "none"
  }

  /// What it may be, for people.
  public var range: String {
    func limits(_ lower: String, _ upper: String?) -> String { upper.map { "\(lower) to \($0)" } ?? "\(lower) or more" }
    let unit = unit.isEmpty ? "" : " \(unit)"
    switch kind {
    case .integer(let range, let step):
      let upper = range.upperBound == .max ? nil : "\(range.upperBound)"
      return limits("\(range.lowerBound)", upper) + unit + (step > 1 ? ", a multiple of \(step)" : "")
    case .number(let range):
      return limits(
        SettingValue.number(range.lowerBound).description, SettingValue.number(range.upperBound).description) + unit
    case .choice(let choices): return choices.joined(separator: ", ")
    case .flag: return "true, false"
    }
  }

  /// Reads a value as files and command lines have it.
  ///
  /// - Throws: what is wrong with the text, and what it may be.
  public func parse(_ text: String) throws(SettingError) -> SettingValue {
    switch kind {
    case .integer(let range, let step):
      guard let number = Int(text.filter { $0 != "_" }) else { throw wrongType("a whole number") }
      guard range.contains(number) else { throw outOfRange(text) }
      if number % step != 0 {
        throw SettingError(key: key, problem: "is \(number), which is no multiple of \(step)", remedy: nil)
      }
      return .integer(number)
    case .number(let range):
      guard let number = Double(text), number.isFinite else { throw wrongType("a number") }
      guard range.contains(number) else { throw outOfRange(text) }
      return .number(number)
    case .choice(let choices):
      if choices.contains(text) { return .text(text) }
      throw SettingError(key: key, unknown: text, choices: choices)
    case .flag:
      guard let flag = Bool(text.lowercased()) else {
        throw SettingError(key: key, problem: "must be true or false", remedy: nil)
      }
      return .flag(flag)
    }
  }

  private func wrongType(_ type: String) -> SettingError {
    SettingError(key: key, problem: "must be \(type)", remedy: "it may be \(range)")
  }
  private func outOfRange(_ text: String) -> SettingError {
    SettingError(key: key, problem: "is \(text), out of range", remedy: "it may be \(range)")
  }
}

/// What a setting is set to.
public enum SettingValue: Sendable, Equatable, CustomStringConvertible {
  case integer(Int)
  case number(Double)
  case text(String)
  case flag(Bool)

  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .text(let value): value
    case .flag(let value): "\(value)"
    }
  }
}

/// What is wrong with a value.
public struct SettingError: Error, Sendable, CustomStringConvertible {
  public let key: String
  /// "is 7, out of range".
  public let problem: String
  public let remedy: String?
  /// The word that is none of the choices.
  public let unknown: String?

  init(key: String, problem: String, remedy: String?) {
    self.key = key
    self.problem = problem
    self.remedy = remedy
    unknown = nil
  }

  init(key: String, unknown: String, choices: [String]) {
    self.key = key
    problem = "is '\(unknown)', which is unknown"
    remedy = Suggestion.remedy(for: unknown, among: choices)
    self.unknown = unknown
  }

  public var description: String { "\(key) \(problem)" + (remedy.map { "; \($0)" } ?? "") }
}

// MARK: Ways to make one

extension Setting {
  static func integer(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, Int> & Sendable, _ range: ClosedRange<Int>,
    unit: String = "", _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .integer(range, step: 1), unit: unit, meaning: meaning, otherwise: nil,
      get: { .integer($0[keyPath: path]) }, set: { if case .integer(let value) = $1 { $0[keyPath: path] = value } })
  }

  static func integer(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, Int?> & Sendable,
    _ range: ClosedRange<Int>, step: Int = 1, unit: String = "", otherwise: String, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .integer(range, step: step), unit: unit, meaning: meaning, otherwise: otherwise,
      get: { $0[keyPath: path].map { .integer($0) } },
      set: { if case .integer(let value) = $1 { $0[keyPath: path] = value } })
  }

  static func seed(
    _ section: Section, _ path: WritableKeyPath<Scenario, UInt64> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: "seed", kind: .integer(0...Int.max, step: 1), unit: "", meaning: meaning, otherwise: nil,
      get: { .integer(Int(truncatingIfNeeded: $0[keyPath: path])) },
      set: { if case .integer(let value) = $1 { $0[keyPath: path] = UInt64(value) } })
  }

  static func number(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, Double> & Sendable,
    _ range: ClosedRange<Double>, unit: String, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .number(range), unit: unit, meaning: meaning, otherwise: nil,
      get: { .number($0[keyPath: path]) }, set: { if case .number(let value) = $1 { $0[keyPath: path] = value } })
  }

  static func number(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, Double?> & Sendable,
    _ range: ClosedRange<Double>, unit: String = "", otherwise: String, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .number(range), unit: unit, meaning: meaning, otherwise: otherwise,
      get: { $0[keyPath: path].map { .number($0) } },
      set: { if case .number(let value) = $1 { $0[keyPath: path] = value } })
  }

  static func choice<T: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, T> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .choice(T.allCases.map(\.rawValue)), unit: "", meaning: meaning, otherwise: nil,
      get: { .text($0[keyPath: path].rawValue) },
      set: { scenario, value in
        if case .text(let text) = value, let choice = T(rawValue: text) { scenario[keyPath: path] = choice }
      })
  }

  static func flag(
    _ section: Section, _ key: String, _ path: WritableKeyPath<Scenario, Bool> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      section: section, key: key, kind: .flag, unit: "", meaning: meaning, otherwise: nil,
      get: { .flag($0[keyPath: path]) }, set: { if case .flag(let value) = $1 { $0[keyPath: path] = value } })
  }
}
