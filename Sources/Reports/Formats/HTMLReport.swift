import Foundation
import Mustache
import RaceModel

/// One page that needs nothing else: the matrix of scenarios and engines, each verdict with something to tell, the execution
/// that shows it with its reads-from as arrows, and the figures.
///
/// What is folded stands in a comment until somebody opens it: a browser makes no elements of a comment, so that the page of
/// ten thousand verdicts opens at once.
public struct HTMLReport: ReportFormat {
  public static let name = "html"
  public static let extensions = ["html", "htm"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    try write(try MustacheTemplate(string: Self.beginning).render(Page(verdicts)))
    try write(Self.matrix(verdicts))
    let detail = try MustacheTemplate(string: Self.detail)
    // What is not as expected comes first.
    let told = verdicts.enumerated().filter { $0.element.isTold }
      .sorted { !$0.element.asExpected && $1.element.asExpected }
    if !told.isEmpty { try write("<h2>What was found</h2>\n") }
    try told.madeInOrder { number, verdict in
      Fold(number, verdict, body: detail.render(Detail(verdict))).html
    } use: {
      try write($0)
    }
    let figures = FigureRow.rows(verdicts)
    if !figures.isEmpty {
      let isFolded = figures.count > Self.mostFiguresShown
      try write(Self.figuresBeginning(isFolded))
      for row in figures { try write(row.html + "\n") }
      try write(Self.tableEnd + (isFolded ? "-->" : "") + "</details>\n")
    }
    try write(Self.end)
  }

  private static let mostFiguresShown = 500
  /// Of the matrix; the others follow once the page is shown.
  private static let mostRowsAtOnce = 500

  /// A row for each scenario, a column for each engine. Written as text: a template takes seconds for ten thousand rows.
  private static func matrix(_ verdicts: [Verdict]) -> String {
    let columns = verdicts.map(\.column).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var groups: [[(number: Int, verdict: Verdict)]] = []
    var places: [String: Int] = [:]
    for (number, verdict) in verdicts.enumerated() {
      let key = (verdict.file ?? "") + "\n" + verdict.scenario.name
      if let place = places[key] {
        groups[place].append((number, verdict))
      } else {
        places[key] = groups.count
        groups.append([(number, verdict)])
      }
    }
    let head = (["scenario"] + columns).map { "<th scope=\"col\">\($0)</th>" }.joined()
    let rows = groups.map { Row($0, columns).html + "\n" }
    let later = rows.dropFirst(mostRowsAtOnce)
    return "<thead><tr>\(head)</tr></thead>\n<tbody>\n" + rows.prefix(mostRowsAtOnce).joined()
      + (later.isEmpty ? "" : "</tbody>\n<tbody class=\"later\"><!--\n\(later.joined())-->") + tableEnd
  }
}

/// What the page begins with.
private struct Page {
  var title: String
  var summary: String
  var isOK: Bool
  var product: String

  init(_ verdicts: [Verdict]) {
    let unexpected = verdicts.count { !$0.asExpected }
    isOK = unexpected == 0
    title = "\(Product.name): \(unexpected == 0 ? "all as expected" : "\(unexpected) not as expected")"
    let build = verdicts.first.map { ", \($0.record.build.rawValue) build" } ?? ""
    summary =
      "\(Number.counted(verdicts.count, "verdict")), \(Number.grouped(verdicts.count - unexpected)) as expected"
      + build
    product = "\(Product.name) \(Product.build)"
  }
}

private struct Row {
  struct Cell {
    var text: String
    var kind: String
    /// Of the verdict's details, where it has any.
    var link: String?
    var words: String
  }
  var name: String
  var file: String
  var question: String
  var cells: [Cell]

  init(_ verdicts: [(number: Int, verdict: Verdict)], _ columns: [String]) {
    let first = verdicts[0].verdict
    name = first.name.shown
    file = (first.file ?? "").shown
    question = first.scenario.question.shown
    cells = columns.map { column in
      guard let (number, verdict) = verdicts.first(where: { $0.verdict.column == column }) else {
        return Cell(text: "", kind: "none", link: nil, words: "")
      }
      return Cell(
        text: verdict.engine.model != nil && verdict.outcome == .pass ? "holds" : Sentence.word(verdict).shown,
        kind: verdict.asExpected ? (verdict.outcome == .pass ? "pass" : "expected") : "bad",
        link: verdict.isTold ? "v\(number)" : nil,
        words: verdict.asExpected ? "as expected" : "not as expected")
    }
  }

  var html: String {
    let head =
      "<th scope=\"row\" title=\"\(question.escaped)\">\(name.escaped)<br><span class=\"dim\">\(file.escaped)</span></th>"
    return "<tr>" + head + cells.map(\.html).joined() + "</tr>"
  }
}

