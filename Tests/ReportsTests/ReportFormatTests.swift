import Foundation
import RaceModel
import Reports
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Each format is read by a reader of its own, and says what the verdicts say.
@Suite struct ReportFormatTests {
  private let verdicts = [Verdicts.raced, Verdicts.explored]

  @Test(arguments: [
    ("a.xml", "junit"), ("a.sarif", "sarif"), ("b/c.JSON", "json"), ("a.jsonl", "jsonl"), ("a.tap", "ktap"),
    ("a.md", "markdown"), ("a.txt", "table"), ("a.html", "html"), ("a.trace", "chrome-trace"),
    ("run.trace.json", "chrome-trace"),
    ("a.sarif.json", "sarif"), ("a.b.json", "json"),
  ])
  func aFileIsWrittenAsItsNameSays(_ path: String, _ name: String) throws {
    #expect(try #require(ReportCatalog.format(ofFile: path)).name == name)
  }

  @Test(arguments: ["a", "a.", "folder.xml/a", "a.xmll", ""]) func otherNamesHaveNoFormat(_ path: String) {
    #expect(ReportCatalog.format(ofFile: path) == nil)
  }

  /// Elements by name, attributes, and the text of failures, as an XML parser finds them.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [(name: String, attributes: [String: String])] = []
    var text = ""
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) { elements.append((name, attributes)) }
    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  private func read(_ xml: String) -> Reader? {
    let parser = XMLParser(data: Data(xml.utf8))
    let reader = Reader()
    parser.delegate = reader
    return parser.parse() ? reader : nil
  }

  @Test func junit() throws {
    let xml = try #require(try JUnitReport(ReportMedium()).end(verdicts))
    let reader = try #require(read(xml), "\(xml)")
    let root = try #require(reader.elements.first)
    #expect(root.name == "testsuites")
    #expect(root.attributes["tests"] == "2")
    let unexpected = verdicts.filter { !$0.asExpected }.count
    #expect(root.attributes["failures"] == "\(unexpected)")
    let cases = reader.elements.filter { $0.name == "testcase" }
    #expect(
      cases.map { $0.attributes["name"] }
        == verdicts.map { $0.scenario.name + ($0.engine.model.map { " (\($0.rawValue))" } ?? "") })
    for verdict in verdicts {
      #expect(reader.elements.contains { $0.attributes["value"] == verdict.command })
      for finding in verdict.findings { #expect(reader.text.contains(finding.message)) }
    }
  }

  /// Names and messages come from users' files.
  @Test func whatXMLCannotSayDoesNotBreakIt() throws {
    var scenario = Verdicts.scenario
    scenario.name = "<\"&'\u{1}\u{1b}[31m>]]>\u{fffe}"
    scenario.question = scenario.name
    let verdict = Verdict(invalid: scenario, .stress, reasons: ["\u{0}<&>"], file: "a&b.yaml", command: "x < y")
    let xml = try #require(try JUnitReport(ReportMedium()).end([verdict]))
    let reader = try #require(read(xml), "\(xml)")
    #expect(reader.elements.contains { $0.name == "error" })
    #expect(reader.elements.contains { $0.attributes["classname"] == "a&b.yaml" })
  }

  /// Every link leads somewhere, and what users' files say is text.
  @Test func html() throws {
    var scenario = Verdicts.scenario
    scenario.name = "<script>\u{1}&"
    let invalid = Verdict(invalid: scenario, .stress, reasons: ["<b>"], file: "a&b.yaml", command: "x < y")
    let page = try #require(try HTMLReport(ReportMedium()).end(verdicts + [invalid]))
    #expect(page.hasPrefix("<!doctype html>"))
    #expect(page.contains("&lt;script&gt;\u{fffd}&amp;"))
    #expect(page.matches(of: /<script>/).count == 2)
    for link in page.matches(of: /href="#([^"]*)"/) { #expect(page.contains("id=\"\(link.1)\"")) }
    #expect(!page.contains("http"), "it needs no network")
    for verdict in verdicts {
      for finding in verdict.findings { #expect(page.contains("\(FindingID(finding, in: verdict))")) }
    }
    let steps = try #require(Verdicts.explored.counterexample).steps
    for number in 1...steps.count { #expect(page.contains("><td>\(number)<td>")) }
    let arrows = steps.filter { step in step.readsFrom.map { step.isStale || steps[$0].racer != step.racer } ?? false }
    #expect(page.matches(of: /<path class="(rf|stale)"/).count == arrows.count)
  }

  /// A slice for each step; each arrow has a beginning and an end, inside slices.
  @Test func chromeTrace() throws {
    struct Trace: Decodable {
      struct Event: Decodable {
        var ph: String
        var pid, tid: Int
        var ts, dur, id: Int?
      }
      var traceEvents: [Event]
    }
    let text = try #require(try ChromeTraceReport(ReportMedium()).end(verdicts))
    let events = try JSONDecoder().decode(Trace.self, from: Data(text.utf8)).traceEvents
    let steps = try #require(Verdicts.explored.counterexample).steps
    let slices = events.filter { $0.ph == "X" }
    #expect(slices.map(\.tid) == steps.map(\.racer))
    let begins = events.filter { $0.ph == "s" }
    let ends = events.filter { $0.ph == "f" }
    #expect(begins.count == steps.count { $0.readsFrom != nil })
    #expect(begins.map(\.id) == ends.map(\.id))
    for end in begins + ends {
      #expect(
        slices.contains { slice in
          guard let time = end.ts, let start = slice.ts, let length = slice.dur else { return false }
          return slice.tid == end.tid && (start...start + length).contains(time)
        })
    }
  }

  @Test func ktap() throws {
    let lines = try #require(try KTAPReport(ReportMedium()).end(verdicts)).split(separator: "\n")
    #expect(lines.first == "KTAP version 1")
    #expect(lines[1] == "1..2")
    let results = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
    #expect(results.count == 2)
    for (verdict, line) in zip(verdicts, results) { #expect(line.hasPrefix("ok ") == verdict.asExpected, "\(line)") }
  }

  @Test func sarif() throws {
    let text = try #require(try SARIFReport(ReportMedium()).end(verdicts))
    let log = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(log["version"] as? String == "2.1.0")
    let run = try #require((log["runs"] as? [[String: Any]])?.first)
    let results = try #require(run["results"] as? [[String: Any]])
    #expect(results.map { $0["ruleId"] as? String } == verdicts.flatMap(\.findings).map(\.checker))
    let explained = try #require(Verdicts.explored.counterexample)
    let flows = results.compactMap { ($0["codeFlows"] as? [[String: Any]])?.first?["threadFlows"] as? [[String: Any]] }
    let flow = try #require(flows.first)
    let racers = Set(explained.steps.map(\.racer))
    #expect(flow.count == 1 + racers.count, "the interleaving, and one for each racer")
    let orders = (flow[0]["locations"] as? [[String: Any]])?.compactMap { $0["executionOrder"] as? Int }
    #expect(orders == Array(1...explained.steps.count))
  }

  @Test func markdownHasARowForEachScenario() throws {
    let text = try #require(try MarkdownReport(ReportMedium()).end(verdicts))
    #expect(text.hasPrefix("| | scenario |"))
    for verdict in verdicts { #expect(text.contains("| \(verdict.scenario.name) |")) }
  }

  @Test func linesComeAsTheVerdictsDo() throws {
    let text = try #require(JSONLinesReport(ReportMedium()).scenario(verdicts))
    let decoded = try text.split(separator: "\n").map {
      try JSONDecoder().decode(EncodedVerdict.self, from: Data($0.utf8))
    }
    #expect(decoded == verdicts.map(EncodedVerdict.init))
  }

  @Test func annotationsAreOneLineEach() throws {
    let scenario = Verdicts.scenario
    let verdict = Verdict(
      invalid: scenario, .stress, reasons: ["100 % wrong"], file: "a,b:c.yaml", command: "addonrace check a")
    let text = try #require(GitHubReport(ReportMedium()).scenario([verdict]))
    #expect(text.split(separator: "\n").count == 1)
    #expect(text.hasPrefix("::error file=a%2Cb%3Ac.yaml,title="))
    #expect(text.contains("100 %25 wrong"))
  }

  /// An id is of the defect: not of the seed, the round, the inode or the allocation that showed it.
  @Test func anIdStaysTheSame() {
    var other = Verdicts.leak
    other.round = 77
    other.inode = 1
    other.allocations = [1]
    other.message = "allocation 1 is alive at quiescence"
    let id = FindingID(Verdicts.leak, in: Verdicts.raced)
    #expect(FindingID(other, in: Verdicts.raced) == id)
    #expect(id.description.count == 16)
    other.checker = "agreement"
    #expect(FindingID(other, in: Verdicts.raced) != id)
    #expect(FindingID(Verdicts.leak, in: Verdicts.explored) != id)
  }
}

/// What a terminal shows fits it, and does not act on it.
@Suite struct TerminalTests {
  @Test func aTraceThatIsTooWideIsOneColumn() throws {
    let verdict = Verdicts.explored
    let steps = try #require(verdict.counterexample).steps
    func text(_ width: Int?) throws -> String {
      try #require(TableReport(ReportMedium(width: width, explains: true)).scenario([verdict]))
    }
    let wide = try text(nil)
    let narrow = try text(60)
    #expect(try text(1000) == wide)
    #expect(narrow != wide)
    for (number, step) in steps.enumerated() {
      #expect(narrow.contains("\(number + 1)  racer \(step.racer) "), "\(narrow)")
    }
  }

  @Test func tablesDropColumns() throws {
    func head(_ width: Int?) throws -> Substring {
      let text = try #require(try TableReport(ReportMedium(width: width)).end([Verdicts.explored]))
      return try #require(text.split(separator: "\n").first { $0.hasPrefix("scenario") })
    }
    #expect(try head(80).count <= 80)
    #expect(try head(80).contains("verdict"))
    #expect(try head(nil).contains("pruned graphs"))
  }

  @Test(arguments: [
    ("a\u{1b}]0;pwned\u{7}", "a\\u{1b}]0;pwned\\u{7}"), ("a\nb", "a\\nb"), ("\u{202e}x", "\\u{202e}x"), ("漢字", "漢字"),
    (String(repeating: "x", count: 3000), String(repeating: "x", count: 400) + "..."),
  ])
  func namesDoNotAct(_ name: String, _ shown: String) { #expect(name.safe == shown) }

  @Test func linesAreFoldedBetweenWords() {
    #expect("one two".folded(to: 7) == "one two")
    #expect("  one two three".folded(to: 9) == "  one two\n    three")
    #expect("\u{1b}[1mone\u{1b}[0m two three".folded(to: 8) == "\u{1b}[1mone\u{1b}[0m two\n  three")
    #expect("longerthanitis and".folded(to: 6) == "longerthanitis\n  and", "no word is broken")
  }

  @Test func wideCharactersTakeTwoColumns() {
    var table = TextTable([.left("name"), .right("n")])
    table.add(["漢字", "1"])
    table.add(["four", "2"])
    #expect(table.text == "name  n\n漢字  1\nfour  2")
    #expect("漢字漢字".cut(to: 5) == "漢字…")
  }
}
