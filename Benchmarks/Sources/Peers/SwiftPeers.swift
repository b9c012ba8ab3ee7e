import BenchEngine
import CPeers
import Foundation
import NIOConcurrencyHelpers
import Synchronization

/// What classes have for an owner: 40 bytes with the object's header.
final class Owner: Sendable {
  let lock: UInt32 = 0x10c0
  let process: UInt64 = 0
  let inode: UInt
  init(of inode: UInt) { self.inode = inode }
}

/// A slot of some kind, in an inode's own memory.
protocol LazySlot: ~Copyable {
  init()
  /// Makes sure that there is an owner, and counts.
  borrowing func visit(_ inode: UInt, _ tally: inout SlotTally)
}

struct SlotTally {
  var allocations = 0
  var losses = 0
}

/// The standard library's lazy reference.
struct StandardLazySlot: LazySlot, ~Copyable {
  private let reference = AtomicLazyReference<Owner>()

  @inline(__always) borrowing func visit(_ inode: UInt, _ tally: inout SlotTally) {
    if reference.load() != nil { return }
    let mine = Owner(of: inode)
    tally.allocations += 1
    if reference.storeIfNil(mine) !== mine { tally.losses += 1 }
  }
}

/// The standard library's mutex, taken by every visit.
struct StandardMutexSlot: LazySlot, ~Copyable {
  private let owner = Mutex<Owner?>(nil)

  @inline(__always) borrowing func visit(_ inode: UInt, _ tally: inout SlotTally) {
    let isMine = owner.withLock { owner in
      if owner != nil { return false }
      owner = Owner(of: inode)
      return true
    }
    if isMine { tally.allocations += 1 }
  }
}

/// SwiftNIO's lock, taken by every visit.
struct NIOLockedSlot: LazySlot, ~Copyable {
  private let owner = NIOLockedValueBox<Owner?>(nil)

  @inline(__always) borrowing func visit(_ inode: UInt, _ tally: inout SlotTally) {
    let isMine = owner.withLockedValue { owner in
      if owner != nil { return false }
      owner = Owner(of: inode)
      return true
    }
    if isMine { tally.allocations += 1 }
  }
}

enum StaticSlot {
  /// Not a constant: it has to be made on first use.
  static let owner = Owner(of: UInt(getpid()))

  @inline(never) static func visit(_ count: Int) {
    fourByFour(count) { _ in cpeers_look(Unmanaged.passUnretained(owner).toOpaque()) }
  }
}

enum SwiftPeers {
  static func all(on field: BenchField) -> [Contestant] {
    [
      contestant("Swift AtomicLazyReference", StandardLazySlot.self, on: field),
      contestant("swift-atomics lazy reference", AtomicsLazySlot.self, on: field),
      contestant("Swift Mutex always", StandardMutexSlot.self, on: field),
      contestant("SwiftNIO lock always", NIOLockedSlot.self, on: field),
      Contestant(
        "Swift static let", measures: [.fastPath], create: {},
        visit: { _, passes in for _ in 0..<passes { StaticSlot.visit(field.area.count) } }, empty: {}),
    ]
  }

  /// Specialised where it is called.
  @inline(__always)
  private static func contestant<S: LazySlot & ~Copyable>(
    _ name: String, _ type: S.Type, on field: BenchField
  ) -> Contestant {
    let counts = field.counts
    precondition(MemoryLayout<S>.stride <= Int(field.area.spacing))
    return Contestant(
      name,
      create: {
        field.clear()
        for number in 0..<field.area.count { slot(field.area, number, S.self).initialize(to: S()) }
      },
      visit: { racer, passes in
        let area = field.area
        for _ in 0..<passes {
          let tally = visit(area, area.count, S.self)
          counts.add(allocations: tally.allocations, losses: tally.losses, by: racer)
        }
      },
      visitFirst: { count in _ = visit(field.area, count, S.self) },
      empty: {
        for number in 0..<field.area.count {
          let slot = slot(field.area, number, S.self)
          slot.deinitialize(count: 1)
          slot.initialize(to: S())
        }
      },
      destroy: { for number in 0..<field.area.count { slot(field.area, number, S.self).deinitialize(count: 1) } })
  }

  @inline(__always)
  private static func slot<S: LazySlot & ~Copyable>(
    _ area: BenchArea, _ number: Int, _ type: S.Type
  ) -> UnsafeMutablePointer<S> {
    UnsafeMutablePointer(bitPattern: area.base &+ UInt(number) &* area.spacing).unsafelyUnwrapped
  }

  @inline(__always)
  private static func visit<S: LazySlot & ~Copyable>(_ area: BenchArea, _ count: Int, _ type: S.Type) -> SlotTally {
    var tally = SlotTally()
    fourByFour(count) { number in
      let slot = slot(area, number, S.self)
      slot.pointee.visit(UInt(bitPattern: slot), &tally)
    }
    return tally
  }
}

/// A loop of four visits in a row, as those that these are compared with.
@inline(__always) private func fourByFour(_ count: Int, _ visit: (Int) -> Void) {
  var number = 0
  while number &+ 4 <= count {
    visit(number)
    visit(number &+ 1)
    visit(number &+ 2)
    visit(number &+ 3)
    number &+= 4
  }
  while number < count {
    visit(number)
    number &+= 1
  }
}