extension Row.Cell {
  fileprivate var html: String {
    let shown = link.map { "<a href=\"#\($0)\">\(text.escaped)</a>" } ?? text.escaped
    return "<td class=\"\(kind)\" title=\"\(words)\">\(shown)</td>"
  }
}

/// A verdict's line, and below it what there is to tell. What is as expected is folded.
private struct Fold {
  private let number: Int
  private let verdict: Verdict
  private let detail: String

  init(_ number: Int, _ verdict: Verdict, body: String) {
    self.number = number
    self.verdict = verdict
    detail = body
  }

  var html: String {
    let kind = verdict.asExpected ? "expected" : "bad"
    let line =
      "<strong>\(verdict.title.shown.escaped)</strong> <span class=\"\(kind)\">\(Sentence.outcome(verdict).shown.escaped)</span>"
    // Every ">" of a text is escaped: none ends the comment.
    let body = verdict.asExpected ? "<!--\n\(detail)-->" : detail
    return
      "<details id=\"v\(number)\"\(verdict.asExpected ? "" : " open")>\n<summary>\(line)</summary>\n\(body)\n</details>\n"
  }
}

private struct Detail {
  struct Note {
    var id: String
    var checker: String
    var text: String
    var history: String?
  }
  var question: String
  var notes: [Note]
  var remarks: [String]
  var trace: TracePage?
  var command: String

  init(_ verdict: Verdict) {
    question = verdict.scenario.question.shown
    notes = verdict.findings.map { finding in
      Note(
        id: "\(FindingID(finding, in: verdict))", checker: finding.checker, text: Sentence.finding(finding).shown,
        history: finding.history.isEmpty ? nil : finding.history.joined(separator: "\n").shown)
    }
    remarks = (Sentence.disagreement(verdict) + Sentence.notes(verdict)).map(\.shown)
    trace = verdict.counterexample.map(TracePage.init)
    command = verdict.command.shown
  }
}

/// A counterexample as a grid: a row a step, a column a racer, and arrows beside it from the write to the read.
private struct TracePage {
  var racers: [String]
  /// The rows of steps, as HTML.
  var steps: String
  var picture: String
  var findings: [String]
  var token: String

  init(_ counterexample: Counterexample) {
    let shown = counterexample.roles.indices.filter { racer in counterexample.steps.contains { $0.racer == racer } }
    racers = shown.map { "racer \($0) (\(counterexample.roles[$0]))".shown }
    steps = counterexample.steps.enumerated().map { index, step in
      let text = (TraceWords.step(step) + (step.readsFrom.map { " [of \($0 + 1)]" } ?? "")).shown.escaped
      let cells = shown.map { $0 == step.racer ? "<td>\(text)" : "<td>" }.joined()
      let kind = step.isMarked ? " class=\"marked\"" : step.isStale ? " class=\"stale\"" : ""
      let words = step.isStale ? "stale" : step.isMarked ? "here" : ""
      // A cell and a row end where the next one begins.
      return "<tr\(kind)><td>\(index + 1)<td>\(step.source?.shown.escaped ?? "")\(cells)<td>\(words)\n"
    }.joined()
    picture = ReadsFromPicture(counterexample).svg
    findings = counterexample.findings.map { TraceWords.finding($0).shown }
    token = counterexample.token
  }
}

/// Arrows from writes to the reads of other racers that read from them, beside rows of one height.
private struct ReadsFromPicture {
  private static let row = 26
  private static let lane = 11
  private let counterexample: Counterexample
  init(_ counterexample: Counterexample) { self.counterexample = counterexample }

  var svg: String {
    var lanes: [Int] = []  // the last row that each is taken for
    var taken: [Int] = []
    let arrows = counterexample.steps.enumerated().compactMap { index, step in
      step.readsFrom.flatMap { source in
        counterexample.steps.indices.contains(source)
          && (step.isStale || counterexample.steps[source].racer != step.racer)
          ? (from: source, to: index, isStale: step.isStale) : nil
      }
    }.sorted { min($0.from, $0.to) < min($1.from, $1.to) }
    for arrow in arrows {
      let (top, bottom) = (min(arrow.from, arrow.to), max(arrow.from, arrow.to))
      let lane = lanes.firstIndex { $0 <= top } ?? lanes.count
      if lane == lanes.count { lanes.append(bottom) } else { lanes[lane] = bottom }
      taken.append(lane)
    }
    let width = (lanes.count + 1) * Self.lane + 8
    let height = counterexample.steps.count * Self.row
    let drawn = zip(arrows, taken).map { arrow, lane in
      let x = width - 8 - (lane + 1) * Self.lane
      let (y1, y2) = (arrow.from * Self.row + Self.row / 2, arrow.to * Self.row + Self.row / 2)
      return
        "<path class=\"\(arrow.isStale ? "stale" : "rf")\" d=\"M\(width) \(y1)H\(x + 4)Q\(x) \(y1) \(x) \(y1 + (y2 > y1 ? 4 : -4))V\(y2 + (y2 > y1 ? -4 : 4))Q\(x) \(y2) \(x + 4) \(y2)H\(width - 2)\"/>"
        + "<path class=\"head\" d=\"M\(width) \(y2)l-5 -3v6z\"/>"
    }
    return
      "<svg width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" aria-hidden=\"true\">\(drawn.joined())</svg>"
  }
}

