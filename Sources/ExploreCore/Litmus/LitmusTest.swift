import AddonMemory
import RaceModel

/// A small program and a question about its outcome: the way to test a memory model, and this explorer.
///
///     let storeBuffering = LitmusTest(
///       "SB",
///       threads: [
///         [.store("x", 1, .relaxed), .load("y", into: "r", .relaxed)],
///         [.store("y", 1, .relaxed), .load("x", into: "r", .relaxed)],
///       ],
///       asks: { $0[0, "r"] == 0 && $0[1, "r"] == 0 })
///     try storeBuffering.explore(.sc).conclusion   // .neverObserved
///     try storeBuffering.explore(.tso).conclusion  // .observed
///
/// Places are words of 64 bits, zero at first unless `initial` says otherwise; each is an object of its own, so that a
/// load *through* a register that holds its address depends on the load of that register. Registers are each thread's
/// own. A register that is read before anything writes it, and a place that is only ever read and has no initial value,
/// are errors: most likely a misspelt name.
public struct LitmusTest: Sendable {
  /// What is stored or compared.
  public enum Value: Sendable, Hashable, ExpressibleByIntegerLiteral {
    case constant(UInt64)
    case register(String)
    /// Of a place: never zero.
    case address(String)
    public init(integerLiteral value: UInt64) { self = .constant(value) }
  }

  /// What is accessed.
  public enum Location: Sendable, Hashable, ExpressibleByStringLiteral {
    case place(String)
    /// The place whose address the register holds. An execution in which it holds none crashes there.
    case through(String)
    public init(stringLiteral name: String) { self = .place(name) }
  }

  public indirect enum Instruction: Sendable, Hashable {
    case load(Location, into: String, LoadOrdering)
    case store(Location, Value, StoreOrdering)
    case exchange(Location, Value, into: String, UpdateOrdering)
    case fetchAdd(Location, Value, into: String, UpdateOrdering)
    case fetch(Bits, Location, Value, into: String, UpdateOrdering)
    /// The register gets the value that was found.
    case compareExchange(Location, Value, Value, into: String, UpdateOrdering, failure: LoadOrdering)
    /// Adds the first value, unless the second was found; a load and nothing else then. The register gets what was found.
    /// By the kernel's axioms only: the explorer of graphs has no such update.
    case addUnless(Location, Value, unless: Value, into: String, UpdateOrdering)
    case fence(FenceOrdering)
    /// One of the kernel's that no ordering of C11 is: the graph explorer takes the nearest that is not weaker.
    case barrier(Barrier)
    /// An update whose result nobody gets.
    case unreturned(Instruction)
    /// Plain accesses.
    case read(Location, into: String)
    case write(Location, Value)
    /// No access: the register gets what comes out.
    case compute(into: String, Value, Operation, Value)
    /// The first instructions if the register holds the value, the others if it does not.
    case when(String, is: Value, [Instruction], otherwise: [Instruction] = [])
    /// The first instructions if the register does not hold the value, the others if it does.
    case unless(String, is: Value, [Instruction], otherwise: [Instruction] = [])
    /// Loads again and again, until the place holds the value.
    case await(Location, is: UInt64, LoadOrdering)
    /// A place that a thread locks is unlocked at first.
    case lock(String)
    case unlock(String)
    /// A read-side section of a domain, by name. Sections of one domain nest.
    /// The register `cookie`, if it is named, says to an end which section it ends.
    case beginSection(of: String, cookie: String? = nil)
    /// Ends the section that the cookie's value came from; without a cookie the innermost.
    case endSection(of: String, cookie: Value? = nil)
    /// A grace period of a domain.
    case synchronize(of: String)

    /// Of the domain "rcu".
    public static var beginSection: Instruction { .beginSection(of: "rcu") }
    public static var endSection: Instruction { .endSection(of: "rcu") }
    public static var synchronize: Instruction { .synchronize(of: "rcu") }
  }

  /// The kernel's barriers besides `smp_mb()`.
  public enum Barrier: Sendable, Hashable {
    case read, write, beforeAtomic, afterAtomic, afterSpinlock, afterUnlockLock, afterSleepableUnlock, compiler
  }

  /// What an update does to bits.
  public enum Bits: Sendable, Hashable { case or, and, xor }

  /// What is computed of two values; a comparison gives 1 or 0. Numbers are signed, of 64 bits.
  public enum Operation: Sendable, Hashable {
    case add, subtract, multiply, or, and, xor, equal, notEqual, less, lessOrEqual
    /// Of truth values: 0 is false.
    case both, either

