import Foundation
import Machine
import RaceModel

/// Functions of Rust's standard library that touch words which a program accesses, too. The library comes compiled and
/// without instrumentation, so the linker is told to call ours instead.
struct RustLibrary {
  /// For the compiler of ours: their names in this version of the library.
  let definitions: [String]
  let wrapped: [String]

  /// By what our source calls it: the beginning and the end of its mangled name, which has the version in between.
  private static let functions: [(name: String, ending: String)] = [
    ("RUST_SCOPE_DECREMENT", "6scopedNtB2_9ScopeData29decrement_num_running_threads"),
    ("RUST_SCOPE_INCREMENT", "6scopedNtB2_9ScopeData29increment_num_running_threads"),
    ("RUST_PARK", "3std6thread9functions4park"),
    ("RUST_THREAD_PARK", "6thread6threadNtB4_6Thread4park"),
    ("RUST_PANIC", "17rust_begin_unwind"),
    ("RUST_MUTEX_LOCK", "4sync5mutex5futexNtB2_5Mutex14lock_contended"),
    ("RUST_ONCE_CALL", "4sync4once5futexNtB5_4Once4call"),
    ("RUST_RWLOCK_READ", "4sync6rwlock5futexNtB2_6RwLock14read_contended"),
    ("RUST_RWLOCK_WRITE", "4sync6rwlock5futexNtB2_6RwLock15write_contended"),
    ("RUST_CONDVAR_WAIT", "4sync7condvar5futexNtB2_7Condvar4wait"),
    ("RUST_CONDVAR_NOTIFY_ONE", "4sync6poison7condvarNtB2_7Condvar10notify_one"),
    ("RUST_CONDVAR_NOTIFY_ALL", "4sync6poison7condvarNtB2_7Condvar10notify_all"),
  ]

  /// 95 of "rustc 1.95.0".
  private static func minorVersion(_ compiler: String) throws(EngineError) -> Int {
    let text = try Toolchain.run(compiler, ["--version"]).output
    return text.split(separator: ".").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  init(_ compiler: String) throws(EngineError) {
    let root = try Toolchain.run(compiler, ["--print", "target-libdir"]).output.split(separator: "\n").first.map(
      String.init)
    guard let root, let tool = Tools.find("llvm-nm") ?? Tools.find("nm") else {
      throw EngineError("the standard library of \(compiler) is not to be found")
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    guard let library = names.first(where: { $0.hasPrefix("libstd-") && $0.hasSuffix(".rlib") }) else {
      throw EngineError("\(root) has no standard library: the Debian package libstd-rust-dev brings it")
    }
    let symbols = try Toolchain.run(tool, ["--defined-only", "--extern-only", root + "/" + library]).output
      .split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
    var definitions: [String] = []
    var wrapped: [String] = []
    for function in Self.functions {
      // Earlier versions have other numbers for its states.
      if function.name == "RUST_ONCE_CALL", try Self.minorVersion(compiler) < 90 { continue }
      guard let symbol = symbols.first(where: { $0.hasSuffix(function.ending) }) else { continue }
      definitions.append("-D\(function.name)=\"\(symbol)\"")
      wrapped.append(symbol)
    }
    self.definitions = definitions
    self.wrapped = wrapped
  }
}
