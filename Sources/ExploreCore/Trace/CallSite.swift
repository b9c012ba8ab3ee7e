#if canImport(Runtime)
  import Runtime
#endif

/// Where an operation stands in the source, known only to toolchains that can say it.
///
/// Finding the line takes some ten milliseconds, so it is done for traces that somebody reads.
struct CallSite {
  #if canImport(Runtime)
    private let backtrace: Backtrace?
    /// The explorer's own frames come first, then the site's and its strategy's, which are one where they are inlined.
    init() { backtrace = try? Backtrace.capture(algorithm: .fast, limit: 12, top: 0) }
  #endif

  /// Whose lines say nothing: the explorer's, and what sites and strategies have in common.
  private static let passedOver = ["/ExploreEngine/", "/ExploreCore/", "/AddonMemory/", "/Addons/Strategy.swift"]

  /// "FileOwner.swift:44": the innermost line of a site or a strategy.
  var description: String? {
    #if canImport(Runtime)
      guard let frames = backtrace?.symbolicated(options: .default)?.frames else {
        return nil
      }
      for frame in frames {
        guard let location = frame.symbol?.sourceLocation, location.line > 0,
          location.path.hasSuffix(".swift"), !Self.passedOver.contains(where: { location.path.contains($0) })
        else { continue }
        return "\(location.path.split(separator: "/").last ?? ""):\(location.line)"
      }
    #endif
    return nil
  }
}
