import Foundation
import RaceModel

/// Executions that show findings, in Chrome's trace format, which Perfetto and the browsers' viewers open: a process for each
/// verdict, a track for each racer, a slice for each step, an arrow from a write to each read of it. Time is the steps' order.
public struct ChromeTraceReport: ReportFormat {
  public static let name = "chrome-trace"
  public static let extensions = ["trace", "trace.json"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    var document = try StreamedJSON(isIndented: false) { ["traceEvents": [$0]] }
    let numbered = Array(verdicts.enumerated())
    try numbered.madeInOrder { [document] number, verdict in
      try verdict.counterexample.map { try document.json(of: Self.events($0, verdict.title, number + 1)) }
    } use: { events in
      if let events { try write(document.piece(events)) }
    }
    try write(document.end)
  }

  /// The format's names: phase, process, thread, and times in microseconds.
  private struct Event: Encodable {
    var name: String
    var ph: String
    var pid: Int
    var tid = 0
    var ts: Int?
    var dur: Int?
    var id: Int?
    var cat: String?
    /// An arrow ends at the slice around it.
    var bp: String?
    var args: [String: String]?
  }

  private static let stepMicroseconds = 10

  private static func events(_ counterexample: Counterexample, _ title: String, _ process: Int) -> [Event] {
    var events = [Event(name: "process_name", ph: "M", pid: process, args: ["name": title])]
    for (racer, role) in counterexample.roles.enumerated() {
      events.append(
        Event(name: "thread_name", ph: "M", pid: process, tid: racer, args: ["name": "racer \(racer) (\(role))"]))
    }
    for (index, step) in counterexample.steps.enumerated() {
      let start = index * stepMicroseconds
      var arguments = ["step": "\(index + 1)"]
      arguments["source"] = step.source
      if step.isStale { arguments["stale"] = "it was overwritten already" }
      if step.isMarked { arguments["found"] = counterexample.findings.map(\.message).joined(separator: "; ") }
      events.append(
        Event(
          name: TraceWords.step(step), ph: "X", pid: process, tid: step.racer, ts: start, dur: stepMicroseconds - 1,
          cat: step.isMarked ? "finding" : step.isStale ? "stale" : "step", args: arguments))
      guard let source = step.readsFrom, counterexample.steps.indices.contains(source) else { continue }
      let arrow = Event(name: "reads-from", ph: "s", pid: process, id: process << 20 | index, cat: "reads-from")
      var (begin, end) = (arrow, arrow)
      begin.tid = counterexample.steps[source].racer
      begin.ts = source * stepMicroseconds + stepMicroseconds / 2
      end.ph = "f"
      end.bp = "e"
      end.tid = step.racer
      end.ts = start + stepMicroseconds / 2
      events += [begin, end]
    }
    return events
  }
}
