import CCandidate
import ExploreCore
import RaceModel

/// What the hooks of a loaded program know that tells its dependencies: where its ways join, and where each of its threads
/// is.
///
/// Kept for as long as the process: the program is never unloaded.
final class TrackedDependencies {
  private let clear: UnsafeMutableRawPointer
  private let blocks: UnsafeMutablePointer<addonrace_block>
  private let controls: UnsafeMutablePointer<addonrace_control>
  /// Points to the number of the thread that runs.
  private let thread: UnsafeMutablePointer<UnsafePointer<Int>?>
  private static let mostThreads = ExploreLimits.racers.upperBound + 1

  /// Nil of a program that does not tell them.
  init?(_ object: LoadedObject) {
    guard let graph = object.function("addonrace_control_flow"), let track = object.function("addonrace_track"),
      let clear = object.function("addonrace_clear_labels")
    else { return nil }
    self.clear = clear
    let flow = ccandidate_control_flow(graph).pointee
    let table = ControlFlow(flow).table
    blocks = .allocate(capacity: max(1, table.count))
    blocks.initialize(from: table, count: table.count)
    controls = .allocate(capacity: Self.mostThreads)
    controls.initialize(repeating: addonrace_control(), count: Self.mostThreads)
    // Blocks by their numbers, from 1: 0 is that of a program that nobody has asked.
    if let guards = flow.guards {
      for block in 0..<table.count { guards[block] = UInt32(block + 1) }
    }
    thread = .allocate(capacity: 1)
    thread.initialize(to: nil)
    ccandidate_track(track, blocks, controls, thread)
  }

  /// - Parameter current: the number of the thread that runs.
  func bind(_ current: UnsafePointer<Int>) { thread.pointee = current }

  /// Before each execution.
  func begin(threads: Int) {
    for thread in 0..<min(threads, Self.mostThreads) {
      controls[thread].frames = 0
      controls[thread].branches = 0
    }
    clearArguments()
  }

  /// What is called from outside has arguments that depend on nothing.
  func clearArguments() { ccandidate_call(clear) }
}
