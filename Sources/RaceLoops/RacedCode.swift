import AddonMemory
import Addons
import CFibers
import RaceModel

/// A pair of site and strategy as the stress engine runs it: the loops that `init` specialises for the pair where it is
/// called, behind one closure each. All the rest of the engine is compiled once.
///
/// Safe to share, since the closures capture nothing but types.
@frozen public struct RacedCode: @unchecked Sendable {
  /// Writes the role of this raw value into a racer's setting.
  public let setRole: (UInt8, UnsafeMutablePointer<VisitSetting>) -> Void
  public let visitFreely: (UnsafePointer<VisitSetting>) -> Void
  public let visitTogether: (UnsafePointer<VisitSetting>, UInt64, UnsafeMutablePointer<AdaptiveStart>) -> Void
  public let visitForced: (UnsafePointer<VisitSetting>, UInt64) -> Void
  public let visitInTurns: (UnsafeMutablePointer<PipelineContext>, UnsafeMutablePointer<cfiber>) -> Void
  /// Nil where every round is judged in full.
  public let sweep: ((inout Sweep) -> Bool)?
  public let sweepUnchecked: ((inout Sweep) -> Void)?
  public let create: (Inode, RacedMemory) -> Void
  public let createShared: (UInt, RacedMemory) -> Void
  public let inspect: (Inode, RacedMemory) -> Void
  public let inspectShared: (UInt, RacedMemory) -> Void
  public let tearDown: (Inode, RacedMemory) -> Void
  /// Of each fiber of a pipeline.
  public var stackBytes = 64 << 10
  /// Runs what a thread does. Code that fails may leave it in the middle: then it answers false.
  public var protect: (@escaping () -> Void) -> Bool = { body in
    body()
    return true
  }

  @inlinable @inline(__always) public init<S: Site>(_ site: S.Type) {
    // Constants, so that no sweep is compiled for a site that has none.
    let isSwept = S.slotCount == 1 && !S.keepsHistory && S.sharedSize == 0 && S.allocationsPerCreation == 0
    setRole = { raw, setting in
      precondition(MemoryLayout<S.Role>.size <= 8, "a role has at most 8 bytes")
      guard let role = S.Role(rawValue: raw) else { return }
      UnsafeMutableRawPointer(setting).storeBytes(of: role, as: S.Role.self)
    }
    visitFreely = { VisitLoop<S>($0).visitFreely() }
    visitTogether = { VisitLoop<S>($0).visitTogether(epoch: $1, start: $2) }
    visitForced = { VisitLoop<S>($0).visitForced(epoch: $1) }
    visitInTurns = { VisitLoop<S>.visitInTurns($0, on: $1) }
    sweep = isSwept ? { $0.run(S.self) } : nil
    sweepUnchecked = isSwept ? { $0.runUnchecked(S.self) } : nil
    create = { S.create($0, in: $1) }
    createShared = { S.createShared(at: $0, in: $1) }
    inspect = { S.inspect($0, in: $1) }
    inspectShared = { S.inspectShared(at: $0, in: $1) }
    tearDown = { S.tearDown($0, in: $1) }
  }
}
