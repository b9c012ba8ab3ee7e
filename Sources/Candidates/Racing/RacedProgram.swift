import CCandidate
import CThreads
import Foundation
import Machine
import RaceModel
import StressEngine

/// A program that is run again and again on real threads: a whole one, or racers without an object of their own.
///
/// The runner is compiled with the program. The calling thread only watches.
final class RacedProgram {
  private let object: LoadedObject
  private let scenario: Scenario
  private let names: SourceNames
  private let program = UnsafeMutablePointer<addonrace_program>.allocate(capacity: 1)
  private let bodies: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let racerCount: Int
  /// What threads of programs that failed may still use.
  nonisolated(unsafe) private static var kept: [UInt] = []
  /// No thread of the program is running, for all that is known.
  private var hasEnded = true

  init(_ object: LoadedObject, _ scenario: Scenario) throws(EngineError) {
    self.object = object
    self.scenario = scenario
    names = SourceNames(object)
    let roles = object.built.roles == nil ? [] : scenario.roles
    racerCount = roles.count
    guard roles.count < Self.mostThreads else {
      throw EngineError("\(roles.count) racers: at most \(Self.mostThreads - 1) can race")
    }
    bodies = .allocate(capacity: max(1, roles.count))
    for (racer, role) in roles.enumerated() {
      guard let number = object.number(ofRole: role) else { throw EngineError("there is no racer_\(role)") }
      bodies[racer] = object.racers[number]
    }
    program.initialize(to: settings())
  }

  deinit {
    // Threads that did not come to an end still use it.
    if !hasEnded || program.pointee.mishap_count > 0 {
      Self.kept += [UInt(bitPattern: program), UInt(bitPattern: bodies)]
      return
    }
    program.deallocate()
    bodies.deallocate()
  }

  static let mostThreads = 64

  private func settings() -> addonrace_program {
    let options = scenario.stress
    var settings = addonrace_program()
    if object.built.roles == nil {
      settings.main = object.main
    } else {
      settings.racers = bodies
      settings.racer_count = UInt32(racerCount)
      settings.setup = object.setUp
      settings.check = object.check
      settings.teardown = object.tearDown
    }
    settings.data = object.image.data
    settings.data_size = object.image.data_size
    settings.storage_image = object.image.tls
    settings.storage_file_size = object.image.tls_file_size
    settings.storage_size = object.image.tls_size
    settings.shape = options.shape == .natural ? 0 : options.shape == .widened ? 1 : 2
    settings.processors = UInt32(processors)
    settings.seed = options.seed
    settings.seconds = options.time
    settings.enough = UInt64(options.collisions)
    settings.checks = options.checking == .none ? 0 : 1
    settings.interrupted = { cthreads_interrupted() }
    settings.refused_racer = -1
    if let failure = scenario.faults.allocationFailure { refuse(failure, &settings) }
    return settings
  }

  private var processors: Int { min(scenario.stress.processors ?? .max, Int(cthreads_processor_count())) }

  private func refuse(_ failure: AllocationFailure, _ settings: inout addonrace_program) {
    let (mode, n): (addonrace_refusals, UInt64) =
      switch failure.which {
      case .nth(let n): (ADDONRACE_NTH, UInt64(n))
      case .every(let n): (ADDONRACE_EVERY, UInt64(n))
      case .eachInTurn: (ADDONRACE_EACH_IN_TURN, 0)
      case .probability(let share): (ADDONRACE_PROBABILITY, UInt64(share * 0x1p32))
      }
    settings.refusals = mode.rawValue
    settings.refusals_n = n
    // The first thread is whoever starts the racers.
    settings.refused_racer = failure.racer.map { Int32($0 + (racerCount > 0 ? 1 : 0)) } ?? -1
  }

  // MARK: A run