private struct FigureRow {
  var name: String
  var engine: String
  var count: String
  var rate: String
  /// Percent of the largest, on a logarithmic scale.
  var bar: Int
  var seconds: String

  static func rows(_ verdicts: [Verdict]) -> [FigureRow] {
    let rates = verdicts.map(rate)
    let (least, most) = (rates.filter { $0 > 0 }.min() ?? 1, rates.max() ?? 1)
    return zip(verdicts, rates).filter { $0.1 > 0 }.map { verdict, rate in
      FigureRow(
        name: verdict.name.shown, engine: verdict.column,
        count: verdict.exploration.map { Number.grouped($0.executions) + " executions" }
          ?? Number.grouped(verdict.figures.collisions) + " collisions",
        rate: Number.grouped(Int(rate)), bar: share(rate, least, most),
        seconds: Number.fixed(verdict.seconds, 3))
    }
  }

  private static func rate(_ verdict: Verdict) -> Double {
    verdict.exploration?.executionsPerSecond ?? verdict.figures.collisionsPerSecond
  }

  private static func share(_ rate: Double, _ least: Double, _ most: Double) -> Int {
    guard most > least else { return 100 }
    return 5 + Int(95 * log(rate / least) / log(most / least))
  }

  var html: String {
    let numbers = [count, rate].map { "<td class=\"right\">\($0)</td>" }.joined()
    let bar = "<td class=\"bars\"><span class=\"bar\" style=\"width: \(bar)%\"></span></td>"
    return
      "<tr><th scope=\"row\">\(name.escaped)</th><td>\(engine)</td>\(numbers)\(bar)<td class=\"right\">\(seconds)</td></tr>"
  }
}

extension Verdict {
  fileprivate var column: String { engine.model?.rawValue ?? "race" }
  /// Whether there is more to say than its outcome.
  fileprivate var isTold: Bool { !asExpected || !findings.isEmpty || counterexample != nil }
}

extension String {
  fileprivate var escaped: String { XMLNode.escaped(self) }

  /// Without characters that a page cannot show.
  fileprivate var shown: String {
    guard unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7f }) else {
      return self
    }
    return String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7f ? "\u{fffd}" : $0 }))
  }
}

