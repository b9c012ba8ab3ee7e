import Foundation
import Machine
import RaceModel

/// The compilers of a machine, and how a command is run.
struct Toolchain {
  /// What a command said, and how it ended.
  struct Answer {
    var status: Int32
    var output: String
    var errors: String
  }

  static func run(_ tool: String, _ arguments: [String], input: String? = nil) throws(EngineError) -> Answer {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    let folder = FileManager.default.temporaryDirectory
    let name = "addonrace-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let (output, errors) = (folder.appendingPathComponent(name + ".out"), folder.appendingPathComponent(name + ".err"))
    defer {
      try? FileManager.default.removeItem(at: output)
      try? FileManager.default.removeItem(at: errors)
    }
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
    do {
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      let pipe = Pipe()
      process.standardInput = input == nil ? FileHandle.nullDevice : pipe
      try process.run()
      if let input {
        try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipe.fileHandleForWriting.close()
      }
    } catch {
      throw EngineError("\(tool) could not be started: \(error.localizedDescription)")
    }
    process.waitUntilExit()
    func text(_ file: URL) -> String {
      (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return Answer(status: process.terminationStatus, output: text(output), errors: text(errors))
  }

  /// The compiler of a language.
  ///
  /// - Throws: which package brings it.
  static func compiler(of language: CandidateSource.Language, named: String?) throws(EngineError) -> String {
    if let named {
      if let found = Tools.find(named) { return found }
      throw EngineError("there is no compiler '\(named)'; name one that is on the path, or its whole path")
    }
    let (names, package) =
      switch language {
      case .c: (["clang"], "a Swift toolchain, or the Debian package clang")
      case .cPlusPlus: (["clang++"], "a Swift toolchain, or the Debian package clang")
      case .rust: (["rustc"], "the Debian package rustc, or rustup")
      case .swift: (["swiftc"], "a Swift toolchain")
      }
    for name in names { if let found = Tools.find(name) { return found } }
    throw EngineError("there is no \(names[0]) on this machine, which \(language.rawValue) needs: \(package) brings it")
  }
}
