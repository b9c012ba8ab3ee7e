/// An event of an execution, by the kernel's model.
struct KernelEvent: Hashable {
  enum Kind { case read, write, fence }

  /// What the model calls it.
  struct Tags: OptionSet, Hashable {
    let rawValue: UInt32
    static let initial = Tags(rawValue: 1 << 0)
    static let once = Tags(rawValue: 1 << 1)
    static let acquire = Tags(rawValue: 1 << 2)
    static let release = Tags(rawValue: 1 << 3)
    static let noReturn = Tags(rawValue: 1 << 4)
    static let fullBarrier = Tags(rawValue: 1 << 5)
    static let readBarrier = Tags(rawValue: 1 << 6)
    static let writeBarrier = Tags(rawValue: 1 << 7)
    static let beforeAtomic = Tags(rawValue: 1 << 8)
    static let afterAtomic = Tags(rawValue: 1 << 9)
    static let afterSpinlock = Tags(rawValue: 1 << 10)
    static let afterUnlockLock = Tags(rawValue: 1 << 11)
    static let afterSleepableUnlock = Tags(rawValue: 1 << 12)
    static let compilerBarrier = Tags(rawValue: 1 << 13)
    static let rcuLock = Tags(rawValue: 1 << 14)
    static let rcuUnlock = Tags(rawValue: 1 << 15)
    static let rcuGracePeriod = Tags(rawValue: 1 << 16)
    static let srcuLock = Tags(rawValue: 1 << 17)
    static let srcuUnlock = Tags(rawValue: 1 << 18)
    static let srcuGracePeriod = Tags(rawValue: 1 << 19)
    static let lockRead = Tags(rawValue: 1 << 20)
    static let lockWrite = Tags(rawValue: 1 << 21)
    static let unlock = Tags(rawValue: 1 << 22)
    /// C11's, in code that is not the kernel's: reads before everything after, and everything before writes after.
    static let acquireFence = Tags(rawValue: 1 << 24)
    static let releaseFence = Tags(rawValue: 1 << 25)
    /// The read or the write of an update.
    static let update = Tags(rawValue: 1 << 23)
  }

  var kind: Kind
  var tags: Tags
  /// -1 of the initial state.
  var thread: Int
  /// The place, or of sleepable sections the domain; -1 where there is none.
  var location = -1
  var value: UInt64 = 0
  /// Of the same thread, by their places in it: reads that its address, its value and whether it happens depend on.
  var address: EventSet = 0
  var data: EventSet = 0
  var control: EventSet = 0
  /// Of an update's write: its read, by its place in the thread.
  var partner: Int?
  /// The beginning of a section, by its place in the thread: of the section's end, where its cookie says so, and of a write,
  /// which takes a cookie to a place. An end whose cookie was read depends on that read by `data`.
  var section: Int?
}

/// Events of one thread, by their places in it.
typealias EventSet = UInt64