  func run(progress: (RunProgress) -> Void, judge: (Evidence) -> Void) throws(EngineError) -> EngineRun {
    let started = MonotonicClock.now()
    ccandidate_bind_race(object.bindFunction, nil)
    guard let run = object.function("addonrace_run_program") else {
      throw EngineError("\(object.built.object) has no runner: remove it, so that it is built anew")
    }
    let ended = DispatchSemaphore(value: 0)
    let work = UncheckedRun(function: run, program: program)
    let thread = Thread {
      ccandidate_run_program(work.function, work.program)
      ended.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    let end = watch(ended, progress)
    var figures = figures()
    figures.seconds = MonotonicClock.now() - started
    let mishaps = (0..<min(Int(program.pointee.mishap_count), Int(ADDONRACE_MISHAPS))).map(mishap)
    if let refusal = mishaps.first(where: { $0.kind == ADDONRACE_MISHAP_UNSUPPORTED.rawValue }) {
      throw EngineError("\(refusal.mishap.message): it cannot be raced")
    }
    if !mishaps.isEmpty {
      var evidence = Evidence()
      evidence.round = Int(program.pointee.runs)
      evidence.roles = racerCount > 0 ? ["set-up and check"] + scenario.roles : []
      evidence.mishaps = mishaps.map(\.mishap)
      judge(evidence)
    }
    return EngineRun(end: end, figures: figures)
  }

  private func watch(_ ended: DispatchSemaphore, _ progress: (RunProgress) -> Void) -> EngineRun.End {
    var last: UInt64 = 0
    var since = MonotonicClock.now()
    while ended.wait(timeout: .now() + 0.05) == .timedOut {
      let counts = counts
      progress(counts)
      let now = MonotonicClock.now()
      if UInt64(counts.round) != last { (last, since) = (UInt64(counts.round), now) }
      guard now - since > scenario.stress.watchdog else { continue }
      hasEnded = false
      if cthreads_interrupted() != 0 { return .interrupted }
      return .timedOut(
        "run \(last + 1) did not end in \(scenario.stress.watchdog) s: a thread waits for what does not happen, or does not end"
      )
    }
    switch addonrace_program_end(program.pointee.end) {
    case ADDONRACE_END_ENOUGH: return .enough
    case ADDONRACE_END_MISHAP: return .stopped
    case ADDONRACE_END_INTERRUPTED: return .interrupted
    default: return .time
    }
  }

  private var counts: RunProgress {
    RunProgress(
      round: Int(program.pointee.runs), populations: Int(program.pointee.populations),
      collisions: Int(program.pointee.collisions))
  }

  private func figures() -> Figures {
    let counted = program.pointee
    var figures = Figures()
    figures.rounds = Int(counted.runs)
    figures.populations = Int(counted.populations)
    figures.collisions = Int(counted.collisions)
    figures.losers = Int(counted.losers)
    figures.allocations = Int(counted.allocations)
    figures.frees = Int(counted.frees)
    figures.refusals = Int(counted.refused)
    figures.threads = Int(counted.threads)
    figures.yieldIsKnown = counted.slots > 0
    figures.seed = scenario.stress.seed
    figures.calibration = Calibration(processors: processors)
    return figures
  }

  // MARK: What went wrong

  private func mishap(_ number: Int) -> (kind: UInt32, mishap: Mishap) {
    var told = withUnsafePointer(to: &program.pointee.mishaps) {
      UnsafeRawPointer($0).assumingMemoryBound(to: addonrace_mishap.self)[number]
    }
    let kind: Mishap.Kind =
      switch addonrace_mishap_kind(told.kind) {
      case ADDONRACE_MISHAP_ASSERTION: .assertion
      case ADDONRACE_MISHAP_LEAK: .leak
      case ADDONRACE_MISHAP_BAD_ACCESS: .useAfterFree
      case ADDONRACE_MISHAP_ATOMIC_CONTEXT: .atomicContext
      default: .crash
      }
    var message = withUnsafePointer(to: &told.text) {
      String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
    }
    let lines = names.lines(of: [told.pc, told.allocated_at])
    let places = [lines[told.pc], lines[told.allocated_at].map { kind == .leak ? $0 : "allocated at \($0)" }]
    let said = places.compactMap { $0 }.filter { !message.contains($0) }
    if !said.isEmpty { message += " (\(Array(Set(said)).sorted().joined(separator: ", ")))" }
    var mishap = Mishap(kind, racers: kind == .leak ? [] : [Int(told.thread)], message: message)
    mishap.pc = told.pc
    return (told.kind, mishap)
  }
}

/// The runner's thread shares these with whoever watches, on purpose.
private struct UncheckedRun: @unchecked Sendable {
  let function: UnsafeMutableRawPointer
  let program: UnsafeMutablePointer<addonrace_program>
}
