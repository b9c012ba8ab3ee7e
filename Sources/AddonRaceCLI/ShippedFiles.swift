import AddonRace
import Foundation

/// What comes along: scenarios and examples. They lie beside the command where it is installed, and else in the package that
/// it was built from.
enum ShippedFiles {
  /// The folder that holds `scenarios` and `Examples`.
  static let root: String? = {
    let command = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let installed = command.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("share/addonrace")
    return [installed, package].map(\.path).first {
      FileManager.default.fileExists(atPath: $0 + "/scenarios/sites")
    }
  }()

  /// The package that the command was built from.
  static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The path itself, or where it begins with "scenarios" and is not here, the shipped one.
  static func path(_ path: String) -> String {
    guard !FileManager.default.fileExists(atPath: path), path == "scenarios" || path.hasPrefix("scenarios/"),
      let root, FileManager.default.fileExists(atPath: "\(root)/\(path)")
    else { return path }
    return "\(root)/\(path)"
  }

  /// The scenarios that come along, and their folders, from "scenarios" on.
  private static let paths: [String] = {
    let found = (try? FileManager.default.subpathsOfDirectory(atPath: path("scenarios"))) ?? []
    return ["scenarios"]
      + found.filter { $0.hasSuffix(".yaml") || !$0.contains(".") }.sorted().map { "scenarios/\($0)" }
  }()

  /// Paths, and the names of files alone.
  static var names: [String] { paths + paths.filter { $0.hasSuffix(".yaml") }.map(bareName) }

  /// Those of a name: a path, with or without "scenarios/", or a file's name, with or without its ending. Where several files
  /// have the name, it is that of the one in `folder`.
  static func named(_ word: String, first folder: String) -> [String] {
    let name = word.hasSuffix("/") ? String(word.dropLast()) : word
    let exact = paths.filter { $0 == name || $0 == "scenarios/\(name)" }
    if !exact.isEmpty || name.contains("/") { return exact }
    let files = paths.filter { $0.hasSuffix(".yaml") && bareName($0) == bareName(name) }
    let first = files.filter { $0.hasPrefix("scenarios/\(folder)/") }
    return first.isEmpty ? files : first
  }

  private static func bareName(_ path: String) -> String {
    let file = (path as NSString).lastPathComponent
    return file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
  }

  /// What may be named to a command, a line each: the folders of scenarios, here or shipped.
  static func scenarioFolders(_ command: String) -> [String] {
    let scenarios = path("scenarios")
    let files = (try? FileManager.default.subpathsOfDirectory(atPath: scenarios)) ?? []
    var counts: [String: Int] = [:]
    for file in files where file.hasSuffix(".yaml") {
      counts[(file as NSString).deletingLastPathComponent, default: 0] += 1
    }
    let names = counts.keys.sorted()
    let width = names.map(\.count).max() ?? 0
    return names.map { name in
      let margin = String(repeating: " ", count: width - name.count)
      return "  addonrace \(command) scenarios/\(name)\(margin)   \(counts[name] ?? 0) scenarios"
    }
  }

  /// What is said where nothing was named.
  static func nothingNamed(_ command: String) -> String {
    let folders = scenarioFolders(command)
    let example = "  addonrace new scenario mine.yaml   writes one to begin with"
    return (["No scenario was named. There are:"] + folders + [example]).joined(separator: "\n")
  }
}
