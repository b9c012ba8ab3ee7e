import AddonMemory

/// Faulty: success is told by comparing the returned value with `expected`, which the exchange has updated: always equal.
@frozen public enum SuccessMisdetected: Strategy {
  public static var about: StrategyDescription {
    StrategyDescription(
      "success-misdetected", "Compares what the exchange returned with a variable that it updated.", rightIn: [],
      fault: Fault(
        "success misdetected", happenedAs: "haskell-lockfree 15, haphazard 38",
        caught: .by(["agreement", "losers-freed", "no-leak"])))
  }

  @inlinable @inline(__always)
  public static func populate<M: Memory, T: Maker>(
    _ slot: Slot, of inode: Inode, in memory: M, _ maker: T
  ) throws(OutOfMemory) -> Populated {
    if let addon = look(at: slot, of: inode, in: memory) { return .found(addon) }
    let mine = try maker.make(in: memory)
    var expected: Addon?
    var returned = expected
    if case .lost(let found) = memory.compareExchange(slot, nil, mine, .acquiringAndReleasing, failure: .acquiring) {
      returned = found
      expected = found  // as C and C++ do
    }
    if returned == expected { return .won(mine) }  // the fault: always so
    memory.free(mine)
    return .lost(to: returned)
  }
}
