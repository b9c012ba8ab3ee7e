import CCandidate
import Foundation
import Machine
import RaceModel

/// Compiles what somebody brings into an object that can be loaded, and links it with a runtime of ours that is hidden in
/// it. To explore it, it is instrumented: everything it does comes to the host that loads it, and to nobody else. To race
/// it, it is optimised and left alone: only its allocator, its threads and its locks are ours.
///
/// Builds are kept by content, in the user's folder for caches.
public struct CandidateBuild {
  public enum Purpose: String, Sendable {
    case exploring
    /// To be explored with the dependencies of its accesses (`TrackedBuild`): C.
    case tracking
    case racing
  }

  private let code: CandidateSource
  private let purpose: Purpose
  private let language: CandidateSource.Language
  private let compiler: String

  /// - Throws: what is wrong with the sources, as far as that shows without a compiler.
  public init(_ code: CandidateSource, for purpose: Purpose) throws(EngineError) {
    self.code = code
    self.purpose = purpose
    guard let first = code.sources.first else { throw EngineError("no source was named") }
    for source in code.sources where !FileManager.default.isReadableFile(atPath: source) {
      throw EngineError("\(source): no such file, or it cannot be read")
    }
    guard let language = CandidateSource.Language(path: first) else {
      throw EngineError("\(first): the language is not known; files end in .c, .cc, .cpp, .cxx, .rs or .swift")
    }
    for source in code.sources where CandidateSource.Language(path: source) != language {
      throw EngineError("\(source) and \(first) are of different languages: name sources of one")
    }
    self.language = language
    compiler = try Toolchain.compiler(of: language, named: code.compiler)
  }

  /// Builds the candidate, or finds that it was built.
  ///
  /// - Throws: what the compiler says, as it says it.
  public func build() throws(EngineError) -> BuiltCandidate {
    let runtime = try RuntimeFiles.folder()
    switch language {
    case .c, .cPlusPlus: return try buildC(runtime)
    case .rust:
      return try cached(try contents(), runtime) { folder throws(EngineError) in try buildRust(folder, runtime) }
    case .swift:
      return try cached(try contents(), runtime) { folder throws(EngineError) in try buildSwift(folder, runtime) }
    }
  }

  /// Builds code so that it tells what its accesses depend on; nil where its compiler cannot.
  ///
  /// - Throws: what the compiler says, as it says it.
  public static func tracked(_ code: CandidateSource) throws(EngineError) -> BuiltCandidate? {
    let build = try CandidateBuild(code, for: .tracking)
    do throws(EngineError) {
      return try build.build()
    } catch {
      if try !TrackedBuild.isPossible(with: build.compiler) { return nil }
      throw error
    }
  }

  private func contents() throws(EngineError) -> [String] {
    var contents: [String] = []
    for source in code.sources {
      guard let data = FileManager.default.contents(atPath: source) else {
        throw EngineError("\(source): it cannot be read")
      }
      contents.append(String(decoding: data, as: UTF8.self))
    }
    return contents
  }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

  // MARK: The cache

  /// What was built from the same before, or what `make` builds now. Nobody sees a build that is half done.
  private func cached(
    _ contents: [String], _ runtime: URL, _ make: (URL) throws(EngineError) -> BuiltCandidate
  ) throws(EngineError) -> BuiltCandidate {
    var digest = ContentDigest()
    for part in try self.contents() + code.flags + [language.rawValue] { digest.add(part) }
    let program = digest.text
    for part in contents + [compiler, Self.stamp(of: compiler), runtime.path, "\(optimisation)", purpose.rawValue]
      + code.sources.map(absolute)
    {
      digest.add(part)
    }
    let folder = try RuntimeFiles.cache().appendingPathComponent("build-" + digest.text)
    let description = folder.appendingPathComponent("built.json")
    if let data = try? Data(contentsOf: description),
      let built = try? JSONDecoder().decode(BuiltCandidate.self, from: data),
      FileManager.default.fileExists(atPath: built.object)
    {
      return built
    }
    let new = folder.appendingPathExtension("\(getpid())-\(UInt32.random(in: 0 ... .max))")
    do {
      try FileManager.default.createDirectory(at: new, withIntermediateDirectories: true)
    } catch {
      throw EngineError(
        "\(new.path) could not be made: \(error.localizedDescription); name another folder in XDG_CACHE_HOME")
    }
    defer { try? FileManager.default.removeItem(at: new) }
    var built = try make(new)
    built.digest = String(program.prefix(16))
    built.weakUpdates = try weakUpdates
    built.object = folder.appendingPathComponent("candidate.so").path
    do {
      try JSONEncoder().encode(built).write(to: new.appendingPathComponent("built.json"))
      // Another process may have been as quick.
      _ = try? FileManager.default.removeItem(at: folder)
      try FileManager.default.moveItem(at: new, to: folder)
    } catch {
      guard FileManager.default.fileExists(atPath: built.object) else {
        throw EngineError("\(folder.path) could not be written: \(error.localizedDescription)")
      }
    }
    return built
  }

