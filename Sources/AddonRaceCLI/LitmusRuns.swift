import AddonRace
import ArgumentParser
import CThreads
import Foundation

/// What is kept of a litmus test under one model. (Its outcomes may be some hundred megabytes.)
struct ObservedTest: Sendable {
  let file: LitmusFile
  let observation: LitmusObservation
  let executions: Int
  let witness: Counterexample?
  let model: MemoryModel
  let seconds: Double
}

/// Litmus tests of the kernel, explored: what herd7 says of a test, and where its header says something, whether that is so.
struct LitmusRuns {
  let models: [MemoryModel]
  let options: ReportOptions
  let jobs: Int
  /// Of the tests, each under each model; nil is all.
  let shard: Shard?

  /// A test's verdict, as reports and journals have it.
  typealias Judged = (verdict: Verdict, key: JournalKey)

  private static let mostExecutions = 1_000_000
  /// Formats that are herd7's words here, and documents of litmus tests. The others are reports of verdicts.
  private static let own: [any ReportFormat.Type] = [TableReport.self, JSONReport.self, JSONLinesReport.self]
  private var isOwnFormat: Bool { Self.own.contains { $0 == options.format.format } }

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

  enum Answer: Sendable {
    case observed(ObservedTest)
    case invalid(String)

    /// What the header says, and is not so.
    var disagreement: String? {
      guard case .observed(let test) = self, test.model == .kernel, test.observation.undecided == nil,
        let result = test.file.result, result != test.observation.word
      else { return nil }
      return "its header says \(result.rawValue)"
    }

    func document(_ path: String, _ model: MemoryModel) -> LitmusDocument {
      var document = LitmusDocument(path: path, model: model, status: status.code)
      switch self {
      case .invalid(let text): document.message = text
      case .observed(let test):
        let (file, observation) = (test.file, test.observation)
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
        document.executions = test.executions
        document.seconds = test.seconds
      }
      return document
    }

    var status: ExitStatus {
      switch self {
      case .invalid: .invalid
      case .observed(let test):
        disagreement != nil || test.observation.crashes > 0
          ? .notAsExpected : test.observation.undecided != nil ? .undecided : .asExpected
      }
    }

    static func scenario(_ name: String, question: String) -> Scenario {
      Scenario(name: name, question: question, site: "", strategy: "", racers: [])
    }

    /// What a header says otherwise is a finding.
    func verdict(_ path: String, _ model: MemoryModel) -> Verdict {
      let command = "addonrace explore \(ShellWord.quoted(path)) --memory-model \(model.rawValue)"
      guard case .observed(let test) = self else {
        let reasons = if case .invalid(let text) = self { [text] } else { [String]() }
        return Verdict(
          invalid: Self.scenario(path, question: ""), .explore(model), reasons: reasons, file: path, command: command)
      }
      let (file, observation) = (test.file, test.observation)
      var record = RunRecord(.explore(model))
      let flags = observation.allFlags.map { ", \($0)" }.joined()
      record.add(
        .note(
          "\(observation.word.rawValue): \(observation.positive) of \(Number.counted(test.executions, "execution")) "
            + "as the condition says\(flags)"))
      if let disagreement {
        record.add(
          .finding(Finding(checker: "observation", message: "\(observation.word.rawValue), but \(disagreement)")))
      }
      if let witness = test.witness { record.add(.counterexample(witness, model)) }
      if let why = observation.undecided { record.add(.note("undecided: \(why)")) }
      if observation.crashes > 0 {
        record.add(
          .finding(
            Finding(
              checker: "crash",
              message: "\(Number.counted(observation.crashes, "execution")) accessed what is not there")))
      }
      let isWhole = observation.undecided == nil || observation.crashes > 0
      record.add(.ended(.engine(isWhole ? .exhausted : .budget("\(LitmusRuns.mostExecutions) executions"))))
      return Verdict(
        record, of: Self.scenario(file.name, question: file.condition.description), facts: nil, file: path,
        command: command)
    }
  }

  /// - Parameter alone: there is nothing else to report. What is not alone is reported with the rest.
  func run(_ paths: [String], alone: Bool) throws -> (judged: [Judged], status: ExitStatus) {
    cthreads_catch_interrupts(1)
    var work = paths.flatMap { path in models.map { (path: path, model: $0, key: key(path, $0)) } }
    let keys = work.map(\.key)
    if let shard { work = work.filter { shard.has($0.key) } }
    // What may be refused comes before reports are begun.
    let baseline = try options.baseline.map { try Baseline(path: $0) }
    let journal = alone ? try Journal(options.journal, shard, keys) : nil
    let printer =
      alone && isOwnFormat
      ? try LitmusPrinter(options, tests: paths.count, models: models.count, total: work.count) : nil
    var reports = alone ? try ReportSet(options, baseline: baseline, showing: !isOwnFormat) : nil
    reports?.expect(paths.count, options)
    let isReported = !alone || !isOwnFormat || !options.reports.isEmpty
    let wantsWitness = isReported || printer?.isFull == true
    let progress = ProgressLine(work.count)
    let done = SideBySide<Answer>(
      work.count, jobs: jobs,
      worker: { [work] in
        { index in
          defer { progress.finish() }
          return answer(work[index].path, work[index].model, wantsWitness: wantsWitness)
        }
      })
    var judged: [Judged] = []
    var status = ExitStatus.asExpected
    for (index, (path, model, key)) in work.enumerated() {
      guard let answer = done.take(index) else { break }
      try printer?.print(answer, path, model)
      let verdict = answer.verdict(path, model)
      status = max(status, options.status(baseline)(verdict))
      journal?.add(verdict, key, EncodedScenario(verdict.scenario))
      guard isReported else { continue }
      judged.append((verdict, key))
      try reports?.show([verdict])
    }
    try printer?.end()
    try reports?.end(judged.map(\.verdict))
    try journal?.close()
    return (judged, cthreads_interrupted() == 0 ? status : .interrupted)
  }

  private func key(_ path: String, _ model: MemoryModel) -> JournalKey {
    JournalKey(Answer.scenario(path, question: ""), .explore(model), file: path)
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
          ObservedTest(
            file: file, observation: LitmusObservation(result, of: file), executions: result.executions,
            witness: wantsWitness ? result.witness : nil, model: model, seconds: MonotonicClock.now() - started))
      } catch {
        return .invalid("\(path): error: \(error.description)")
      }
    } catch {
      return .invalid("\(path):\(error)")
    }
  }
}
