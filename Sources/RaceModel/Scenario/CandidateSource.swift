/// Code that somebody brings: files in a language with a compiler, instead of a site and a strategy.
public struct CandidateSource: Sendable, Equatable, Codable {
  /// Paths, of one language.
  public var sources: [String]
  /// For the compiler.
  public var flags: [String]
  /// The compiler's path or name; nil: the one that is found.
  public var compiler: String?
  /// 0 to 3, as the compiler has it; nil: 2 where it is raced. Where it is explored, 0 in C, where an optimiser leaves out
  /// loads and allocations whose results nobody uses, and 1 in C++, whose library wants to be inlined.
  public var optimisation: Int?
  /// Functions whose insides are not looked into, which nobody has to be told.
  public var accepted: [String] = []
  /// Where it was built to be explored, and to be raced, once it was.
  public var built: BuiltCandidate?
  /// Where it was built to be explored with its dependencies.
  public var tracked: BuiltCandidate?
  public var raced: BuiltCandidate?

  public init(sources: [String], flags: [String] = []) {
    self.sources = sources
    self.flags = flags
  }

  public enum Language: String, Sendable, CaseIterable {
    case c
    case cPlusPlus = "c++"
    case rust, swift

    public init?(path: String) {
      switch path.split(separator: ".").last.map({ $0.lowercased() }) {
      case "c": self = .c
      case "cc", "cpp", "cxx", "c++": self = .cPlusPlus
      case "rs": self = .rust
      case "swift": self = .swift
      default: return nil
      }
    }
  }

  public var language: Language? { sources.first.flatMap { Language(path: $0) } }
}

/// What became of a candidate's sources.
public struct BuiltCandidate: Sendable, Equatable, Codable {
  /// The loadable object.
  public var object: String
  /// By the contents of the sources and the flags: the same program.
  public var digest: String
  /// The functions that racers run, without their `racer_`; nil: a whole program.
  public var roles: [String]?
  /// Functions that are called and were not instrumented.
  public var unseenCalls: [String]
  /// Where weak compare-exchanges are, which are taken for strong ones: "mine.c:12".
  public var weakUpdates: [String] = []
  /// Fields of the racers' object: name, offset and bytes.
  public var fields: [Field]

  public struct Field: Sendable, Equatable, Codable {
    public var name: String
    public var offset: Int
    public init(name: String, offset: Int) {
      self.name = name
      self.offset = offset
    }
  }

  public init(object: String, digest: String, roles: [String]?, unseenCalls: [String], fields: [Field] = []) {
    self.object = object
    self.digest = digest
    self.roles = roles
    self.unseenCalls = unseenCalls
    self.fields = fields
  }
}
