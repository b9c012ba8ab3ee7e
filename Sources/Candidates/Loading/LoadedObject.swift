import CCandidate
import Foundation
import Glibc
import Machine
import RaceModel

/// An object of somebody's code that is loaded into this process, once, and has run its constructors.
class LoadedObject {
  let built: BuiltCandidate
  let image: ccandidate_image
  let main: UnsafeMutableRawPointer?
  /// Binds it to whoever serves it: explores it, or races it.
  let bindFunction: UnsafeMutableRawPointer
  /// Of racers.
  let setUp: UnsafeMutableRawPointer?
  let check: UnsafeMutableRawPointer?
  let tearDown: UnsafeMutableRawPointer?
  let racers: [UnsafeMutableRawPointer]
  let fields: [BuiltCandidate.Field]
  let symbolizer: Symbolizer?
  private let handle: UnsafeMutableRawPointer

  /// - Parameter binding: the name of the function that binds it.
  /// - Throws: what the loader says.
  init(_ built: BuiltCandidate, binding: String) throws(EngineError) {
    guard let handle = dlopen(built.object, RTLD_NOW | RTLD_LOCAL) else {
      throw EngineError(
        "\(built.object) could not be loaded: \(dlerror().map { String(cString: $0) } ?? "no reason given")")
    }
    guard let bind = dlsym(handle, binding) else {
      throw EngineError("\(built.object) has no \(binding): remove it, so that it is built anew")
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
    self.handle = handle
    self.image = image
    self.main = main
    symbolizer = Symbolizer(built.object)
    bindFunction = bind
    setUp = dlsym(handle, "addonrace_setup")
    check = dlsym(handle, "addonrace_check")
    tearDown = dlsym(handle, "addonrace_teardown")
    racers = (built.roles ?? []).compactMap { dlsym(handle, "addonrace_racer_\($0)") }
    let offsets = dlsym(handle, "addonrace_fields")?.assumingMemoryBound(to: UInt.self)
    fields = built.fields.enumerated().map { number, field in
      BuiltCandidate.Field(name: field.name, offset: offsets.map { Int($0[number]) } ?? 0)
    }
  }

  func function(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }

  /// The number of a role's function among `racers`, or nil.
  func number(ofRole role: String) -> Int? { built.roles?.firstIndex(of: role) }
}
