import AddonMemory

/// An ordering as the memory models see it.
package struct EventOrdering: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package static let relaxed: EventOrdering = []
  package static let acquires = EventOrdering(rawValue: 1)
  package static let releases = EventOrdering(rawValue: 2)
  package static let isSequentiallyConsistent = EventOrdering(rawValue: 4)
  /// A relaxed RMW with a sequentially consistent fence on either side when it writes, and with none when it does not: the
  /// kernel's cmpxchg and xchg.
  package static let isFull = EventOrdering(rawValue: 8)
  /// Not atomic.
  package static let isPlain = EventOrdering(rawValue: 16)
  /// Of fences: the kernel's smp_rmb and smp_wmb, which in its model order nothing but reads, or writes.
  package static let isReadBarrier = EventOrdering(rawValue: 64)
  package static let isWriteBarrier = EventOrdering(rawValue: 128)
  /// The kernel's READ_ONCE of a pointer.
  package static let isDependent = EventOrdering(rawValue: 32)
}

extension EventOrdering {
  package init(_ ordering: LoadOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .dependent: .isDependent
      case .acquiring: .acquires
      case .sequentiallyConsistent: [.acquires, .isSequentiallyConsistent]
      }
  }

  package init(_ ordering: StoreOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .releasing: .releases
      case .sequentiallyConsistent: [.releases, .isSequentiallyConsistent]
      }
  }

  package init(_ ordering: UpdateOrdering) {
    self =
      switch ordering {
      case .relaxed: .relaxed
      case .acquiring: .acquires
      case .releasing: .releases
      case .acquiringAndReleasing: [.acquires, .releases]
      case .sequentiallyConsistent: [.acquires, .releases, .isSequentiallyConsistent]
      case .full: .isFull
      }
  }

  package init(_ ordering: FenceOrdering) {
    self =
      switch ordering {
      case .acquiring: .acquires
      case .releasing: .releases
      case .acquiringAndReleasing: [.acquires, .releases]
      case .sequentiallyConsistent: [.acquires, .releases, .isSequentiallyConsistent]
      }
  }
}
