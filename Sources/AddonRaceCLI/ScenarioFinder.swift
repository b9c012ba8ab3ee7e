import AddonRace
import Foundation

/// A scenario as the command line found it: read, or invalid.
enum FoundScenario {
  case scenario(Scenario, file: String)
  case invalid(InvalidScenario, file: String)
}

struct ScenarioFinder {
  private let vocabulary: Vocabulary
  init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

  /// Reads files and folders, in the order given; a folder's files by name, with those of the folders in it.
  func find(_ paths: [String]) -> [FoundScenario] { paths.flatMap { find($0) } }

  private func find(_ path: String) -> [FoundScenario] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return [invalid(path, "no such file or folder", "`ls` the folder; scenarios that come along are in scenarios/")]
    }
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

  private func invalid(_ path: String, _ message: String, _ remedy: String?) -> FoundScenario {
    .invalid(InvalidScenario([Diagnostic(file: path, message: message, remedy: remedy)]), file: path)
  }
}
