import CFibers
import RaceModel

// MARK: What goes wrong

extension Execution {
  /// `block`: the block that it is about, where the address alone does not say it.
  package func note(
    _ kind: Mishap.Kind, _ racers: [Int], _ message: String, _ address: UInt? = nil, block: Int? = nil
  ) {
    let number = block ?? address.map { space.block(of: $0) } ?? -1
    if number >= 0, space.blocks[number].isUnjudged { return }
    if let racer = racers.last, !state.pointee.isQuiescent { state.pointee.trace?.markNext(racer) }
    guard state.pointee.mishaps.count < Self.mostMishaps else { return }
    var mishap = Mishap(
      kind, racers: racers, message: message, address: address.map(UInt64.init), block: number < 0 ? nil : number)
    mishap.pc = state.pointee.pc
    state.pointee.mishaps.append(mishap)
  }

  /// Something about a block that shows only at the end, and the place in native code that it comes from.
  package func noteAtEnd(_ kind: Mishap.Kind, _ message: String, block: Int?, pc: UInt = 0, racers: [Int] = []) {
    state.pointee.pc = pc
    note(kind, racers, message, block: block)
    state.pointee.pc = 0
  }

  /// Kept of one execution.
  private static var mostMishaps: Int { 16 }

  @inline(never)
  func race(
    _ racer: Int, _ what: String, _ other: Int, _ otherWhat: String, _ address: UInt, _ size: Int
  ) {
    note(
      .dataRace, [other, racer],
      "racer \(racer) \(what) \(size) bytes that racer \(other) \(otherWhat): nothing orders the two", address)
  }

  /// What would end the process. Does not return to the racer, whose stack is dropped: so sentences are made, and let
  /// go of, by functions that do return.
  @inline(never) func crash(_ racer: Int, _ address: UInt, _ isWrite: Bool) {
    noteCrash(racer, address, isWrite)
    record(racer, isWrite ? .store(.ordinary) : .load, address, 0, 0, .isPlain)
    if state.pointee.isRunning { stop(racer, .stopped) }
  }

  @inline(never) private func noteCrash(_ racer: Int, _ address: UInt, _ isWrite: Bool) {
    let pointer = address < 4096 ? "a NULL pointer" : "a stray pointer"
    note(.crash, [racer], "racer \(racer) \(isWrite ? "writes" : "reads") through \(pointer)")
  }

  /// What would end the process, on a racer's fiber: the racer stops there, and the execution is one that crashed.
  static let onFault: @convention(c) (Int32, Int, UnsafeMutableRawPointer?) -> Void = { signal, racer, state in
    guard let state = state?.assumingMemoryBound(to: ExecutionState.self) else { return }
    let execution = Execution(state: state)
    execution.noteFault(racer, signal)
    state.pointee.trace?.markLast(racer)
    execution.stop(racer, .stopped)
  }

  @inline(never) private func noteFault(_ racer: Int, _ signal: Int32) {
    note(
      .crash, [racer],
      signal == Int32(CFIBERS_OVERFLOW)
        ? "racer \(racer) overflows its stack" : "racer \(racer) died of signal \(signal)")
  }

  /// The code itself says that it cannot go on. Does not return to the racer.
  package func bug(_ racer: Int, _ why: StaticString) {
    noteBug(racer, why)
    state.pointee.trace?.markLast(racer)
    if state.pointee.isRunning { stop(racer, .stopped) }
  }

  @inline(never) private func noteBug(_ racer: Int, _ why: StaticString) {
    note(.crash, [racer], "racer \(racer) reached BUG(): \(why)")
  }
}
