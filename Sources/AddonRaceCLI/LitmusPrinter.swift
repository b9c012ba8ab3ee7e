import AddonRace
import Foundation

/// Prints what was observed of litmus tests, test by test: in herd7's words, in a line each where there are many, or as JSON.
final class LitmusPrinter {
  let isFull: Bool
  private let sink: ReportSink
  private let style: Style
  private let format: any ReportFormat.Type
  private let total: Int
  /// There are several.
  private let namesModel: Bool
  private var counts: [LitmusObservation.Word: Int] = [:]
  private var wrong: [String] = []
  private var documents: [LitmusDocument] = []

  /// Tests in full, as many as fit a screen or two.
  private static let mostInFull = 3

  /// - Parameter total: of tests, each under each model, that are told.
  init(_ options: ReportOptions, tests: Int, models: Int, total: Int) throws {
    sink = try ReportSink(options.output)
    style = Style(isColoured: options.colour.isColoured(onTerminal: sink.isTerminal))
    format = options.format.format
    isFull = format == TableReport.self && (options.verbose || tests <= Self.mostInFull)
    self.total = total
    namesModel = models > 1
  }

  func print(_ answer: LitmusRuns.Answer, _ path: String, _ model: MemoryModel) throws {
    if answer.status != .asExpected { wrong.append((path as NSString).lastPathComponent) }
    if case .observed(let test) = answer { counts[test.observation.word, default: 0] += 1 }
    if format == JSONReport.self {
      documents.append(answer.document(path, model))
    } else if format == JSONLinesReport.self {
      try sink.print(JSONText.of(answer.document(path, model), isIndented: false))
    } else {
      try sink.print(isFull ? full(answer) : line(answer, model))
    }
  }

  func end() throws {
    if format == JSONReport.self { try sink.print(JSONText.of(documents, isIndented: true)) }
    if format == TableReport.self, total > 1 { try sink.print(summary) }
    try sink.close()
  }

  /// As herd7 prints it, and the execution that was observed.
  private func full(_ answer: LitmusRuns.Answer) -> String {
    guard case .observed(let test) = answer else {
      if case .invalid(let text) = answer { return text }
      return ""
    }
    let (file, observation) = (test.file, test.observation)
    let kind =
      switch file.condition.quantifier {
      case .exists: "Allowed"
      case .forall: "Required"
      case .never: "Forbidden"
      }
    var lines = ["Test \(file.name) \(kind) under \(test.model.rawValue)", "States \(observation.states.count)"]
    lines += observation.states.map(\.state)
    if observation.isOfCondition {
      lines.append("(and others: too many to visit, all but one of those that do not end so)")
    }
    lines += [observation.holds(file.condition) ? "Ok" : "No", "Witnesses"]
    lines.append("Positive: \(observation.positive) Negative: \(observation.negative)")
    lines += observation.allFlags.map { "Flag \($0)" }
    lines.append("Condition \(file.condition)")
    lines.append(
      "Observation \(file.name) \(observation.word.rawValue) \(observation.positive) \(observation.negative)")
    lines.append("Time \(file.name) \(Number.fixed(test.seconds, 2))")
    if let why = observation.undecided { lines.append(style.red("undecided: \(why)")) }
    if let disagreement = answer.disagreement { lines.append(style.red("NOT OK: \(disagreement)")) }
    if let witness = test.witness { lines += ["", "An execution that is observed:"] + TraceText(witness).lines }
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ answer: LitmusRuns.Answer, _ model: MemoryModel) -> String {
    guard case .observed(let test) = answer else {
      if case .invalid(let text) = answer { return style.red("NOT OK ") + text }
      return ""
    }
    let (file, observation) = (test.file, test.observation)
    let badge = answer.status == .asExpected ? style.green("ok    ") : style.red("NOT OK")
    let why = answer.disagreement ?? observation.undecided
    let under = namesModel ? " under \(model.rawValue)" : ""
    let flags = observation.allFlags.map { ", \($0)" }.joined()
    return
      "\(badge) \(file.name.safe)\(under): \(observation.word.rawValue)\(flags) (\(test.executions) executions)"
      + (why.map { ": \($0)" } ?? "")
  }

  private var summary: String {
    let words = [LitmusObservation.Word.never, .sometimes, .always].compactMap { word in
      counts[word].map { "\($0) \(word.rawValue)" }
    }
    let text = "\(total) litmus tests: \(words.joined(separator: ", "))"
    if wrong.isEmpty { return style.green(text) }
    let most = 8
    let names =
      wrong.prefix(most).joined(separator: ", ") + (wrong.count > most ? " and \(wrong.count - most) more" : "")
    return style.red("\(text); \(wrong.count) not ok: \(names)")
  }
}
