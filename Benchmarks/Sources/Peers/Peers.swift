import Addons
import ArgumentParser
import BenchEngine
import BenchModel
import Foundation
import RaceModel
import Reports

/// Races every way there is to make something on first use, side by side.
@main struct Peers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "Measures AddonRace's strategies next to what C, C++, Swift and Rust offer for the same.",
    discussion: """
      Each makes sure that a slot has its owner of 40 bytes; slots lie 128 bytes apart. What can be done once in a process \
      only has a fast path. Samples of all are taken in turn, in several processes; each is compared with C11 by hand.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, csv }

  @Option(help: ArgumentHelp("Numbers of racers that contend.", valueName: "n"))
  var racers = [2]
  @Option(help: ArgumentHelp("Slots of a round.", valueName: "n"))
  var inodes = 256
  @Option(help: ArgumentHelp("Processes that measure, one after the other.", valueName: "n"))
  var processes = 15
  @Option(help: ArgumentHelp("Samples of each measure in each process.", valueName: "n"))
  var repetitions = 21
  @Option(help: ArgumentHelp("The library with Rust's; without it they are left out.", valueName: "file"))
  var rust: String?
  @Option(help: "How the figures are shown.")
  var format = Format.table

  func validate() throws {
    for count in racers where !BenchLimits.racers.contains(count) {
      throw ValidationError(
        "--racers is \(count); it may be \(BenchLimits.racers.lowerBound) to \(BenchLimits.racers.upperBound).")
    }
    if !BenchLimits.inodes.contains(inodes) { throw ValidationError("--inodes may be 8 to 1048576.") }
    if !BenchLimits.processes.contains(processes) { throw ValidationError("--processes may be 1 to 101.") }
    if !BenchLimits.repetitions.contains(repetitions) { throw ValidationError("--repetitions may be 11 to 10001.") }
  }

  func run() throws {
    for warning in BenchMachine.here.warnings {
      FileHandle.standardError.write(Data("WARNING: \(warning)\n".utf8))
    }
    let figures = processes == 1 ? try measure() : try measureInProcesses()
    let document = BenchDocument(machine: .here, benches: [figures])
    switch format {
    case .table: print(BenchReport(figures).parts.text)
    case .json: print(document.json)
    case .csv: print(document.csv)
    }
  }

  private func measure() throws -> BenchFigures {
    var options = BenchOptions()
    options.racers = racers
    options.inodes = inodes
    options.repetitions = repetitions
    let field = BenchField(inodes: inodes, spacing: 128, racers: max(2, racers.max() ?? 2))
    let contestants =
      [.reference(addonSize: OwnerMaker.size, on: field)] + Self.strategies(on: field) + NativePeers.all(on: field)
      + SwiftPeers.all(on: field) + (try rust.map { try NativePeers.rust($0, on: field) } ?? [])
    return try Bench().run(
      Contest("peers", site: "plain-slot", role: "populate", on: field, contestants), options)
  }

  /// This program again, so many times, as a process that measures for itself.
  private func measureInProcesses() throws -> BenchFigures {
    BenchFigures(
      pooling: try (0..<processes).map { _ in
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = CommandLine.arguments.dropFirst() + ["--processes", "1", "--format", "json"]
        process.standardOutput = output
        try process.run()
        let document = try? JSONDecoder().decode(
          BenchDocument.self, from: output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        guard let figures = document?.benches.first else {
          throw EngineError("a process that measured left no figures (status \(process.terminationStatus))")
        }
        return figures
      })
  }

  /// AddonRace's own, at the barest site.
  private static func strategies(on field: BenchField) -> [Contestant] {
    [
      Contestant(MeasuredCode(PlainSlot<FullCompareExchange>.self), on: field),
      Contestant(MeasuredCode(PlainSlot<CompareExchange>.self), on: field),
      Contestant(MeasuredCode(PlainSlot<ReleaseCompareExchangeRereading>.self), on: field),
      Contestant(MeasuredCode(PlainSlot<DoubleCheckedLock>.self), on: field),
      Contestant(MeasuredCode(PlainSlot<LockAndFlag>.self), on: field),
    ]
  }
}