    func callAsFunction(_ a: UInt64, _ b: UInt64) -> UInt64 {
      switch self {
      case .add: a &+ b
      case .subtract: a &- b
      case .multiply: a &* b
      case .or: a | b
      case .and: a & b
      case .xor: a ^ b
      case .equal: a == b ? 1 : 0
      case .notEqual: a != b ? 1 : 0
      case .less: Int64(bitPattern: a) < Int64(bitPattern: b) ? 1 : 0
      case .lessOrEqual: Int64(bitPattern: a) <= Int64(bitPattern: b) ? 1 : 0
      case .both: a != 0 && b != 0 ? 1 : 0
      case .either: a != 0 || b != 0 ? 1 : 0
      }
    }
  }

  public let name: String
  /// Of places; those that are not named are zero.
  public let initial: [String: Value]
  public let threads: [[Instruction]]
  /// Whether an outcome is the one that the test asks about.
  public let asks: @Sendable (LitmusOutcome) -> Bool

  public init(
    _ name: String, initial: [String: Value] = [:], threads: [[Instruction]],
    asks: @escaping @Sendable (LitmusOutcome) -> Bool = { _ in false }
  ) {
    self.name = name
    self.initial = initial
    self.threads = threads
    self.asks = asks
  }

  /// What is wrong with a test.
  public struct Invalid: Error, Sendable, CustomStringConvertible {
    public let description: String
  }
}

/// How one execution of a litmus test ended.
public struct LitmusOutcome: Hashable, Sendable {
  /// What a register or a place holds.
  public enum Value: Hashable, Sendable, ExpressibleByIntegerLiteral {
    case number(UInt64)
    /// The address of a place.
    case address(String)
    public init(integerLiteral value: UInt64) { self = .number(value) }
  }

  /// By thread, then by name.
  public var registers: [[String: Value]]
  public var places: [String: Value]
  /// Names that were asked for and are not there.
  private let lookups: Lookups?

  public init(registers: [[String: Value]], places: [String: Value]) {
    self.init(registers: registers, places: places, nil)
  }

  init(registers: [[String: Value]], places: [String: Value], _ lookups: Lookups?) {
    self.registers = registers
    self.places = places
    self.lookups = lookups
  }

  /// A register of a thread. One that the thread does not have makes `explore` throw.
  public subscript(thread: Int, register: String) -> Value {
    guard registers.indices.contains(thread) else {
      lookups?.unknown = "there is no thread \(thread); there are \(registers.count)"
      return 0
    }
    if let value = registers[thread][register] { return value }
    lookups?.unknown =
      "thread \(thread) has no register '\(register)'; it has: \(registers[thread].keys.sorted().joined(separator: ", "))"
    return 0
  }

  /// A place at the end. One that is not there makes `explore` throw.
  public subscript(place: String) -> Value {
    if let value = places[place] { return value }
    lookups?.unknown = "there is no place '\(place)'; there are: \(places.keys.sorted().joined(separator: ", "))"
    return 0
  }

  public static func == (a: LitmusOutcome, b: LitmusOutcome) -> Bool {
    a.registers == b.registers && a.places == b.places
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(registers)
    hasher.combine(places)
  }

  /// Of one exploration, on its one thread.
  final class Lookups: @unchecked Sendable {
    var unknown: String?
  }
}

/// What an exploration says of a test's question.
public enum LitmusConclusion: Sendable, Equatable {
  case observed
  /// Every execution was visited, came to its end, and none had the outcome.
  case neverObserved
  /// Neither: why.
  case undecided(String)
}

public struct LitmusResult: Sendable {
  public init() {}
  /// Whether an outcome was the one asked about.
  public var isObserved = false
  /// Whether every execution was visited.
  public var isExhaustive = false
  /// Whether only executions were looked at that end as a condition says, and one that does not.
  public var isOfCondition = false
  public var executions = 0
  /// Runs that were no execution.
  public var blockedRuns = 0
  /// Executions with a data race.
  public var races = 0
  /// What else the kernel's model flags, in some execution.
  public var flags: [String] = []
  /// Executions in which a thread waits for something that no thread will do.
  public var deadlocks = 0
  /// Executions that did not come to their end: an access through a register that holds no address, or no end in sight.
  public var crashes = 0
  /// How many executions ended in each way.
  public var outcomes: [LitmusOutcome: Int] = [:]
  /// An execution that has the outcome asked about, where one was asked for.
  public var witness: Counterexample?
  /// On graphs, under the kernel's model: where load buffering is possible, which is not among the executions.
  package var loadBuffering: [LoadBuffering.Pair] = []
  /// The executions themselves, where they were asked for.
  package var graphs = Set<GraphDigest>()
  /// Executions visited before: none, if the explorer is optimal; nil where nobody asked for graphs.
  public var duplicates: Int?

  public var conclusion: LitmusConclusion {
    if isObserved { return .observed }
    if !isExhaustive { return .undecided("not every execution was visited") }
    if crashes > 0 { return .undecided("\(crashes) executions crashed, and have no outcome") }
    if deadlocks > 0 { return .undecided("\(deadlocks) executions end in a deadlock, and have no outcome") }
    return .neverObserved
  }
}
