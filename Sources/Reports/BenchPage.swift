import Foundation
import Mustache

/// A report as one page of HTML that needs nothing else: its tables, and its plots where they stand.
public struct BenchPage {
  private struct Part {
    var heading: Anchor?
    var subheading: Anchor?
    var text: String?
    var table: Table?
    var picture: Picture?
  }
  /// What a link leads to.
  private struct Anchor {
    var id: String
    var text: String
  }
  private struct Picture {
    var id: String
    var svg: String
    var legend: Anchor?
  }
  private struct Chapter {
    var anchor: Anchor
    var sections: [Anchor]
    var pictures: [Anchor]
  }
  private struct Table {
    var titles: [Cell]
    var rows: [Row]
  }
  private struct Row { var cells: [Cell] }
  private struct Cell {
    var text: String
    var isRight: Bool
  }
  private struct Page {
    var title: String
    var chapters: [Chapter]
    var parts: [Part]
  }

  public let title: String
  public let parts: [ReportPart]
  public init(title: String, _ parts: [ReportPart]) {
    self.title = title
    self.parts = parts
  }

  /// `draw` makes SVG of a plot.
  public func html(draw: (Plot) throws -> String) throws -> String {
    var chapters: [Chapter] = []
    var shown: [Part] = []
    for (number, part) in parts.enumerated() {
      let id = "part-\(number)"
      switch part {
      case .heading(let text):
        let anchor = Anchor(id: id, text: text)
        chapters.append(Chapter(anchor: anchor, sections: [], pictures: []))
        shown.append(Part(heading: anchor))
      case .subheading(let text):
        let anchor = Anchor(id: id, text: text)
        if !chapters.isEmpty { chapters[chapters.count - 1].sections.append(anchor) }
        shown.append(Part(subheading: anchor))
      case .text(let text): shown.append(Part(text: text))
      case .table(let table): shown.append(Part(table: Self.table(table)))
      case .plot(let plot):
        if !chapters.isEmpty { chapters[chapters.count - 1].pictures.append(Anchor(id: id, text: plot.title)) }
        let legend = plot.legend.flatMap { title in chapters.last?.sections.first { $0.text == title } }
        shown.append(Part(picture: Picture(id: id, svg: Self.inline(try draw(plot), plot.title), legend: legend)))
      }
    }
    return try MustacheTemplate(string: Self.template).render(Page(title: title, chapters: chapters, parts: shown))
  }

  private static func table(_ table: TextTable) -> Table {
    func cells(_ texts: [String]) -> [Cell] {
      zip(texts, table.columns).map { Cell(text: $0, isRight: $1.isRight) }
    }
    return Table(titles: cells(table.columns.map(\.title)), rows: table.rows.map { Row(cells: cells($0)) })
  }

  /// Without what only a file of its own has, with its own title, and with text in the page's colour.
  private static func inline(_ svg: String, _ title: String) -> String {
    guard let start = svg.range(of: "<svg") else { return svg }
    let escaped = title.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return String(svg[start.lowerBound...]).replacing("<title>Gnuplot</title>", with: "<title>\(escaped)</title>")
      .replacing("<svg", with: "<svg role=\"img\"", maxReplacements: 1)
      .replacing(" color=\"black\"", with: "").replacing("\"black\"", with: "\"currentColor\"")
      .replacing("\"rgb(0,0,0)\"", with: "\"currentColor\"").replacing(/<title>gnuplot_plot_\d+<\/title>/, with: "")
      // White discs, for points to stand out on white.
      .replacing(/<use xlink:href='#gpPt\d+' transform='[^']*' color='white'\/>/, with: "")
  }

  private static let template = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    :root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fff; --line: #d8d8dc; --soft: #f4f4f6; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --paper: #17171a; --line: #3a3a40; --soft: #202024; } }
    body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem;
      margin: 2rem auto; padding: 0 1rem; }
    h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-top: 2rem; }
    a { color: inherit; } nav ul { columns: 20rem; margin: .3rem 0; padding-left: 1.2rem; font-size: .875rem; }
    nav > div { margin: .6rem 0; } figcaption { font-size: .875rem; }
    p { white-space: pre-line; max-width: 50rem; }
    .table { overflow-x: auto; margin: 1rem 0; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
    th, td { padding: .2rem .75rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
    th { background: var(--soft); font-weight: 600; }
    td:last-child { min-width: 14rem; }
    .right { text-align: right; white-space: nowrap; }
    td.right:last-child { min-width: 0; }
    figure { margin: 1rem 0; overflow-x: auto; } svg { max-width: 100%; height: auto; color: var(--ink); }
    </style>
    </head>
    <body>
    <h1>{{title}}</h1>
    <nav aria-label="Contents">
    {{#chapters}}<div><a href="#{{anchor.id}}">{{anchor.text}}</a>
    <ul>{{#sections}}<li><a href="#{{id}}">{{text}}</a></li>{{/sections}}</ul>
    {{^empty(pictures)}}<details><summary>Plots</summary>
    <ul>{{#pictures}}<li><a href="#{{id}}">{{text}}</a></li>{{/pictures}}</ul></details>{{/empty(pictures)}}
    </div>
    {{/chapters}}</nav>
    {{#parts}}
    {{#heading}}<h2 id="{{id}}">{{text}}</h2>
    {{/heading}}{{#subheading}}<h3 id="{{id}}">{{text}}</h3>
    {{/subheading}}{{#text}}<p>{{.}}</p>
    {{/text}}{{#table}}<div class="table"><table>
    <thead><tr>{{#titles}}<th{{#isRight}} class="right"{{/isRight}}>{{text}}</th>{{/titles}}</tr></thead>
    <tbody>
    {{#rows}}<tr>{{#cells}}<td{{#isRight}} class="right"{{/isRight}}>{{text}}</td>{{/cells}}</tr>
    {{/rows}}</tbody></table></div>
    {{/table}}{{#picture}}<figure id="{{id}}">{{{svg}}}{{#legend}}
    <figcaption>What the names mean: <a href="#{{id}}">{{text}}</a></figcaption>{{/legend}}</figure>
    {{/picture}}{{/parts}}
    </body>
    </html>

    """
}
