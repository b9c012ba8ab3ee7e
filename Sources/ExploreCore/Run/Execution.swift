import CFibers
import RaceModel

/// Runs a program on a branch's graph: first what the graph holds already, then on to the end.
///
/// Each racer is a fiber. It is told the values of its reads by the graph; a read waits until the write that it reads
/// from has been run again. Once the whole graph has been run, racers add events, the lowest-numbered one that can go on
/// first, so that the order in which events are added is a function of the graph.
///
/// This is the core's face to its clients: it takes accesses by address, and knows neither sites nor `Memory`. Clients are
/// *told* values (`load` answers) or *watched* (native code accesses memory itself, and a hook comes before:
/// `WatchedAccesses`). A trivial value, because fibers that hold it are dropped in the middle.
public struct Execution {
  package let state: UnsafeMutablePointer<ExecutionState>

  /// The branch's graph, which is its first field.
  @inline(__always) package var graph: UnsafeMutablePointer<ExecutionGraph> {
    UnsafeMutableRawPointer(state.pointee.branch).assumingMemoryBound(to: ExecutionGraph.self)
  }
  @inline(__always) var racers: UnsafeMutablePointer<RacerProgress> { state.pointee.racers }
  package var space: AddressSpace { @inline(__always) get { state.pointee.space } }
}

/// What clients ask of the space at each access: a copy of the whole for each question would cost more than the answer.
extension Execution {
  package var blocks: UnsafeMutablePointer<Block> { state.pointee.space.blocks }
  /// See ``AddressSpace/block(of:)``.
  package func block(of address: UInt) -> Int { state.pointee.space.block(of: address) }
  /// See ``AddressSpace/block(at:)``.
  package func block(at address: UInt) -> Int? { state.pointee.space.block(at: address) }
  package func contains(_ address: UInt, _ bytes: Int) -> Bool { state.pointee.space.contains(address, bytes) }
}

/// A racer does something else than it did in another execution in which all that it had read was the same.
public struct Divergence {
  public enum Step { case read, write, fence, choice, nothing }
  public let racer: Int
  /// Its number among the racer's events.
  public let number: Int
  /// What it did, and does.
  public let before: Step
  public let now: Step
  /// Addresses of what the two access, or 0.
  public let addressBefore: UInt
  public let address: UInt
  /// Of native code: where it is now.
  public let pc: UInt
}

/// Unsafe: everything here belongs to the `Exploration`.
package struct ExecutionState {
  package let racerCount: Int
  package let rules: UnsafeMutablePointer<Rules>
  package let space: AddressSpace
  let shadow: Shadow
  package let racers: UnsafeMutablePointer<RacerProgress>
  /// One a racer, and the thread that explores.
  let fibers: UnsafeMutablePointer<cfiber>
  var branch: UnsafeMutablePointer<Branch>

  /// Events of the graph that have not been run again.
  var unreplayed: Int32 = 0
  /// Nobody races: before, and after all have finished.
  package var isQuiescent = true
  /// A racer's code runs: at quiescence too, where a program has only one racer.
  package var isRunning = false
  /// The racer whose code runs.
  package var current = 0
  /// Racer 0 runs alone until it creates the others, and again once it has joined them.
  package var startsAlone = false
  var endsAlone = true
  /// Memory holds what the graph says: the last values.
  var holdsFinalValues = false
  /// Reads of what nobody wrote are findings.
  package var watchesInitialisation = false
  package var end = End.complete
  /// The first place where the program was not the same as in another execution, where nobody guides it.
  package var divergence: Divergence?
  package var mishaps: [Mishap] = []
  package var trace: TraceRecorder?
  /// Of native code: where it is.
  package var pc: UInt = 0
  /// Where native code passes labels of values on.
  package var labels: Labels?
  /// The execution is run again for its dependencies alone: races would have been seen.
  var onlyLearns = false
  /// Decides instead of the search.
  package var guide: Guide?
  /// A location turned out to have plain and atomic accesses: its plain ones must go on the graph, so the search restarts.
  package var needsRestart = false
  /// Allocations that may fail, and weak updates that may fail for no reason, of one execution.
  package var mostFailures = 0
  package var mostSpuriousFailures = 0
  /// Only this racer's allocations fail, or anyone's.
  package var failingRacer: Int?
  package var mostSteps: Int32 = 20_000

  package enum End {
    case complete
    /// Some racers wait.
    case blocked
    /// It cannot go on: a crash, a racer without an end, or a word that has to be looked at in another way.
    case stopped
    /// Not the same program as before.
    case diverged
    /// The program says that there is no such execution.
    case abandoned
  }
}

package struct RacerProgress {
  package enum Phase {
    /// Nobody has created it yet.
    case unborn
    case unstarted, ready
    /// It waits for the end of `joinTarget`.
    case joining
    case waiting, finished
  }
  package var phase = Phase.unstarted
  var joinTarget = 0
  /// Racers whose ends it has waited for since its last event, one bit each.
  var pendingJoins: UInt64 = 0
  /// All whose ends it has waited for.
  var joined: UInt64 = 0
  /// The next event of the graph to run again, or -1.
  var cursor: Int32 = -1
  /// Events run so far.
  package var done: Int32 = 0
  /// The last event run, or -1.
  package var last: Int32 = -1
  /// The number of its last read among its events.
  package var lastRead: Int32 = -1
  /// Of the access that it is about to make: whoever knows them sets them before.
  package var dependencies = Dependencies()
  package var nextBlock = 0
  var heapBytes = 0
  /// The lock that it is about to take, or -1.
  var wantedLock: Int32 = -1
  /// How it is to be taken.
  var attempt = Event(.read, racer: 0, ordering: .acquires)
  var initialLockValue: UInt64 = 0
  /// Events run when it last paused, and whether it has written since.
  var doneAtPause: Int32 = 0
  var changesAtPause: Int32 = 0
  /// What it has done so far that others, or it itself, may see: writes of another value, allocations, racers it started.
  package var changes: Int32 = 0
  /// Where it waits: the first event of the turn of its loop that changed nothing.
  var idleSince: Int32 = 0
  var hasGivenUp = false
  /// Of watched code: what it is about to do to a location.
  var pendingAccess: PendingAccess?
  /// Of watched code, where a trace is recorded: the plain write whose value is there once it goes on.
  var writeToShow: PendingAccess?
  var steps: Int32 = 0
}
