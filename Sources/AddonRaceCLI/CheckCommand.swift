import AddonRace
import ArgumentParser

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Reads scenario files and says what is wrong with them, without running any.")

  @Argument(help: "Scenario files, or folders of them.", completion: .file(extensions: ["yaml", "yml"]))
  var paths: [String]

  func run() throws {
    var invalid = 0
    for found in ScenarioFinder(AddonRaceCommand.harness.vocabulary).find(paths) {
      switch found {
      case .scenario(let scenario, let file):
        print("\(file): ok: \(scenario.site) with \(scenario.strategy), \(scenario.racerCount) racers")
      case .invalid(let error, _), .missing(let error):
        invalid += 1
        print(error)
      }
    }
    if invalid > 0 { throw ExitCode(ExitStatus.invalid.code) }
  }
}
