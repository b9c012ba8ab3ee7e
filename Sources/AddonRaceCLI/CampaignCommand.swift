import AddonRace
import ArgumentParser
import CThreads
import Foundation

#if Results
  import Results
#endif

extension CampaignEngine: ExpressibleByArgument {}

struct CampaignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "campaign", abstract: "Does much work in many jobs, on this machine or on others.",
    discussion: """
      A campaign file names jobs: explorations in shards, parts of one exploration (a frontier), races over seeds. Each is \
      a command with a journal of its own in the campaign's folder, which all machines have to see. Jobs whose journal is \
      whole are not done again, so the same command goes on after whatever happened; jobs that died are given out again. \
      What came of it is in the database of `addonrace results` too.

        name: weekend
        jobs:
          - explore: [scenarios/sites, --memory-model, "c11,kernel"]
            shards: 4
          - from: frontier.json
            shards: 16
          - run: [scenarios/faults, --time, "30"]
            seeds: 1-20
      """)

  @Argument(help: "The campaign file.", completion: .file(extensions: ["yaml", "yml"]))
  var path: String
  @Option(help: "Who runs the jobs.")
  var on = CampaignEngine.local
  @Option(
    help: ArgumentHelp("Where journals go; by default NAME.campaign beside the file.", valueName: "folder"))
  var folder: String?
  @Flag(help: "Give nothing out: say how far it is, and what was found.")
  var status = false
  @Option(help: ArgumentHelp("How often jobs that died are given out again.", valueName: "times"))
  var retries = 2
  @Option(
    name: .customLong("engine-option"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "An option of the engine's own, as --sshloginfile=hosts or --partition=long; may be given more than once.",
      valueName: "option"))
  var engineOptions: [String] = []
  @OptionGroup var report: ReportOptions

  func validate() throws {
    if !(0...100).contains(retries) { throw ValidationError("--retries is \(retries); it may be 0 to 100.") }
  }

  func run() throws {
    let campaign: Campaign
    let jobs: [Campaign.Job]
    let folder: String
    do throws(Campaign.Invalid) {
      campaign = try Campaign(path: path)
      let beside = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(
        "\(campaign.name.replacing("/", with: "-")).campaign")
      folder = self.folder.map { URL(fileURLWithPath: $0).path } ?? beside.path
      jobs = try campaign.all(in: folder)
    } catch {
      throw Frontier.invalid(error.message, error.remedy)
    }
    if !status { try give(out: jobs, folder) }
    throw ExitCode(try tell(jobs).code)
  }

  // MARK: Giving out

  private func give(out jobs: [Campaign.Job], _ folder: String) throws {
    if let (message, remedy) = on.complaint {
      StandardError.print("error: \(message)\n    \(remedy)")
      throw ExitCode(69)
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ReportSink.unwritable(folder, errno)
    }
    cthreads_catch_interrupts(1)
    for attempt in 0...retries {
      let left = jobs.filter { !$0.isDone }
      if left.isEmpty || cthreads_interrupted() != 0 { return }
      let again = attempt == 0 ? "" : ", again"
      StandardError.print("note: \(left.count) of \(jobs.count) jobs go to \(on.rawValue)\(again)")
      try hand(left, folder)
    }
  }

  private func hand(_ jobs: [Campaign.Job], _ folder: String) throws {
    let commands = "\(folder)/commands"
    let lines = jobs.map { job in
      // What it prints is in its journal; the folder is the one where the campaign was started.
      "cd \(ShellWord.quoted(FileManager.default.currentDirectoryPath)) && "
        + ([Self.program] + job.command).map(ShellWord.quoted).joined(separator: " ")
        + " >\(ShellWord.quoted(job.journal + ".log")) 2>&1"
    }
    let sink = try ReportSink(commands)
    try sink.print(lines.joined(separator: "\n"))
    try sink.close()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = on.command(commands, count: jobs.count, options: engineOptions, folder: folder)
    // Engines print their own progress.
    process.standardOutput = FileHandle.standardError
    process.standardInput = FileHandle.nullDevice
    try process.run()
    while process.isRunning {
      Thread.sleep(forTimeInterval: 0.1)
      guard cthreads_interrupted() != 0, process.isRunning else { continue }
      // The job at hand too, which then ends with what it has.
      let pid = process.processIdentifier
      kill(getpgid(pid) == pid ? -pid : pid, SIGINT)
      Thread.sleep(forTimeInterval: 1)
    }
  }

  private static var program: String {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
  }

  // MARK: What came of it

  private func tell(_ jobs: [Campaign.Job]) throws -> ExitStatus {
    let left = jobs.filter { !$0.isDone }
    // One that broke off in its first line is as if it were not there.
    let journals = jobs.map(\.journal).filter { JournalReading.head($0) != nil }
    var verdicts: [Verdict] = []
    for ofCommand in try MergedJournals.byCommand(journals) { verdicts += ofCommand.verdicts }
    var reports = try ReportSet(report)
    reports.expect(verdicts.count, report)
    for verdict in verdicts { try reports.show([verdict]) }
    try reports.end(verdicts)
    for (finding, times) in Self.findings(verdicts) {
      print("finding \(finding.id) \(times == 1 ? "once" : "\(times) times"): \(finding.text)\n    \(finding.command)")
    }
    print("\(jobs.count) jobs: \(jobs.count - left.count) done" + (left.isEmpty ? "" : ", \(left.count) missing"))
    for job in left.prefix(8) { print("missing: \(job.name): addonrace \(job.words.joined(separator: " "))") }
    if left.count > 8 { print("and \(left.count - 8) more") }
    #if Results
      do {
        _ = try ResultsDatabase.open(taking: journals)
      } catch let error as ResultsDatabase.Unusable {
        StandardError.print("note: what was found is in the journals, and not in the database of results: \(error)")
      }
    #endif
    let worst = verdicts.map(report.failOn.status).max() ?? .asExpected
    return cthreads_interrupted() != 0 ? .interrupted : max(worst, left.isEmpty ? .asExpected : .undecided)
  }

  /// Each finding once, with the command of its shortest trace.
  private static func findings(
    _ verdicts: [Verdict]
  ) -> [(finding: (id: String, text: String, command: String, length: Int), times: Int)] {
    var found: [String: (finding: (id: String, text: String, command: String, length: Int), times: Int)] = [:]
    for verdict in verdicts {
      var seen: Set<String> = []
      for finding in verdict.findings {
        let id = FindingID(finding, in: verdict).description
        guard seen.insert(id).inserted else { continue }
        let length = verdict.counterexample?.steps.count ?? .max
        let this = (id: id, text: "\(finding.checker): \(finding.message)", command: verdict.command, length: length)
        guard let other = found[id] else {
          found[id] = (this, 1)
          continue
        }
        found[id] = (length < other.finding.length ? this : other.finding, other.times + 1)
      }
    }
    return found.values.sorted { $0.finding.id < $1.finding.id }
  }
}
