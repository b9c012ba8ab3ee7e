import Foundation
import RaceModel
import Reports
import Testing

/// The page in a real browser, where there is one: what people can do with it, not how it is written.
@Suite(.enabled(if: Browser.isThere), .serialized) struct BrowserTests {
  private let verdicts = [Verdicts.raced, Verdicts.explored]

  /// What a page answers once it is loaded, as its title.
  private func ask(
    _ question: String, of verdicts: [Verdict], width: Int = 1200, isDark: Bool = false, fragment: String = ""
  ) throws -> String {
    var page = try #require(try HTMLReport(ReportMedium()).end(verdicts))
    // Errors of the page's own scripts count, too.
    page.replace(
      "<style>", with: "<script>addEventListener('error', (e) => { window.failed = e.message; });</script><style>")
    page.replace(
      "</body>",
      with: """
        <script>addEventListener("load", () => setTimeout(() => {
          document.title = "ANSWER " + (window.failed ?? (() => { \(question) })()) + " END";
        }, 100));</script></body>
        """)
    return try Browser.title(of: page, width: width, isDark: isDark, fragment: fragment)
  }

  @Test func theMatrixIsFiltered() throws {
    let others = (1...600).map {
      Verdict(invalid: Verdicts.scenario, .stress, reasons: ["?"], file: "other-\($0).yaml", command: "")
    }
    let answer = try ask(
      """
      const field = document.getElementById("filter");
      field.value = "OTHER-60";
      field.dispatchEvent(new Event("input"));
      const rows = [...document.querySelectorAll("#matrix tbody tr")];
      return rows.length + " " + rows.filter((row) => row.checkVisibility()).length;
      """, of: verdicts + others)
    #expect(answer == "601 2")
  }

  /// What is as expected is folded, and has no elements until it is opened; a link, a click and the keyboard open it.
  @Test(arguments: ["", "#v1"]) func whatIsFoldedOpens(_ fragment: String) throws {
    var scenario = Verdicts.scenario
    scenario.expect.explore[.c11] = .fail(checkers: ["no-leak"], may: [])
    let explored = Verdict(Verdicts.explored.record, of: scenario, facts: nil, file: "leaky.yaml", command: "?")
    let steps = try #require(explored.counterexample).steps.count
    let answer = try ask(
      """
      const details = document.getElementById("v1");
      const before = details.open + " " + details.querySelectorAll(".trace tbody tr").length;
      details.open = true;
      details.dispatchEvent(new Event("toggle"));
      const summary = details.querySelector("summary");
      summary.focus();
      return before + " " + details.querySelectorAll(".trace tbody tr").length + " "
        + (document.activeElement === summary) + " " + details.querySelectorAll("path.rf, path.stale").length;
      """, of: [Verdicts.raced, explored], fragment: fragment)
    let arrows = try #require(explored.counterexample).steps.count { $0.readsFrom != nil }
    let before = fragment.isEmpty ? "false 0" : "true \(steps)"
    let words = answer.split(separator: " ")
    #expect(answer.hasPrefix("\(before) \(steps) true "), "\(answer)")
    #expect((words.last.flatMap { Int($0) } ?? 0) <= arrows)
  }

  /// A phone scrolls tables and traces inside the page, not the page.
  @Test(arguments: [360, 1200]) func itIsAsWideAsTheWindow(_ width: Int) throws {
    let answer = try ask(
      "return document.documentElement.scrollWidth <= innerWidth && document.querySelector('details[open] .trace') !== null",
      of: verdicts, width: width)
    #expect(answer == "true")
  }

  /// Text stands out from the page by day and by night: a contrast of 4.5 at least, as WCAG asks for.
  @Test(arguments: [false, true]) func itIsReadable(_ isDark: Bool) throws {
    let answer = try ask(
      """
      const light = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map((x) => x / 255)
          .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const paper = light(getComputedStyle(document.body).backgroundColor);
      const texts = "body, .dim, .bad, .pass, .expected, a, tr.marked td";
      const contrasts = [...document.querySelectorAll(texts)].map((element) => light(getComputedStyle(element).color))
        .map((ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
      return (contrasts.length > 5) + " " + (paper < 0.5) + " " + Math.min(...contrasts);
      """, of: verdicts, isDark: isDark)
    let words = answer.split(separator: " ")
    #expect(words.first == "true" && words[1] == "\(isDark)")
    #expect((words.last.flatMap { Double($0) } ?? 0) >= 4.5, "\(answer)")
  }
}

/// A browser without a window.
enum Browser {
  static let path = ["/usr/bin/chromium", "/usr/bin/google-chrome"].first(where: FileManager.default.isExecutableFile)
  static var isThere: Bool { path != nil }

  /// What a page's scripts have made of its title, between ANSWER and END.
  static func title(of page: String, width: Int, isDark: Bool, fragment: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("addonrace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("page.html")
    try page.write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "timeout", "60", try #require(path), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--user-data-dir=\(folder.path)/profile", "--window-size=\(width),800", "--virtual-time-budget=5000",
      "--dump-dom",
      "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)", "file://\(file.path)\(fragment)",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let dom = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let answer = try #require(dom.firstMatch(of: /<title>ANSWER (.*) END<\/title>/), "\(dom.suffix(400))")
    return String(answer.1)
  }
}
