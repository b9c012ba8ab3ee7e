/// Every pair of site and strategy that makes sense, one a line.
///
/// A catalog is a function, not a list of types: each line is a static call, so that a visitor's code is specialised
/// for that site, that strategy and the visitor's memory. (Opening an `any Site.Type` would run unspecialised code: ten
/// times slower.)
public protocol CatalogVisitor {
  mutating func visit<S: Site>(_ site: S.Type)
}

public enum Catalog {
  @inlinable @inline(__always)
  public static func visitAll<V: CatalogVisitor>(_ visitor: inout V) {
    visitRight(&visitor)
    visitFaultyStrategies(&visitor)
    visitFaultySites(&visitor)
  }

  /// Linux's own strategy for each site first, then the others that are right there.
  @inlinable @inline(__always)
  public static func visitRight<V: CatalogVisitor>(_ visitor: inout V) {
    visitor.visit(FileOwner<FullCompareExchange>.self)
    visitor.visit(FileOwner<CompareExchange>.self)
    visitor.visit(FileOwner<CompareExchangeRecovering>.self)
    visitor.visit(InodeAddons<FullCompareExchange, AsProposed>.self)
    visitor.visit(InodeAddons<CompareExchange, AsProposed>.self)
    visitor.visit(LockContext<FullCompareExchangeRereading, LocksReleased>.self)
    visitor.visit(LockContext<CompareExchange, LocksReleased>.self)
    visitor.visit(LockContext<LockAndFlag, LocksReleased>.self)
    visitor.visit(LockContext<DoubleCheckedLock, LocksReleased>.self)
    visitor.visit(CryptInfo<ReleaseCompareExchange, WinnerLinks>.self)
    visitor.visit(VerityInfo<ReleaseCompareExchangeRereading>.self)
    visitor.visit(SuperblockInfo<FullCompareExchange, CountsFromAllocation>.self)
    visitor.visit(SuperblockInfo<CompareExchange, CountsFromAllocation>.self)
    visitor.visit(SecurityBlob<Eager>.self)
    visitor.visit(FileOwnerWithTable<CompareExchange>.self)
    visitor.visit(SpareReuse<SpareZeroed>.self)
  }

  @inlinable @inline(__always)
  public static func visitFaultyStrategies<V: CatalogVisitor>(_ visitor: inout V) {
    visitor.visit(FileOwner<StoreAfterCheck>.self)
    visitor.visit(FileOwner<LoserLeaks>.self)
    visitor.visit(FileOwner<LoserFreesTwice>.self)
    visitor.visit(FileOwner<WinnerFreed>.self)
    visitor.visit(FileOwner<LoserKeepsOwn>.self)
    visitor.visit(FileOwner<LoserImpossible>.self)
    visitor.visit(FileOwner<WeakWithoutLoop>.self)
    visitor.visit(FileOwner<SuccessMisdetected>.self)
    visitor.visit(FileOwner<PublishBeforeInitialise>.self)
    visitor.visit(FileOwner<RelaxedPublish>.self)
    visitor.visit(FileOwner<RelaxedRead>.self)
    visitor.visit(FileOwner<PlainRead>.self)
    visitor.visit(FileOwner<FailedExchangeUnordered>.self)
    visitor.visit(FileOwner<RelaxedFailure>.self)
    visitor.visit(FileOwner<FailureAsSuccess>.self)
    visitor.visit(FileOwner<FailureOverwrites>.self)
    visitor.visit(FileOwner<FailureIgnoresWinner>.self)
    visitor.visit(LockContext<FlagBeforePointer, LocksReleased>.self)
    visitor.visit(LockContext<FlagNotReleased, LocksReleased>.self)
    visitor.visit(LockContext<LockWithoutRecheck, LocksReleased>.self)
    visitor.visit(LockContext<SleepsUnderLock, LocksReleased>.self)
  }

  @inlinable @inline(__always)
  public static func visitFaultySites<V: CatalogVisitor>(_ visitor: inout V) {
    visitor.visit(FileOwnerWithTable<FullCompareExchange>.self)
    visitor.visit(LockContext<FullCompareExchangeRereading, LocksLeaked>.self)
    visitor.visit(CryptInfo<ReleaseCompareExchange, LoserLinks>.self)
    visitor.visit(CryptInfo<ReleaseCompareExchange, NobodyLinks>.self)
    visitor.visit(SuperblockInfo<CompareExchange, CountsFromPublication>.self)
    visitor.visit(InodeAddons<CompareExchange, NeverUncharges>.self)
    visitor.visit(InodeAddons<CompareExchange, StorageForgotten>.self)
    visitor.visit(InodeAddons<CompareExchange, ContainerFreedFirst>.self)
    visitor.visit(SpareReuse<SpareDirty>.self)
  }
}
