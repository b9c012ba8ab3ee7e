import Foundation
import Glibc

/// The toolchain's symbolizer, kept running: it reads the debug information of an object once.
///
/// Asked from fibers, too, so it is talked to through plain pipes.
public final class Symbolizer {
  private let process = Process()
  private let input: Int32
  private let output: Int32
  private var buffer: [UInt8] = []

  /// Nil where there is none. `object`: the one that questions are about, where they name none.
  public init?(_ object: String? = nil) {
    guard let tool = Tools.find("llvm-symbolizer") else { return nil }
    let (questions, answers) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = (object.map { ["--obj=" + $0] } ?? []) + ["--demangle"]
    process.standardInput = questions
    process.standardOutput = answers
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    input = dup(questions.fileHandleForWriting.fileDescriptor)
    output = dup(answers.fileHandleForReading.fileDescriptor)
    try? questions.fileHandleForWriting.close()
    try? answers.fileHandleForReading.close()
    _ = fcntl(input, F_SETFD, FD_CLOEXEC)
    _ = fcntl(output, F_SETFD, FD_CLOEXEC)
  }

  deinit {
    close(input)
    close(output)
  }

  /// The lines that it answers: a function and where it is, for each frame; or what it knows of data.
  public func answer(_ question: String) -> [String] {
    var text = Array((question + "\n").utf8)
    guard write(input, &text, text.count) == text.count else { return [] }
    var lines: [String] = []
    while let line = readLine() {
      if line.isEmpty { break }
      lines.append(line)
    }
    return lines
  }

  private func readLine() -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeSubrange(...end) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      var part = [UInt8](repeating: 0, count: 4096)
      let count = read(output, &part, part.count)
      guard count > 0 else { return nil }
      buffer += part[..<count]
    }
  }
}
