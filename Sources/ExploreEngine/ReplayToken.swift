import AddonMemory
import ExploreCore
import Foundation
import RaceModel

/// One execution of a scenario, as a word that fits on a command line:
///
///     ar1:c11:set-owner=2:inodes=1:5d41402a:AAEBAQ...
///
/// the format's version, the memory model, racers and inodes, a digest of the names of site and strategy, and the decisions in
/// base64url: a byte for each, or two where a racer's event is named. Where code mixes plain and atomic accesses to words,
/// these follow: where each lies, and its size.
public struct ReplayToken: Equatable {
  static let version = "ar1"
  public let model: MemoryModel
  public let racers: [RacerGroup]
  public let inodes: Int
  let digest: String
  let decisions: [[Guide.Decision]]
  let mixedWords: [MixedWord]

  /// What is wrong with a token, and what to do.
  public struct Invalid: Error, CustomStringConvertible {
    public let description: String
  }

  init(_ scenario: Scenario, _ model: MemoryModel, _ guide: Guide) {
    self.model = model
    racers = scenario.exploredRacers
    inodes = scenario.explore.inodes
    digest = Self.digest(scenario)
    decisions = guide.decisions
    mixedWords = guide.mixedWords
  }

  var guide: Guide { Guide(decisions, mixedWords: mixedWords) }

  /// Reads a token and makes sure that it is one of this scenario.
  public init(_ text: String, of scenario: Scenario) throws(Invalid) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.first == Self.version else {
      let isOther = parts.first?.hasPrefix("ar") == true && parts.count > 1
      throw Invalid(
        description: isOther
          ? "the token is of version '\(parts[0])'; this program knows \(Self.version): explore the scenario again"
          : "'\(text.prefix(20))' is no replay token: those begin with '\(Self.version):', as `explore` prints them")
    }
    guard (6...7).contains(parts.count), parts[3].hasPrefix("inodes="), let inodes = Int(parts[3].dropFirst(7)),
      ExploreLimits.inodes.contains(inodes), let data = Data(base64URL: parts[5]),
      let words = parts.count == 6 ? [] : Data(base64URL: parts[6]).flatMap(Self.decodeWords)
    else { throw Invalid(description: "the token is broken: copy it whole, from '\(Self.version):' to its end") }
    guard let model = MemoryModel(rawValue: parts[1]) else {
      throw Invalid(
        description: "the token is of a memory model '\(parts[1])', which is not known here; known: "
          + MemoryModel.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let racers = parts[2].split(separator: ",").compactMap { part -> RacerGroup? in
      let sides = part.split(separator: "=")
      guard sides.count == 2, let count = Int(sides[1]), ExploreLimits.racers.contains(count) else { return nil }
      return RacerGroup(role: String(sides[0]), count: count)
    }
    // A program starts its own.
    let count = scenario.code == nil ? racers.reduce(0) { $0 + $1.count } : 1
    guard parts[4] == Self.digest(scenario), ExploreLimits.racers.contains(count) else {
      let what =
        scenario.code == nil
        ? "site \(scenario.site), strategy \(scenario.strategy)" : "its sources or flags are others"
      throw Invalid(
        description:
          "the token is not of scenario '\(scenario.name)' as it is now (\(what)): explore the scenario again")
    }
    guard let decisions = Self.decode(data), decisions.count >= count, decisions.count % count == 0,
      ExploreLimits.racers.contains(decisions.count)
    else {
      throw Invalid(description: "the token is broken: copy it whole, from '\(Self.version):' to its end")
    }
    (self.model, self.racers, self.inodes, digest) = (model, racers, inodes, parts[4])
    (self.decisions, mixedWords) = (decisions, words)
  }

  public var text: String {
    let racers = racers.map { "\($0.role)=\($0.count)" }.joined(separator: ",")
    var parts = [Self.version, model.rawValue, racers, "inodes=\(inodes)", digest, Self.encode(decisions).base64URL]
    if !mixedWords.isEmpty { parts.append(Self.encode(mixedWords).base64URL) }
    return parts.joined(separator: ":")
  }

  /// The scenario that the token's execution is of.
  public func scenario(_ scenario: Scenario) -> Scenario {
    var scenario = scenario
    scenario.explore.racers = racers
    scenario.explore.inodes = inodes
    return scenario
  }

  /// FNV-1a of the names of site and strategy (Fowler, Noll, Vo); of code that is brought, what its build says.
  private static func digest(_ scenario: Scenario) -> String {
    if let code = scenario.code { return code.built?.digest ?? "unbuilt" }
    var hash: UInt32 = 2_166_136_261
    for byte in "\(scenario.site)/\(scenario.strategy)".utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    let text = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }

  // MARK: Bytes

  private static func encode(_ decisions: [[Guide.Decision]]) -> Data {
    var bytes = Data()
    for list in decisions {
      bytes.append(number: list.count)
      for decision in list {
        switch decision {
        case .nothing: bytes.append(number: 0)
        case .initial: bytes.append(number: 1)
        case .outcome(let outcome): bytes.append(number: 2 + outcome)
        case .place(let place): bytes.append(number: 4 + 2 * place)
        case .source(let racer, let index):
          bytes.append(number: 5 + 2 * racer)
          bytes.append(number: index)
        }
      }
    }
    return bytes
  }

  private static func decode(_ data: Data) -> [[Guide.Decision]]? {
    var bytes = data
    var decisions: [[Guide.Decision]] = []
    while !bytes.isEmpty {
      guard let count = bytes.popNumber(), count <= bytes.count else { return nil }
      var list: [Guide.Decision] = []
      for _ in 0..<count {
        switch bytes.popNumber() {
        case nil: return nil
        case 0: list.append(.nothing)
        case 1: list.append(.initial)
        case 2: list.append(.outcome(0))
        case 3: list.append(.outcome(1))
        case let code? where code % 2 == 0: list.append(.place((code - 4) / 2))
        case let code?:
          guard let index = bytes.popNumber() else { return nil }
          list.append(.source(racer: (code - 5) / 2, index: index))
        }
      }
      decisions.append(list)
    }
    return decisions
  }

  private static func encode(_ words: [MixedWord]) -> Data {
    var bytes = Data()
    for word in words {
      bytes.append(number: word.offset)
      bytes.append(number: word.size)
    }
    return bytes
  }

  private static func decodeWords(_ data: Data) -> [MixedWord]? {
    var bytes = data
    var words: [MixedWord] = []
    while !bytes.isEmpty {
      guard let offset = bytes.popNumber(), let size = bytes.popNumber(), (1...16).contains(size) else { return nil }
      words.append(MixedWord(offset: offset, size: size))
    }
    return words
  }
}

/// Numbers of seven bits a byte, the lowest first (LEB128).
extension Data {
  fileprivate mutating func append(number: Int) {
    var rest = number
    while rest >= 128 {
      append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  fileprivate mutating func popNumber() -> Int? {
    var (value, shift) = (0, 0)
    while let byte = popFirst(), shift < 35 {
      value |= Int(byte & 127) << shift
      if byte < 128 { return value }
      shift += 7
    }
    return nil
  }
}

extension Data {
  fileprivate var base64URL: String {
    base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
      .replacingOccurrences(of: "=", with: "")
  }

  fileprivate init?(base64URL text: String) {
    let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    self.init(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
  }
}
