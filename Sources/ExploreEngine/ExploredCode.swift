import AddonMemory
import Addons

/// A pair of site and strategy as the explore engine runs it: each function is specialised for the pair and
/// `ExploredMemory` where `init` is called, behind one closure each. (A generic class would run unspecialised code.)
///
/// Kept for ever by a registry: a fiber that is dropped in the middle of a visit keeps its closure alive. Safe to share,
/// since the closures capture nothing but types.
@frozen public struct ExploredCode: @unchecked Sendable {
  @usableFromInline let createShared: (UInt, ExploredMemory) -> Void
  @usableFromInline let create: (Inode, ExploredMemory) -> Void
  /// The role by its number.
  @usableFromInline let visit: (Inode, UInt8, ExploredMemory) -> Void
  /// The same, slowly, where it has to be known which line is run.
  @usableFromInline let visitWithLines: (Inode, UInt8, ExploredMemory) -> Void
  @usableFromInline let inspect: (Inode, ExploredMemory) -> Void
  @usableFromInline let inspectShared: (UInt, ExploredMemory) -> Void
  @usableFromInline let tearDown: (Inode, ExploredMemory) -> Void

  @inlinable @inline(__always) public init<S: Site>(_ site: S.Type) {
    createShared = { S.createShared(at: $0, in: $1) }
    create = { S.create($0, in: $1) }
    visit = { inode, role, memory in
      if let role = S.Role(rawValue: role) { S.visit(inode, as: role, in: memory) }
    }
    visitWithLines = { inode, role, memory in
      if let role = S.Role(rawValue: role) { UnspecialisedVisit.visit(site, inode, as: role, in: memory) }
    }
    inspect = { S.inspect($0, in: $1) }
    inspectShared = { S.inspectShared(at: $0, in: $1) }
    tearDown = { S.tearDown($0, in: $1) }
  }
}
