import AddonMemory
import Machine

/// What the author of a scenario expects of each engine.
public struct ExpectedVerdicts: Sendable, Equatable, Codable {
  /// Of exploration, by memory model; where none is named, a pass.
  public var explore: [MemoryModel: ExpectedVerdict] = [:]
  public var stress = ExpectedVerdict.verdict(.pass)
  /// nil: as under stress.
  public var threadSanitizer: ExpectedVerdict?
  /// nil: as under stress.
  public var addressSanitizer: ExpectedVerdict?
  public init() {}

  /// Of a run in an engine, by a binary of this kind.
  public func expected(of engine: EngineKind, build: BuildKind) -> ExpectedVerdict {
    switch engine {
    case .explore(let model): return explore[model] ?? .verdict(.pass)
    case .stress:
      return switch build {
      case .plain: stress
      case .threadSanitizer: threadSanitizer ?? stress
      case .addressSanitizer: addressSanitizer ?? stress
      }
    }
  }
}

public enum ExpectedVerdict: Sendable, Equatable, Codable {
  case verdict(Outcome)
  /// All of `checkers` report; those in `may` can; nobody else. Where nobody has to, a pass is as good.
  case fail(checkers: [String], may: [String])

  /// Whether a verdict is as expected.
  public func accepts(_ verdict: Verdict) -> Bool {
    switch self {
    case .verdict(let outcome): return verdict.outcome == outcome
    case .fail(let checkers, _):
      let reporters = Set(verdict.record.reporters)
      // Of an exploration's part, another part may have what is missing here.
      let missing = verdict.exploration?.part == nil ? missing(among: reporters) : []
      if verdict.outcome == .pass { return checkers.isEmpty || verdict.exploration?.part != nil }
      return verdict.outcome == .fail && missing.isEmpty
        && unexpected(among: reporters, accompanied: Set(verdict.record.accompanying)).isEmpty
    }
  }

  /// Who must report and did not.
  public func missing(among reporters: Set<String>) -> [String] {
    if case .fail(let checkers, _) = self { checkers.filter { !reporters.contains($0) } } else { [] }
  }

  /// Who reported and may not.
  public func unexpected(among reporters: Set<String>, accompanied: Set<String>) -> [String] {
    guard case .fail(let checkers, let may) = self else { return reporters.sorted() }
    let accepted = Set(checkers).union(may)
    // What a checker of one's own says beside those who were expected is no surprise; alone it is.
    return reporters.subtracting(accepted).subtracting(accompanied).sorted()
  }
}

extension ExpectedVerdict: CustomStringConvertible {
  public var description: String {
    switch self {
    case .verdict(let outcome): outcome.rawValue
    case .fail(let checkers, let may) where checkers.isEmpty: "pass, or fail by \(may.joined(separator: ", "))"
    case .fail(let checkers, let may):
      "fail by \(checkers.joined(separator: ", "))" + (may.isEmpty ? "" : " (or also \(may.joined(separator: ", ")))")
    }
  }
}