  private static func stamp(of tool: String) -> String {
    let path = URL(fileURLWithPath: tool).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return "\(attributes?[.size] ?? "") \(attributes?[.modificationDate] ?? "")"
  }

  // MARK: C and C++

  private func buildC(_ runtime: URL) throws(EngineError) -> BuiltCandidate {
    var preprocessed: [String] = []
    for source in code.sources {
      let answer = try Toolchain.run(compiler, ["-E"] + commonFlags(runtime) + code.flags + [absolute(source)])
      guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
      preprocessed.append(answer.output)
    }
    return try cached(preprocessed, runtime) { folder throws(EngineError) in
      try compileC(preprocessed, folder, runtime)
    }
  }

  private var optimisation: Int {
    code.optimisation ?? (purpose == .racing ? 2 : language == .c ? 0 : 1)
  }

  private func commonFlags(_ runtime: URL) -> [String] {
    [
      "-I", runtime.path, "-include", runtime.appendingPathComponent("addonrace_prelude.h").path,
      purpose == .racing ? "-DADDONRACE_RACED" : "-DADDONRACE_EXPLORED",
    ]
  }

  /// Without what a compiler knows of an allocator: it would leave allocations out whose memory nobody reads.
  private var instrumentation: [String] {
    let own = ["malloc", "calloc", "realloc", "free"].map { "-fno-builtin-\($0)" } + ["-fno-omit-frame-pointer"]
    if purpose == .racing { return own }
    return own + ["-fsanitize=thread", "-mllvm", "-tsan-instrument-func-entry-exit=0", "-ftls-model=global-dynamic"]
  }

  private func compileC(
    _ preprocessed: [String], _ folder: URL, _ runtime: URL
  ) throws(EngineError) -> BuiltCandidate {
    var roles: [String]?
    var fields: [String] = []
    var objects: [String] = []
    var main: String?
    let tracked = TrackedBuild(
      compiler: compiler, folder: folder,
      runtime: purpose == .tracking ? try RuntimeFiles.objects(runtime, purpose) : [])
    for (number, source) in code.sources.enumerated() {
      let functions = try RacerFunctions(preprocessed: preprocessed[number])
      if functions.hasMain { main = source }
      var file = absolute(source)
      if !functions.roles.isEmpty {
        if functions.hasMain {
          throw EngineError(
            "\(source) has main and racers: it is either a whole program, or functions that AddonRace calls")
        }
        if roles != nil { throw EngineError("\(source): racers may be in one source only") }
        roles = functions.roles
        fields = functions.fields
        let driver = folder.appendingPathComponent("driver" + (language == .c ? ".c" : ".cc"))
        try write(functions.driver(including: file, isCPlusPlus: language == .cPlusPlus), to: driver)
        file = driver.path
      }
      let object = folder.appendingPathComponent("\(number).o").path
      let flags = ["-O\(optimisation)", "-g", "-fPIC", "-w"] + instrumentation + commonFlags(runtime) + code.flags
      if purpose == .tracking {
        try tracked.compile(file, flags, to: object)
      } else {
        let answer = try Toolchain.run(compiler, flags + ["-c", file, "-o", object])
        guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
      }
      objects.append(object)
    }
    if let main, roles != nil {
      throw EngineError("\(main) has main, and another source racers: code is a whole program, or racers")
    }
    let standard =
      purpose == .tracking
      ? try tracked.aliases(of: objects) : language == .c ? [] : ["-static-libstdc++", "-static-libgcc"]
    let linked = folder.appendingPathComponent("candidate.so").path
    try link(objects + standard, to: linked, runtime)
    var unseen = try unseenCalls(linked)
    if preprocessed.contains(where: RacerFunctions.hasAssembly) { unseen.append("inline-assembly") }
    var built = BuiltCandidate(object: linked, digest: "", roles: roles, unseenCalls: unseen)
    built.fields = fields.map { BuiltCandidate.Field(name: $0, offset: 0) }
    return built
  }

