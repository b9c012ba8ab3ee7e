import CThreads
import Foundation

/// The machine and the build that figures were measured with. Figures of different ones are not compared.
public struct BenchMachine: Codable, Sendable, Equatable {
  public var processor: String
  public var processors: Int
  /// release or debug, and the sanitizer if there is one.
  public var build: String
  public init(processor: String, processors: Int, build: String) {
    self.processor = processor
    self.processors = processors
    self.build = build
  }

  /// This one.
  public static let here: BenchMachine = {
    let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(separator: "\n")
    let model = lines.first { $0.hasPrefix("model name") || $0.hasPrefix("CPU part") }
    let processor = model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    var isDebug = false
    assert(
      {
        isDebug = true
        return true
      }())
    let sanitizer = ["", ", ThreadSanitizer", ", AddressSanitizer"][Int(cthreads_sanitizer())]
    return BenchMachine(
      processor: processor, processors: Int(cthreads_processor_count()),
      build: (isDebug ? "debug" : "release") + sanitizer)
  }()

  /// Why figures of this build, or of this machine, are worth little.
  public var warnings: [String] {
    (build == "release" ? [] : ["this is a \(build) build: its figures mean nothing. Build with -c release."])
      + (processors == 1 ? ["one processor: racers take turns, and do not contend."] : [])
  }
}
