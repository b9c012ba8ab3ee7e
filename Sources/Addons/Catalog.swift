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
    visitInLife(&visitor)
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
    visitor.visit(FsnotifyMarks<FullCompareExchange, MarksAsInLinux>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, MarksAsInLinux>.self)
    visitor.visit(UniversalAddons<FullCompareExchange>.self)
    visitor.visit(UniversalAddons<CompareExchange>.self)
    visitor.visit(VerityTable<VerityTableAsInLinux>.self)
    visitor.visit(AttachingHook<FullCompareExchange, BlockingHook>.self)
    visitor.visit(AttachingHook<CompareExchange, BlockingHook>.self)
    visitor.visit(AttachingHook<CompareExchange, NonBlockingHook>.self)
    visitor.visit(BpfStorage<FullCompareExchange, BpfAsInLinux>.self)
    visitor.visit(BpfStorage<CompareExchange, BpfAsInLinux>.self)
    visitor.visit(InodeAddonsWhole<FullCompareExchange, AfterEveryGracePeriod>.self)
    visitor.visit(InodeAddonsWhole<CompareExchange, AfterEveryGracePeriod>.self)
  }

  /// The same sites, with strategies that are right in every model, in the life of their inodes.
  @inlinable @inline(__always)
  public static func visitInLife<V: CatalogVisitor>(_ visitor: inout V) {
    visitor.visit(InLife<FileOwner<Told<CompareExchange>>>.self)
    visitor.visit(InLife<InodeAddons<Told<CompareExchange>, AsProposed>>.self)
    visitor.visit(InLife<LockContext<Told<CompareExchange>, LocksReleased>>.self)
    visitor.visit(InLife<LockContext<Told<LockAndFlag>, LocksReleased>>.self)
    visitor.visit(InLife<CryptInfo<Told<ReleaseCompareExchange>, WinnerLinks>>.self)
    visitor.visit(InLife<VerityInfo<Told<ReleaseCompareExchangeRereading>>>.self)
    visitor.visit(InLife<SuperblockInfo<Told<CompareExchange>, CountsFromAllocation>>.self)
    visitor.visit(InLife<FileOwnerWithTable<Told<CompareExchange>>>.self)
    visitor.visit(InLife<FsnotifyMarks<CompareExchange, MarksAsInLinux>>.self)
    visitor.visit(InLife<BpfStorage<CompareExchange, BpfAsInLinux>>.self)
    visitor.visit(InLife<AttachingHook<Told<CompareExchange>, BlockingHook>>.self)
    visitor.visit(InLife<UniversalAddons<Told<CompareExchange>>>.self)
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
    visitor.visit(LockContext<CompareExchange, ContextLockKept>.self)
    visitor.visit(CryptInfo<ReleaseCompareExchange, LoserLinks>.self)
    visitor.visit(CryptInfo<ReleaseCompareExchange, NobodyLinks>.self)
    visitor.visit(SuperblockInfo<CompareExchange, CountsFromPublication>.self)
    visitor.visit(InodeAddons<CompareExchange, NeverUncharges>.self)
    visitor.visit(InodeAddons<CompareExchange, StorageForgotten>.self)
    visitor.visit(InodeAddons<CompareExchange, ContainerFreedFirst>.self)
    visitor.visit(SpareReuse<SpareDirty>.self)
    visitor.visit(VerityTable<RemovedAndFreed>.self)
    visitor.visit(VerityTable<LeftForNextInode>.self)
    visitor.visit(VerityTable<FlaggedBeforeInsertion>.self)
    visitor.visit(AttachingHook<CompareExchange, SleepingHook>.self)
    visitor.visit(BpfStorage<CompareExchange, LosersElementLeft>.self)
    visitor.visit(BpfStorage<CompareExchange, UnchargedOnce>.self)
    visitor.visit(BpfStorage<CompareExchange, DeletedTwice>.self)
    visitor.visit(BpfStorage<CompareExchange, FreedUnderReaders>.self)
    visitor.visit(InodeAddonsWhole<CompareExchange, AtOnce>.self)
    visitor.visit(InodeAddonsWhole<CompareExchange, AfterRCUAlone>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, UseAfterSection>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, NoGracePeriod>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, DetachedUnchecked>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, FollowsBackPointer>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, RecalculationSkipped>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, MaskWithoutLock>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, MaskClearedLate>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, DetachUnlocked>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, SectionKept>.self)
    visitor.visit(FsnotifyMarks<CompareExchange, WaitsForItself>.self)
  }
}