  private func write(_ text: String, to file: URL) throws(EngineError) {
    do { try Data(text.utf8).write(to: file) } catch {
      throw EngineError("\(file.path) could not be written: \(error.localizedDescription)")
    }
  }

  private func link(_ parts: [String], to object: String, _ runtime: URL) throws(EngineError) {
    let linker = Tools.find("ld.lld").map { _ in ["-fuse-ld=lld"] } ?? []
    let arguments =
      ["-shared", "-g"] + linker + parts + (try RuntimeFiles.objects(runtime, purpose))
      + ["-Wl,-Bsymbolic", "-Wl,-z,now", "-o", object, "-lm"]
    let answer = try Toolchain.run(compiler, arguments)
    guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
  }

  // MARK: Rust

  private func buildRust(_ folder: URL, _ runtime: URL) throws(EngineError) -> BuiltCandidate {
    guard code.sources.count == 1 else {
      throw EngineError("a Rust candidate is one file, which may have modules beside it")
    }
    let object = folder.appendingPathComponent("candidate.so").path
    let clang = try Toolchain.compiler(of: .c, named: nil)
    var arguments = [
      "-O", "-g", "-Cpanic=abort", "-Crelocation-model=pic", "--edition=2021", "--crate-type=bin", "-Clinker=\(clang)",
    ]
    var linking = ["-shared", "-Wl,-Bsymbolic", "-Wl,-z,now"] + (try RuntimeFiles.objects(runtime, purpose))
    if Tools.find("ld.lld") != nil { linking.append("-fuse-ld=lld") }
    if purpose == .exploring {
      arguments += [
        "-Zsanitizer=thread", "-Zexternal-clangrt", "-Cunsafe-allow-abi-mismatch=sanitizer",
        "-Cllvm-args=-tsan-instrument-func-entry-exit=0",
      ]
      let library = try RustLibrary(compiler)
      linking.append(try wrapping(of: library, folder, runtime, clang))
      linking += library.wrapped.map { "-Wl,--wrap=\($0)" }
    }
    linking += (["main"] + RuntimeFiles.exported(purpose)).map { "-Wl,--export-dynamic-symbol=\($0)" }
    arguments += linking.map { "-Clink-arg=\($0)" }
    // The sanitizer is a feature that only the compiler's own bootstrap has unlocked in a stable release.
    let answer = try Toolchain.run(
      "/usr/bin/env",
      ["RUSTC_BOOTSTRAP=1", compiler] + arguments + code.flags + [absolute(code.sources[0]), "-o", object])
    guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
    return BuiltCandidate(object: object, digest: "", roles: nil, unseenCalls: try unseenCalls(object))
  }

  /// What stands between a program and its library's own functions.
  private func wrapping(
    of library: RustLibrary, _ folder: URL, _ runtime: URL, _ clang: String
  ) throws(EngineError) -> String {
    let object = folder.appendingPathComponent("rust.o").path
    let answer = try Toolchain.run(
      clang,
      ["-O2", "-fPIC", "-w", "-I", runtime.path] + library.definitions
        + ["-c", runtime.appendingPathComponent("rust.c").path, "-o", object])
    guard answer.status == 0 else { throw EngineError("the hooks could not be compiled: \(answer.errors)") }
    return object
  }

  // MARK: Swift

