import RaceModel

/// A litmus test of the kernel, in herd's C format:
///
///     C MP
///     {}
///     P0(int *x, int *y) { WRITE_ONCE(*x, 1); smp_store_release(y, 1); }
///     P1(int *x, int *y) { int r0; int r1; r0 = smp_load_acquire(y); r1 = READ_ONCE(*x); }
///     exists (1:r0=1 /\ 1:r1=0)
///
/// with `if`, arithmetic, `forall`, `~exists`, `filter` and `locations`; without loops.
public struct LitmusFile: Sendable {
  /// What is wrong with a file, and where.
  public struct Invalid: Error, Sendable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    public let column: Int
    public let message: String
    public let remedy: String?

    init(line: Int, column: Int, message: String, remedy: String? = nil) {
      self.line = line
      self.column = column
      self.message = message
      self.remedy = remedy
    }

    init(_ token: LitmusToken, _ message: String, remedy: String? = nil) {
      self.init(line: token.line, column: token.column, message: message, remedy: remedy)
    }

    public var description: String {
      "\(line):\(column): error: \(message)" + (remedy.map { "\n    \($0)" } ?? "")
    }
  }

  public let test: LitmusTest
  public let condition: LitmusCondition
  /// Executions that end otherwise are not looked at.
  public let filter: LitmusCondition.Proposition
  /// What is shown of a final state.
  public let shown: [LitmusCondition.Name]
  /// What the file's header says of it: "Result: Never".
  public let result: LitmusObservation.Word?
  /// Whether the header says that it has a data race.
  public let saysRace: Bool

  public var name: String { test.name }

  /// The test, with the file's question.
  public var asking: LitmusTest {
    LitmusTest(name, initial: test.initial, threads: test.threads) { [filter, condition] in
      filter.holds($0) && condition.proposition.holds($0)
    }
  }

  public init(_ text: String) throws(Invalid) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(where: { !$0.allSatisfy(\.isWhitespace) }) else {
      throw Invalid(line: 1, column: 1, message: "the file is empty")
    }
    let words = lines[first].split(whereSeparator: \.isWhitespace)
    guard words[0] == "C" else {
      throw Invalid(
        line: first + 1, column: 1, message: "this is a litmus test of '\(words[0])', which is not known here",
        remedy: "the first line of a litmus test in C is: C NAME")
    }
    let name = words.count > 1 ? words.dropFirst().joined(separator: " ") : "?"
    let rest = lines[(first + 1)...].joined(separator: "\n")
    var parser = LitmusParser(name: name, try LitmusLexer.tokens(Substring(rest), line: first + 2))
    try parser.parse()
    guard let condition = parser.condition else {
      throw Invalid(line: lines.count, column: 1, message: "there is no condition", remedy: "write exists (...)")
    }
    test = LitmusTest(name, initial: parser.initial, threads: parser.threads)
    self.condition = condition
    filter = parser.filter ?? .always
    shown = condition.proposition.names.union(parser.shown).sorted()
    let header = text.firstMatch(of: /Result:\s*(Never|Sometimes|Always|DEADLOCK)/)
    result = header.flatMap { LitmusObservation.Word(rawValue: String($0.1)) }
    saysRace = text.contains("Flag data-race") || text.contains("DATARACE")
  }
}