extension HTMLReport {
  fileprivate static let beginning = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    :root { color-scheme: light dark; --ink: #1d1d1f; --dim: #5c5c66; --paper: #fff; --line: #d8d8dc; --soft: #f4f4f6;
      --good: #1a7f37; --bad: #c4281c; --link: #0560b0; --rf: #2e7d32; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --dim: #a0a0aa; --paper: #17171a; --line: #3a3a40;
      --soft: #222227; --good: #5fd27f; --bad: #ff8a80; --link: #7ab8ff; --rf: #7bc67f; } }
    * { box-sizing: border-box; }
    body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 84rem;
      margin: 1.5rem auto; padding: 0 1rem; }
    h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
    a { color: var(--link); } :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
    .dim { color: var(--dim); } .wide { overflow-x: auto; margin: 1rem 0; }
    table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
    thead th { background: var(--soft); position: sticky; top: 0; } tbody th { font-weight: 600; } th .dim { font-weight: 400; }
    .pass, .expected { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
    .expected a { color: inherit; } .bad a { color: inherit; }
    .badge { display: inline-block; padding: 0 .5rem; border: 1px solid currentColor; border-radius: .3rem; }
    input { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line); padding: .3rem .6rem;
      width: min(24rem, 100%); }
    details { content-visibility: auto; contain-intrinsic-size: auto 42px; border: 1px solid var(--line); border-radius: .4rem; margin: .6rem 0; padding: 0 .8rem; }
    summary { cursor: pointer; padding: .5rem 0; } details[open] { padding-bottom: .8rem; }
    code, pre, .trace { font-family: ui-monospace, monospace; font-size: .8125rem; }
    pre { background: var(--soft); padding: .5rem .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
    .trace { display: flex; overflow-x: auto; margin: .8rem 0; }
    .trace svg { flex: none; margin-top: 26px; } .trace path { fill: none; stroke: var(--rf); stroke-width: 1.3; }
    .trace path.stale { stroke: var(--bad); stroke-dasharray: 4 3; } .trace path.head { fill: var(--rf); stroke: none; }
    .trace table { font-size: inherit; } .trace tr { height: 26px; }
    .trace th, .trace td { padding: 0 .6rem; white-space: nowrap; height: 26px; line-height: 25px; vertical-align: middle; }
    .trace td:first-child { text-align: right; } .trace td:nth-child(2) { color: var(--dim); } tr.marked td { color: var(--bad); font-weight: 600; }
    tr.stale td { color: var(--bad); font-style: italic; }
    .bar { display: block; height: .7rem; margin-top: .3rem; background: var(--link); min-width: 1px; }
    .bars { width: 16rem; } .right { text-align: right; }
    [hidden], .loading .wide, .loading details { display: none; }
    </style>
    <script>document.documentElement.className = "loading";  // Tables are laid out once, when they are whole.</script>
    </head>
    <body>
    <h1>{{title}}</h1>
    <p><span class="badge {{#isOK}}pass{{/isOK}}{{^isOK}}bad{{/isOK}}">{{#isOK}}ok{{/isOK}}{{^isOK}}NOT OK{{/isOK}}</span>
    {{summary}}. <span class="dim">{{product}}.</span></p>
    <h2 id="scenarios">Scenarios and models</h2>
    <p><label>Show only scenarios with <input id="filter" type="search" autocomplete="off"></label></p>
    <div class="wide" tabindex="0" role="region" aria-labelledby="scenarios"><table id="matrix">

    """

  fileprivate static let tableEnd = "</tbody></table></div>\n"

  fileprivate static let detail = """
    <p>{{question}}</p>
    {{#notes}}<p><strong>{{checker}}</strong>: {{text}} <code class="dim">{{id}}</code></p>
    {{#history}}<pre>{{.}}</pre>
    {{/history}}{{/notes}}{{#remarks}}<p class="dim">note: {{.}}</p>
    {{/remarks}}{{#trace}}<div class="trace" tabindex="0" role="region" aria-label="execution">{{{picture}}}<table>
    <thead><tr><th scope="col">step</th><th scope="col">source</th>{{#racers}}<th scope="col">{{.}}</th>{{/racers}}<th></th></tr></thead>
    <tbody>
    {{{steps}}}</tbody></table></div>
    {{#findings}}<p class="bad">{{.}}</p>
    {{/findings}}{{#token}}<p class="dim">replay token: <code>{{.}}</code></p>
    {{/token}}{{/trace}}<p>To see it again:</p>
    <pre>{{command}}</pre>

    """

  fileprivate static func figuresBeginning(_ isFolded: Bool) -> String {
    """
    <details\(isFolded ? "" : " open")>
    <summary><strong id="figures">Figures</strong></summary>
    \(isFolded ? "<!--" : "")
    <div class="wide" tabindex="0" role="region" aria-labelledby="figures"><table>
    <thead><tr><th scope="col">scenario</th><th scope="col">engine</th><th scope="col" class="right">count</th>
    <th scope="col" class="right">a second</th><th scope="col">a second, logarithmic</th><th scope="col" class="right">seconds</th></tr></thead>
    <tbody>

    """
  }

  fileprivate static let end = """
    <noscript><p>What is folded is only shown where scripts may run.</p></noscript>
    <script>
    document.documentElement.className = "";
    const filter = document.getElementById("filter");
    filter.addEventListener("input", () => {
      const text = filter.value.toLowerCase();
      for (const row of document.querySelectorAll("#matrix tbody tr"))
        row.hidden = !row.textContent.toLowerCase().includes(text);
    });
    // What is folded stands in a comment until it is opened; what is far down until the page is shown.
    const fill = (element) => {
      for (const node of [...element.childNodes]) if (node.nodeType === Node.COMMENT_NODE) {
        const body = document.createElement("template");
        body.innerHTML = node.data;
        node.replaceWith(body.content);
      }
    };
    document.addEventListener("toggle", (event) => { if (event.target.open) fill(event.target); }, true);
    // A link opens what it leads to.
    const open = () => {
      const found = document.getElementById(location.hash.slice(1));
      if (found instanceof HTMLDetailsElement) { fill(found); found.open = true; found.scrollIntoView(); }
    };
    addEventListener("hashchange", open);
    addEventListener("load", () => setTimeout(() => { for (const rows of document.querySelectorAll(".later")) fill(rows); }));
    open();
    </script>
    </body>
    </html>
    """
}