  private func buildSwift(_ folder: URL, _ runtime: URL) throws(EngineError) -> BuiltCandidate {
    let library = folder.appendingPathComponent("candidate.o").path
    let sources = code.sources.map(absolute)
    let isLibrary = try contents().contains { $0.contains("@main") }
    var answer = try Toolchain.run(
      compiler,
      ["-O", "-g", "-wmo"] + (isLibrary ? ["-parse-as-library"] : []) + code.flags
        + (purpose == .exploring ? ["-sanitize=thread", "-Xllvm", "-tsan-instrument-func-entry-exit=0"] : [])
        + ["-module-name", "Candidate", "-c"] + sources + ["-o", library])
    guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
    let folderOfCompiler = URL(fileURLWithPath: compiler).resolvingSymlinksInPath().deletingLastPathComponent()
    let libraries = folderOfCompiler.deletingLastPathComponent().appendingPathComponent("lib/swift/linux").path
    let clang = try Toolchain.compiler(of: .c, named: nil)
    let object = folder.appendingPathComponent("candidate.so").path
    #if arch(arm64)
      let start = libraries + "/aarch64/swiftrt.o"
    #else
      let start = libraries + "/x86_64/swiftrt.o"
    #endif
    answer = try Toolchain.run(
      clang,
      ["-shared", "-fuse-ld=lld", library] + (try RuntimeFiles.objects(runtime, purpose))
        + ["-L", libraries, "-Wl,-rpath,\(libraries)", "-lswiftCore", "-lswiftSynchronization", "-lswiftGlibc"]
        + ["-lswift_Concurrency", "-lswift_StringProcessing", "-Wl,--as-needed"]
        + [start, "-Wl,-Bsymbolic", "-Wl,-z,now", "-o", object])
    guard answer.status == 0 else { throw EngineError(answer.errors.trimmed) }
    return BuiltCandidate(object: object, digest: "", roles: nil, unseenCalls: try unseenCalls(object))
  }

  // MARK: What is not looked into

  /// Compilers give the hooks a weak compare-exchange as they give them a strong one: only the sources say.
  private var weakUpdates: [String] {
    get throws(EngineError) {
      var places: [String] = []
      for (source, text) in zip(code.sources, try contents()) {
        let name = source.split(separator: "/").last ?? ""
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where line.contains("compare_exchange_weak") || line.contains("weakCompareExchange") {
          if !line.drop(while: \.isWhitespace).hasPrefix("//") { places.append("\(name):\(number + 1)") }
        }
      }
      return places
    }
  }

  /// Functions of shared libraries that the program calls: nothing says what they do to memory.
  private func unseenCalls(_ object: String) throws(EngineError) -> [String] {
    guard let tool = Tools.find("llvm-nm") ?? Tools.find("nm") else { return [] }
    let answer = try Toolchain.run(tool, ["-D", "--undefined-only", object])
    let names = answer.output.split(separator: "\n").compactMap { line -> String? in
      line.split(separator: " ").last.map { String($0.split(separator: "@")[0]) }
    }
    return UnseenCalls.worthNaming(among: names, language)
  }
}

extension String {
  /// Without white space at its end.
  var trimmed: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}

/// Functions that are not instrumented, and what is known of them.
enum UnseenCalls {
  /// They keep to themselves: they touch no memory of the program, or only read what they are given.
  private static let harmless: Set<String> = [
    "strlen", "strcmp", "strncmp", "memcmp", "strchr", "strrchr", "strstr", "memchr", "bcmp", "strnlen", "stdout",
    "stderr",
    "stdin", "getenv", "getpid", "getpagesize", "sysconf", "dl_iterate_phdr", "dlsym", "dladdr1", "_exit", "vsnprintf",
    "snprintf", "environ",
    "memcpy", "memset", "memmove", "__errno_location", "getauxval", "strtol", "atoi", "strtoul", "isdigit", "isalpha",
    "__ctype_b_loc", "__cxa_finalize", "__gmon_start__", "signal", "sigaction", "sqrt", "pow", "fabs", "abs", "rand",
    "srand",
  ]

  static func worthNaming(among names: [String], _ language: CandidateSource.Language) -> [String] {
    // The libraries of these languages are known, and what they do with threads and memory comes to the hooks.
    guard language == .c else { return [] }
    return names.filter { !harmless.contains($0) && !$0.hasPrefix("_ITM_") && !$0.hasPrefix("__gcov") }.sorted()
  }
}
