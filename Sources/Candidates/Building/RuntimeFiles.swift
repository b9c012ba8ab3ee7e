import CCandidate
import Foundation
import RaceModel

/// The headers and sources that are compiled with a candidate, unpacked and compiled once for each version of them.
enum RuntimeFiles {
  /// `$XDG_CACHE_HOME/addonrace`, or `~/.cache/addonrace`, or a folder for temporary files where there is no home.
  static func cache() throws(EngineError) -> URL {
    let environment = ProcessInfo.processInfo.environment
    var candidates: [URL] = []
    if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty { candidates.append(URL(fileURLWithPath: folder)) }
    if let home = environment["HOME"], !home.isEmpty { candidates.append(URL(fileURLWithPath: home + "/.cache")) }
    candidates.append(FileManager.default.temporaryDirectory)
    for candidate in candidates {
      let folder = candidate.appendingPathComponent("addonrace")
      if (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)) != nil,
        FileManager.default.isWritableFile(atPath: folder.path)
      {
        return folder
      }
    }
    throw EngineError("no folder for builds can be written: name one in XDG_CACHE_HOME")
  }

  private static var files: [(path: String, text: String)] {
    var files: [(path: String, text: String)] = []
    var file = ccandidate_first_file()
    while file.pointee.path.pointee != 0 {
      files.append((String(cString: file.pointee.path), String(cString: file.pointee.text)))
      file += 1
    }
    return files
  }

  private static let digest: String = {
    var digest = ContentDigest()
    for file in files {
      digest.add(file.path)
      digest.add(file.text)
    }
    return digest.text
  }()

  /// The folder that has them.
  static func folder() throws(EngineError) -> URL {
    let folder = try cache().appendingPathComponent("runtime-" + digest)
    let isWhole = folder.appendingPathComponent("whole")
    if FileManager.default.fileExists(atPath: isWhole.path) { return folder }
    do {
      for file in files {
        let place = folder.appendingPathComponent(file.path)
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: place, options: .atomic)
      }
      try Data().write(to: isWhole)
    } catch {
      throw EngineError("\(folder.path) could not be written: \(error.localizedDescription)")
    }
    return folder
  }

  /// Sources of the runtime, and what it exports to whoever loads the object.
  private static func sources(_ purpose: CandidateBuild.Purpose) -> [String] {
    let own =
      switch purpose {
      case .exploring: ["hooks", "threads"]
      case .tracking: ["hooks", "threads", "dependencies"]
      case .racing: ["raced", "program", "program_heap", "program_threads"]
      }
    return own + ["heap", "library", "kernel"]
  }
  static func exported(_ purpose: CandidateBuild.Purpose) -> [String] {
    purpose == .racing
      ? ["addonrace_bind_race", "addonrace_run_program"] : ["addonrace_bind", "addonrace_thread_ends"]
  }

  /// The runtime, compiled.
  static func objects(_ folder: URL, _ purpose: CandidateBuild.Purpose) throws(EngineError) -> [String] {
    let sources = sources(purpose)
    let objects = sources.map { folder.appendingPathComponent("\($0)-\(purpose.rawValue).o").path }
    if objects.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) { return objects }
    let compiler = try Toolchain.compiler(of: .c, named: nil)
    let flags =
      switch purpose {
      case .exploring: ["-DADDONRACE_EXPLORED", "-fno-builtin"]
      case .tracking: ["-DADDONRACE_EXPLORED", "-DADDONRACE_TRACKED", "-fno-builtin"]
      case .racing: ["-DADDONRACE_RACED", "-fno-builtin-malloc"]
      }
    for (source, object) in zip(sources, objects) {
      let new = object + ".\(getpid())"
      let answer = try Toolchain.run(
        compiler,
        ["-O2", "-fPIC", "-std=gnu17", "-fno-stack-protector", "-fno-omit-frame-pointer", "-w"] + flags
          + ["-I", folder.path, "-c", folder.appendingPathComponent(source + ".c").path, "-o", new])
      guard answer.status == 0, rename(new, object) == 0 else {
        throw EngineError("the runtime could not be compiled: \(answer.errors)")
      }
    }
    return objects
  }
}
