import Foundation

/// The `addonrace` that was built along with the tests, on a terminal of so many columns.
public struct TerminalCommand {
  public let status: Int32
  /// All that it wrote, with the terminal's line ends taken away.
  public let screen: String
  /// What stays on the screen: what progress lines showed is gone.
  public var lines: [String] {
    screen.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.split(separator: "\r\u{1b}[2K", omittingEmptySubsequences: false).last ?? "")
    }
  }

  // Linux's TIOCSPTLCK and TIOCGPTPEER, which Glibc's module leaves out.
  private static let lock: UInt = 0x4004_5431
  private static let openOtherSide: UInt = 0x5441

  public init(arguments: [String], columns: Int, environment: [String: String] = [:]) throws {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var isLocked: Int32 = 0
    guard master >= 0, ioctl(master, Self.lock, &isLocked) == 0 else { throw CocoaError(.fileNoSuchFile) }
    let terminal = ioctl(master, Self.openOtherSide, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard terminal >= 0 else { throw CocoaError(.fileNoSuchFile) }
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    let scratch = try TemporaryFolder()
    let process = Process()
    process.executableURL = Command.built
    process.arguments = arguments
    process.currentDirectoryURL = Command.package
    process.environment = ProcessInfo.processInfo.environment
      .merging(["XDG_STATE_HOME": scratch.url.path, "TERM": "xterm", "NO_COLOR": ""]) { $1 }.merging(environment) { $1 }
    let handle = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    close(terminal)
    // Reading ends with an error once nobody has the other side open.
    var written = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(master, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      written.append(contentsOf: buffer[..<count])
    }
    close(master)
    process.waitUntilExit()
    status = process.terminationStatus
    screen = String(decoding: written, as: UTF8.self).replacing("\r\n", with: "\n")
  }
}
