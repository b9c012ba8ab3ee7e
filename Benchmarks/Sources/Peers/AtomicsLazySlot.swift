import Atomics

/// swift-atomics' lazy reference.
struct AtomicsLazySlot: LazySlot, ~Copyable {
  private let reference = ManagedAtomicLazyReference<Owner>()

  @inline(__always) borrowing func visit(_ inode: UInt, _ tally: inout SlotTally) {
    if reference.load() != nil { return }
    let mine = Owner(of: inode)
    tally.allocations += 1
    if reference.storeIfNilThenLoad(mine) !== mine { tally.losses += 1 }
  }
}
