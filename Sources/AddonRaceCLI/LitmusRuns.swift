import AddonRace
import ArgumentParser
import CThreads
import Foundation

/// Litmus tests of the kernel, explored: what herd7 says of a test, and where its header says something, whether that is so.
struct LitmusRuns {
  let models: [MemoryModel]
  let options: ReportOptions
  let jobs: Int

  /// Tests in full, as many as fit a screen or two.
  private static let mostInFull = 3
  private static let mostExecutions = 1_000_000
  private static let formats = [ReportFormatName.allCases[0].rawValue, "json", "jsonl"]

  /// The litmus tests among the paths and in their folders, and what else there is.
  static func divide(_ paths: [String]) -> (litmus: [String], others: [String]) {
    var (litmus, others): ([String], [String]) = ([], [])
    for path in paths {
      var isFolder: ObjCBool = false
      if path.hasSuffix(".litmus") {
        litmus.append(path)
        continue
      }
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
        others.append(path)
        continue
      }
      // What a link leads to is looked into, too.
      let folder = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      let files = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
      let tests = files.filter { $0.hasSuffix(".litmus") }.sorted().map {
        (path as NSString).appendingPathComponent($0)
      }
      litmus += tests
      if tests.isEmpty || files.contains(where: { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }) {
        others.append(path)
      }
    }
    return (litmus, others)
  }

  private enum Answer: Sendable {
    case observed(LitmusFile, LitmusObservation, LitmusResult, MemoryModel, seconds: Double)
    case invalid(String)

    /// What the header says, and is not so.
    var disagreement: String? {
      guard case .observed(let file, let observation, _, .kernel, _) = self, observation.undecided == nil,
        let result = file.result, result != observation.word
      else { return nil }
      return "its header says \(result.rawValue)"
    }

    func document(_ path: String, _ model: MemoryModel) -> LitmusDocument {
      var document = LitmusDocument(path: path, model: model, status: status.code)
      switch self {
      case .invalid(let text): document.message = text
      case .observed(let file, let observation, let result, _, let seconds):
        document.message = disagreement ?? observation.undecided
        document.name = file.name
        document.condition = file.condition.description
        document.holds = observation.holds(file.condition)
        document.observation = observation.word.rawValue
        document.header = file.result?.rawValue
        document.states = observation.states.map { LitmusDocument.State(state: $0.state, executions: $0.executions) }
        document.isOfCondition = observation.isOfCondition
        document.positive = observation.positive
        document.negative = observation.negative
        document.flags = observation.allFlags
        document.executions = result.executions
        document.seconds = seconds
      }
      return document
    }

    var status: ExitStatus {
      switch self {
      case .invalid: .invalid
      case .observed(_, let observation, _, _, _):
        disagreement != nil ? .notAsExpected : observation.undecided != nil ? .undecided : .asExpected
      }
    }
  }

  func run(_ paths: [String]) throws -> ExitStatus {
    cthreads_catch_interrupts(1)
    let format = options.format.rawValue
    if !options.reports.isEmpty || !Self.formats.contains(format) {
      StandardError.print(
        "note: litmus tests are printed, as \(Self.formats.joined(separator: ", ")); reports are of scenarios")
    }
    let sink = try ReportSink(options.output)
    let style = Style(isColoured: options.colour.isColoured(onTerminal: sink.isTerminal))
    let isJSON = format.hasPrefix("json")
    let isFull = !isJSON && (options.verbose || paths.count <= Self.mostInFull)
    let work = paths.flatMap { path in models.map { (path, $0) } }
    let progress = ProgressLine(work.count)
    let done = SideBySide<Answer>(
      work.count, jobs: jobs,
      worker: {
        { index in
          defer { progress.finish() }
          return answer(work[index].0, work[index].1, wantsWitness: isFull)
        }
      })
    var statuses: [ExitStatus] = []
    var counts: [LitmusObservation.Word: Int] = [:]
    var wrong: [String] = []
    var documents: [LitmusDocument] = []
    for (index, (path, model)) in work.enumerated() {
      guard let answer = done[index] else { break }
      statuses.append(answer.status)
      if answer.status != .asExpected { wrong.append((path as NSString).lastPathComponent) }
      if case .observed(_, let observation, _, _, _) = answer { counts[observation.word, default: 0] += 1 }
      if isJSON {
        let document = answer.document(path, model)
        if format == "jsonl" {
          try sink.print(JSONText.of(document, isIndented: false))
        } else {
          documents.append(document)
        }
        continue
      }
      try sink.print(isFull ? full(answer, path, style) : line(answer, path, model, style))
    }
    if format == "json" { try sink.print(JSONText.of(documents, isIndented: true)) }
    if paths.count > 1, !isJSON { try sink.print(summary(work.count, counts, wrong, style)) }
    try sink.close()
    return cthreads_interrupted() == 0 ? statuses.max() ?? .asExpected : .interrupted
  }

  private func answer(_ path: String, _ model: MemoryModel, wantsWitness: Bool) -> Answer {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      return .invalid("\(path): error: no such file, or no text")
    }
    let started = MonotonicClock.now()
    do throws(LitmusFile.Invalid) {
      let file = try LitmusFile(text)
      do throws(LitmusTest.Invalid) {
        // The kernel's model is the book's; the others are those of the explorer's graphs.
        let result =
          model == .kernel
          ? try file.enumerateKernelExecutions()
          : try file.asking.explore(model, limit: Self.mostExecutions, wantsWitness: wantsWitness)
        return .observed(
          file, LitmusObservation(result, of: file), result, model, seconds: MonotonicClock.now() - started)
      } catch {
        return .invalid("\(path): error: \(error.description)")
      }
    } catch {
      return .invalid("\(path):\(error)")
    }
  }

  /// As herd7 prints it, and the execution that was observed.
  private func full(_ answer: Answer, _ path: String, _ style: Style) -> String {
    guard case .observed(let file, let observation, let result, let model, let seconds) = answer else {
      if case .invalid(let text) = answer { return text }
      return ""
    }
    let kind =
      switch file.condition.quantifier {
      case .exists: "Allowed"
      case .forall: "Required"
      case .never: "Forbidden"
      }
    var lines = ["Test \(file.name) \(kind) under \(model.rawValue)", "States \(observation.states.count)"]
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
    lines.append("Time \(file.name) \(Number.fixed(seconds, 2))")
    if let why = observation.undecided { lines.append(style.red("undecided: \(why)")) }
    if let disagreement = answer.disagreement { lines.append(style.red("NOT OK: \(disagreement)")) }
    if let witness = result.witness { lines += ["", "An execution that is observed:"] + TraceText(witness).lines }
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ answer: Answer, _ path: String, _ model: MemoryModel, _ style: Style) -> String {
    guard case .observed(let file, let observation, let result, _, _) = answer else {
      if case .invalid(let text) = answer { return style.red("NOT OK ") + text }
      return ""
    }
    let badge = answer.status == .asExpected ? style.green("ok    ") : style.red("NOT OK")
    let why = answer.disagreement ?? observation.undecided
    let under = models.count > 1 ? " under \(model.rawValue)" : ""
    let flags = observation.allFlags.map { ", \($0)" }.joined()
    return
      "\(badge) \(file.name.safe)\(under): \(observation.word.rawValue)\(flags) (\(result.executions) executions)"
      + (why.map { ": \($0)" } ?? "")
  }

  private func summary(
    _ total: Int, _ counts: [LitmusObservation.Word: Int], _ wrong: [String], _ style: Style
  ) -> String {
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
