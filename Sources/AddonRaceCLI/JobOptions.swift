import ArgumentParser
import Foundation

/// How much is done at a time: what `explore`, `run --engine explore` and `audit` share.
struct JobOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Explore in so many processes at a time; by default, one for each processor.", valueName: "n"))
  var jobs: Int?

  private static let most = 1024

  func validate() throws {
    guard let jobs, !(1...Self.most).contains(jobs) else { return }
    throw ValidationError("--jobs is \(jobs); it may be 1 to \(Self.most).")
  }

  var count: Int { jobs ?? max(1, ProcessInfo.processInfo.activeProcessorCount) }
}
