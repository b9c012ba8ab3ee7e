import AddonRace
import Foundation

/// A scenario as the command line found it: read, or invalid; or there is nothing of the name.
enum FoundScenario {
  case scenario(Scenario, file: String)
  case invalid(InvalidScenario, file: String)
  case missing(InvalidScenario)
}

struct ScenarioFinder {
  private let vocabulary: Vocabulary
  /// How code that is named is compiled.
  private let code: CandidateSource?
  private let optimisations: [Int]
  /// The folder whose scenarios a name means, where those of other folders have it too.
  private let folder: String
  init(
    _ vocabulary: Vocabulary, first folder: String = "sites", code: CandidateSource? = nil, optimisations: [Int] = []
  ) {
    self.folder = folder
    self.vocabulary = vocabulary
    self.code = code
    self.optimisations = optimisations
  }

  /// Reads files and folders, in the order given; a folder's files by name, with those of the folders in it. Sources that
  /// are named are one program.
  func find(_ paths: [String]) -> [FoundScenario] {
    let sources = paths.filter { CandidateSource.Language(path: $0) != nil }
    let scenarios = paths.filter { !sources.contains($0) }.flatMap(find)
    return (sources.isEmpty ? [] : scenariosOfCode(sources)) + scenarios
  }

  /// One, or one for each level of optimisation.
  private func scenariosOfCode(_ sources: [String]) -> [FoundScenario] {
    let found = scenario(of: sources)
    guard case .scenario(let scenario, let file) = found, !optimisations.isEmpty else { return [found] }
    return optimisations.map { level in
      var scenario = scenario
      scenario.name += " -O\(level)"
      scenario.code?.optimisation = level
      return .scenario(scenario, file: file)
    }
  }

  private func scenario(of sources: [String]) -> FoundScenario {
    if let missing = sources.first(where: { !FileManager.default.fileExists(atPath: $0) }) {
      return self.missing(missing, "no such file", nil)
    }
    let name = sources[0].split(separator: "/").last.map(String.init) ?? sources[0]
    var scenario = Scenario(name: name, question: "Does it hold?", site: "", strategy: "", racers: [])
    var code = code ?? CandidateSource(sources: [])
    code.sources = sources
    scenario.code = code
    return .scenario(scenario, file: sources.joined(separator: " "))
  }

  /// A file, a folder, or what comes along by its name.
  private func find(_ name: String) -> [FoundScenario] {
    var path = name
    if !FileManager.default.fileExists(atPath: name) {
      let shipped = ShippedFiles.named(name, first: folder)
      guard shipped.count == 1 else { return [missing(name, shipped)] }
      path = ShippedFiles.path(shipped[0])
    }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard isFolder.boolValue else { return [read(path)] }
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    let files = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
    if files.isEmpty {
      return [invalid(path, "no scenario in this folder", "scenarios are files that end in .yaml or .yml")]
    }
    return files.map { read((path as NSString).appendingPathComponent($0)) }
  }

  private func read(_ path: String) -> FoundScenario {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      return invalid(path, "cannot be read as UTF-8 text: \(error.localizedDescription)", nil)
    }
    do throws(InvalidScenario) {
      return .scenario(try ScenarioFile.read(text, file: path, vocabulary), file: path)
    } catch {
      return .invalid(error, file: path)
    }
  }

  /// What comes along has the name several times, or not at all.
  private func missing(_ name: String, _ shipped: [String]) -> FoundScenario {
    if !shipped.isEmpty {
      return missing(
        name, "several scenarios that come along have this name", "name one: \(shipped.joined(separator: ", "))")
    }
    let folder = (name as NSString).deletingLastPathComponent
    let beside = ((try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [])
      .map { (folder as NSString).appendingPathComponent($0) }
    return missing(
      name, "no such file or folder",
      Suggestion.remedy(
        for: name, among: beside + ShippedFiles.names, else: "`addonrace run` alone says what comes along"))
  }

  private func missing(_ path: String, _ message: String, _ remedy: String?) -> FoundScenario {
    .missing(InvalidScenario([Diagnostic(file: path, message: message, remedy: remedy)]))
  }

  private func invalid(_ path: String, _ message: String, _ remedy: String?) -> FoundScenario {
    .invalid(InvalidScenario([Diagnostic(file: path, message: message, remedy: remedy)]), file: path)
  }
}
