/// What the bench of one scenario comes to: strategies side by side, the same along an axis, or layouts of an inode.
public enum BenchOutcome: Sendable, Codable {
  case figures(BenchFigures)
  case sweep(BenchSweep)
  case layouts(LayoutFigures)

  /// What processes measured of the same scenario; nil where there is none.
  public init?(pooling parts: [BenchOutcome]) {
    switch parts.first {
    case .figures:
      self = .figures(
        BenchFigures(pooling: parts.compactMap { if case .figures(let figures) = $0 { figures } else { nil } }))
    case .sweep:
      self = .sweep(BenchSweep(pooling: parts.compactMap { if case .sweep(let sweep) = $0 { sweep } else { nil } }))
    case .layouts:
      self = .layouts(
        LayoutFigures(pooling: parts.compactMap { if case .layouts(let figures) = $0 { figures } else { nil } }))
    case nil: return nil
    }
  }
}
