import Foundation

/// The tools of a machine: what is beside the Swift compiler, and what is on the path.
public enum Tools {
  /// The path of a tool: one that is named, or found beside the Swift compiler, or on the path.
  public static func find(_ name: String) -> String? {
    if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
    let folders = [swiftFolder].compactMap { $0 } + path
    return folders.map { $0 + "/" + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static var path: [String] {
    (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(
      String.init)
  }

  /// The folder of the Swift compiler, which brings a clang and a linker of its own.
  private static let swiftFolder: String? = {
    for folder in path where FileManager.default.isExecutableFile(atPath: folder + "/swiftc") {
      return URL(fileURLWithPath: folder + "/swiftc").resolvingSymlinksInPath().deletingLastPathComponent().path
    }
    return nil
  }()
}
