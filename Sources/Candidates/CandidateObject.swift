import CCandidate
import Foundation
import Glibc
import RaceModel

/// A candidate that is loaded into this process, once.
final class CandidateObject {
  let built: BuiltCandidate
  let image: ccandidate_image
  let main: UnsafeMutableRawPointer?
  let threadEnds: UnsafeMutableRawPointer?
  private let bindFunction: UnsafeMutableRawPointer
  private let handle: UnsafeMutableRawPointer
  /// Of racers.
  let setUp: UnsafeMutableRawPointer?
  let check: UnsafeMutableRawPointer?
  let tearDown: UnsafeMutableRawPointer?
  let racers: [UnsafeMutableRawPointer]
  let fields: [BuiltCandidate.Field]
  let symbolizer: Symbolizer?
  private let isRust: Bool
  /// Its data as its constructors left it.
  private let pristine: UnsafeMutableRawPointer

  /// Loads it, and runs its constructors.
  ///
  /// - Throws: what the loader says.
  init(_ built: BuiltCandidate, _ language: CandidateSource.Language) throws(EngineError) {
    guard let handle = dlopen(built.object, RTLD_NOW | RTLD_LOCAL) else {
      throw EngineError(
        "\(built.object) could not be loaded: \(dlerror().map { String(cString: $0) } ?? "no reason given")")
    }
    guard let bind = dlsym(handle, "addonrace_bind") else {
      throw EngineError("\(built.object) has no hooks: remove it, so that it is built anew")
    }
    var image = ccandidate_image()
    guard ccandidate_find_image(UInt(bitPattern: bind), &image) != 0 else {
      throw EngineError("\(built.object) is loaded, and not to be found")
    }
    let main = dlsym(handle, "main")
    if built.roles == nil, main == nil {
      throw EngineError("the program has neither main nor a function racer_NAME: one of them is where it begins")
    }
    self.built = built
    symbolizer = Symbolizer(built.object)
    isRust = language == .rust
    self.handle = handle
    self.image = image
    bindFunction = bind
    self.main = main
    threadEnds = dlsym(handle, "addonrace_thread_ends")
    setUp = dlsym(handle, "addonrace_setup")
    check = dlsym(handle, "addonrace_check")
    tearDown = dlsym(handle, "addonrace_teardown")
    racers = (built.roles ?? []).compactMap { dlsym(handle, "addonrace_racer_\($0)") }
    let offsets = dlsym(handle, "addonrace_fields")?.assumingMemoryBound(to: UInt.self)
    fields = built.fields.enumerated().map { number, field in
      BuiltCandidate.Field(name: field.name, offset: offsets.map { Int($0[number]) } ?? 0)
    }
    pristine = .allocate(byteCount: max(1, image.data_size), alignment: 64)
    if let data = UnsafeRawPointer(bitPattern: image.data) {
      pristine.copyMemory(from: data, byteCount: image.data_size)
    }
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
