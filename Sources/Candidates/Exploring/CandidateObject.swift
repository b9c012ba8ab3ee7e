import CCandidate
import Foundation
import RaceModel

/// A candidate that is loaded to be explored.
final class CandidateObject: LoadedObject {
  private let isRust: Bool
  /// What a thread's end calls.
  private(set) lazy var threadEnds = function("addonrace_thread_ends")
  /// Its data as its constructors left it.
  private lazy var pristine = UnsafeMutableRawPointer.allocate(byteCount: max(1, image.data_size), alignment: 64)

  /// Where its dependencies are tracked.
  private(set) var dependencies: TrackedDependencies?

  init(_ built: BuiltCandidate, _ language: CandidateSource.Language) throws(EngineError) {
    isRust = language == .rust
    try super.init(built, binding: "addonrace_bind")
    dependencies = TrackedDependencies(self)
    guard let data = UnsafeRawPointer(bitPattern: image.data) else { return }
    pristine.copyMemory(from: data, byteCount: image.data_size)
  }

  /// Whether a place in its code is the user's, and instrumented: not a library's that was linked with it.
  func isUsers(_ pc: UInt) -> Bool {
    // The user's objects are linked first, and then the hooks.
    if !isRust { return pc < UInt(bitPattern: bindFunction) }
    // Generic functions of the library are compiled with the user's crate: those in which nothing of the user's was inlined
    // are the library's.
    let frames = symbolizer?.answer("CODE 0x" + String(pc - image.base - 1, radix: 16)) ?? []
    return SourceNames.line(in: frames) != nil
  }

  /// Puts all of its data back, before another exploration.
  func putBack() {
    bind(nil)
    UnsafeMutableRawPointer(bitPattern: image.data)?.copyMemory(from: pristine, byteCount: image.data_size)
  }

  /// Its hooks call this host from now on.
  func bind(_ host: UnsafePointer<addonrace_host>?) { ccandidate_bind(bindFunction, host) }
}
