import Foundation

/// The `addonrace` that was built along with the tests, run as a person would.
public struct Command {
  public let status: Int32
  public let output: String
  public let errors: String

  /// The folder of build products, where the test runner lies too.
  public static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent()
  /// The root of the package.
  public static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The release build, where `ADDONRACE_RELEASE` names one; else the one that was built along with the tests.
  public static let released =
    ProcessInfo.processInfo.environment["ADDONRACE_RELEASE"].map(URL.init(fileURLWithPath:)) ?? built
  public static let built = products.appendingPathComponent("addonrace")

  /// Runs `addonrace` with these arguments in the package's folder, in the build that `executable` names, or else in the one
  /// that was built along with the tests. `interruptedAfter` sends SIGINT then; `meanwhile` is called
  /// with its process number, once it runs.
  public init(_ arguments: String..., executable: URL? = nil, interruptedAfter seconds: Double? = nil) throws {
    try self.init(arguments: arguments, executable: executable, interruptedAfter: seconds)
  }

  public init(
    arguments: [String], environment: [String: String] = [:], executable: URL? = nil, folder: URL? = nil,
    interruptedAfter seconds: Double? = nil, meanwhile: (Int32) throws -> Void = { _ in }
  ) throws {
    let process = Process()
    let scratch = try TemporaryFolder()
    let output = scratch.url.appendingPathComponent("output")
    let errors = scratch.url.appendingPathComponent("errors")
    for file in [output, errors] { try Data().write(to: file) }
    process.executableURL = executable ?? Self.built
    process.arguments = arguments
    process.currentDirectoryURL = folder ?? Self.package
    process.environment = ProcessInfo.processInfo.environment.merging(["XDG_STATE_HOME": scratch.url.path]) { $1 }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      process.interrupt()
    }
    try meanwhile(process.processIdentifier)
    process.waitUntilExit()
    status = process.terminationStatus
    self.output = try String(contentsOf: output, encoding: .utf8)
    self.errors = try String(contentsOf: errors, encoding: .utf8)
  }
}

/// A folder that goes with its last user.
public final class TemporaryFolder {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("addonrace-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and answers its path.
  public func write(_ text: String, to name: String) throws -> String {
    let file = url.appendingPathComponent(name)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }
}
