import AddonRace
import ArgumentParser
import Foundation

struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Writes something of your own to begin with, which runs as it is.",
    discussion: """
        addonrace new scenario mine          a scenario file, mine.yaml
        addonrace new candidate mine         code in C, mine.c; or in C++, Rust or Swift, by the name's ending
        addonrace new site MySite            a package with a site, strategies, a checker, tests and a command
        addonrace new strategy MyStrategy    the same package: strategies at Linux's sites
      """)

  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case scenario, candidate, site, strategy

    /// Of its file's name, where it is one file.
    var ending: String? {
      switch self {
      case .scenario: "yaml"
      case .candidate: "c"
      case .site, .strategy: nil
      }
    }
  }

  @Argument(help: "What to write.")
  var kind: Kind
  @Argument(help: "The name of the file, or of the package's folder.", completion: .file())
  var name: String

  func run() throws {
    guard let root = ShippedFiles.root else {
      throw failure(
        "the files that come along are not there", "install \(Product.name) again with scripts/install.sh", 66)
    }
    if FileManager.default.fileExists(atPath: path) {
      throw failure("\(path) exists already", "name another", ExitCode.unwritable.rawValue)
    }
    switch kind {
    case .scenario: try writeScenario(root)
    case .candidate: try writeCandidate(root)
    case .site, .strategy: try writePackage(root)
    }
  }

  /// The name, with an ending where a file needs one.
  private var path: String {
    if ending.isEmpty, let kind = kind.ending { "\(name).\(kind)" } else { name }
  }

  private func writeScenario(_ root: String) throws {
    guard ["", "yaml", "yml"].contains(ending) else {
      throw ValidationError("A scenario's file ends in .yaml; try: addonrace new scenario \(stem).yaml")
    }
    let text = try read("\(root)/scenarios/sites/file-owner.yaml")
    try write(text.replacing(/name: .*/, with: "name: \(stem)", maxReplacements: 1), to: path)
    say(["addonrace check \(quoted)", "addonrace run \(quoted)", "addonrace explore \(quoted)"])
  }

  private func writeCandidate(_ root: String) throws {
    let examples = ["c": "c/slot.c", "cpp": "cpp/cache.cpp", "rs": "rust/slot.rs", "swift": "swift/slot.swift"]
    guard let example = examples[(path as NSString).pathExtension] else {
      throw ValidationError(
        "No language is known by '.\(ending)': \(Suggestion.remedy(for: ending, among: examples.keys.sorted())).")
    }
    try write(read("\(root)/scenarios/code/\(example)"), to: path)
    say(["addonrace explore \(quoted)", "addonrace run \(quoted)"])
  }

  /// The example of a package, under this name.
  private func writePackage(_ root: String) throws {
    guard let first = stem.unicodeScalars.first, first.properties.isAlphabetic,
      stem.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" })
    else {
      throw ValidationError("'\(stem)' cannot be a module's name: use letters, digits and _, and begin with a letter.")
    }
    let example = "\(root)/Examples/OwnSite"
    let command = stem.lowercased() + "-race"
    let files = (try? FileManager.default.subpathsOfDirectory(atPath: example)) ?? []
    for file in files.sorted() where !file.hasPrefix(".") && file != "Package.resolved" {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: "\(example)/\(file)", isDirectory: &isFolder), !isFolder.boolValue
      else { continue }
      func renamed(_ text: String) -> String {
        text.replacing("OwnSite", with: stem).replacing("own-race", with: command)
      }
      var text = renamed(try read("\(example)/\(file)"))
      if file == "Package.swift" {
        text = text.replacing("path: \"../..\"", with: "path: \"\(ShippedFiles.package.path)\"")
      }
      try write(text, to: "\(name)/\(renamed(file))")
    }
    if !FileManager.default.fileExists(atPath: ShippedFiles.package.path) {
      print("note: put the place of \(Product.name)'s own package into \(name)/Package.swift")
    }
    say([
      "cd \(quoted)", "swift test", "swift run -c release \(command) run scenarios",
      "swift run -c release \(command) explore scenarios",
    ])
    print(
      kind == .site
        ? "The site is in Sources/\(stem)/ConnectionStats.swift; Sources/\(stem)/OwnCatalog.swift lists what there is."
        : "The strategies are in Sources/\(stem)/Strategies.swift; Sources/\(stem)/OwnCatalog.swift lists what there is."
    )
  }

  private var stem: String { ((name as NSString).lastPathComponent as NSString).deletingPathExtension }
  private var ending: String { (name as NSString).pathExtension }
  private var quoted: String { ShellWord.quoted(path) }

  private func read(_ path: String) throws -> String {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw failure("\(path) cannot be read", "install \(Product.name) again with scripts/install.sh", 66)
    }
    return text
  }

  private func write(_ text: String, to path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    if !folder.isEmpty { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    let sink = try ReportSink(path)
    try sink.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    try sink.close()
    print("wrote \(path)")
  }

  private func say(_ commands: [String]) {
    print("try:")
    for command in commands { print("  \(command)") }
  }

  private func failure(_ what: String, _ remedy: String, _ status: Int32) -> ExitCode {
    StandardError.print("error: \(what)\n    \(remedy)")
    return ExitCode(status)
  }
}
