// A lazy slot of a class, filled by whoever comes first.
//
// swiftc -parse-as-library slot.swift [-D KEEPS]

import Glibc
import Synchronization

final class Owner: Sendable {
  private let slot = Atomic<UnsafeMutablePointer<Int>?>(nil)

  func value() -> Int {
    if let found = slot.load(ordering: .acquiring) { return found.pointee }
    let mine = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    mine.initialize(to: 42)
    let (won, before) = slot.compareExchange(
      expected: nil, desired: mine, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
    if won { return mine.pointee }
    #if !KEEPS
      mine.deallocate()
    #endif
    return before!.pointee
  }

  func clear() { slot.exchange(nil, ordering: .acquiringAndReleasing)?.deallocate() }
}

@main enum Slot {
  static let owner = Owner()

  static func main() {
    _ = owner  // made before there is a second thread
    var threads = [pthread_t](repeating: pthread_t(), count: 2)
    for index in threads.indices {
      pthread_create(&threads[index], nil, { _ in precondition(Slot.owner.value() == 42); return nil }, nil)
    }
    for thread in threads { pthread_join(thread, nil) }
    owner.clear()
  }
}
