import Foundation
import Machine

#if canImport(Runtime)
  import Runtime
#endif

/// Where an operation of a site stands: the addresses of the innermost frames, known only to toolchains that can say them.
struct CallSite {
  #if canImport(Runtime)
    fileprivate let backtrace: Backtrace?
    /// The explorer's own frames come first, then the site's and its strategy's, which are one where they are inlined.
    init() { backtrace = try? Backtrace.capture(algorithm: .fast, limit: 12, top: 0) }
  #endif
}

/// Finds the lines of call sites, for traces that somebody reads: by the toolchain's symbolizer, which is asked once for
/// each address; where there is none by Swift's runtime, which takes hundreds of milliseconds for each.
final class CallSiteLines {
  private lazy var symbolizer = Symbolizer()
  private var known: [UInt: String?] = [:]

  /// Whose lines say nothing: the explorer's, and what sites and strategies have in common.
  private static let passedOver = [
    "/ExploreEngine/", "/ExploreCore/", "/AddonMemory/", "/Addons/Strategy.swift", "/Addons/Site.swift",
  ]

  /// "FileOwner.swift:44": the innermost line of a site or a strategy.
  func line(of site: CallSite) -> String? {
    #if canImport(Runtime)
      guard let backtrace = site.backtrace else { return nil }
      guard let symbolizer else { return lineByRuntime(backtrace) }
      for frame in backtrace.frames {
        guard let address = UInt(frame.adjustedProgramCounter) else { continue }
        if let known = known[address] {
          if let known { return known }
          continue
        }
        let line = line(at: address, symbolizer)
        known[address] = .some(line)
        if let line { return line }
      }
    #endif
    return nil
  }

  private func line(at address: UInt, _ symbolizer: Symbolizer) -> String? {
    guard let image = images.last(where: { $0.start <= address }) else { return nil }
    // Each frame that is inlined there is a function, and then where it is: file, line and column.
    let answer = symbolizer.answer("CODE \"\(image.path)\" 0x\(String(address - image.start, radix: 16))")
    for number in stride(from: 1, to: answer.count, by: 2) {
      let parts = answer[number].split(separator: ":")
      if parts.count >= 3, let line = Self.shown(path: String(parts[0]), Int(parts[1]) ?? 0) { return line }
    }
    return nil
  }

  /// The program and its libraries by where they begin, in order.
  private lazy var images: [(start: UInt, path: String)] = {
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    return maps.split(separator: "\n").compactMap { line in
      // From and to, rights, offset, device, inode, path.
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6, UInt(fields[2], radix: 16) == 0, let path = fields.last?.drop(while: { $0 == " " }),
        path.hasPrefix("/"), let start = fields[0].split(separator: "-").first.flatMap({ UInt($0, radix: 16) })
      else { return nil }
      return (start, String(path))
    }
  }()

  #if canImport(Runtime)
    private func lineByRuntime(_ backtrace: Backtrace) -> String? {
      guard let frames = backtrace.symbolicated(options: .default)?.frames else { return nil }
      return frames.lazy.compactMap { $0.symbol?.sourceLocation }
        .compactMap { Self.shown(path: $0.path, $0.line) }.first
    }
  #endif

  private static func shown(path: String, _ line: Int) -> String? {
    guard line > 0, path.hasSuffix(".swift"), !passedOver.contains(where: { path.contains($0) }) else { return nil }
    return "\(path.split(separator: "/").last ?? ""):\(line)"
  }
}
