import BenchModel

extension Setting {
  /// Every setting, one a row.
  public static let all: [Setting] = [
    .choice(.stress, "shape", \.stress.shape, "How racers are made to collide."),
    .choice(.stress, "widening", \.stress.widening, "What a widened race does inside the window."),
    .choice(.stress, "start", \.stress.start, "When a racer starts a visit, in natural and delayed races."),
    .integer(
      .stress, "visits-in-flight", \.stress.visitsInFlight, StressLimits.visitsInFlight, otherwise: "tuned at run time",
      "Visits of one racer in flight in a pipeline."),
    .integer(
      .stress, "delay", \.stress.delay, StressLimits.delay, unit: "instructions", otherwise: "tuned at run time",
      "Delay inside the window."),
    .integer(.stress, "inodes", \.stress.inodes, StressLimits.inodes, "Inodes of a round."),
    .integer(
      .stress, "spacing", \.stress.spacing, StressLimits.spacing, step: 8, unit: "bytes",
      otherwise: "64, packed in a natural race", "Distance from one inode to the next."),
    .choice(.stress, "order", \.stress.order, "The order in which racers visit the inodes of a round."),
    .choice(
      .stress, "heap", \.stress.heap,
      "Heap used for allocations: blocks that are not reused within a round, or the C library's."),
    .number(.stress, "time", \.stress.time, StressLimits.time, unit: "seconds", "Stop after this time."),
    .integer(
      .stress, "collisions", \.stress.collisions, 1...Int.max,
      "Stop after this many collisions; where a failure is expected, only if it is named here."),
    .number(
      .stress, "minimum-yield", \.stress.minimumYield, 0...1, otherwise: "0.01 natural, 0.9 else",
      "Below this yield (collisions per population) the verdict is vacuous."),
    .integer(
      .stress, "processors", \.stress.processors, 1...StressLimits.processors, otherwise: "all", "Processors to use."),
    .choice(.stress, "checking", \.stress.checking, "How much is checked."),
    .seed(.stress, \.stress.seed, "The number that all random decisions follow from."),
    .number(
      .stress, "watchdog", \.stress.watchdog, StressLimits.watchdog, unit: "seconds",
      "Give up after this time without progress."),

    .integer(.explore, "inodes", \.explore.inodes, ExploreLimits.inodes, "Inodes that every racer visits in turn."),
    .integer(
      .explore, "allocation-failures", \.explore.allocationFailures, ExploreLimits.failures,
      otherwise: "0, or one a racer where `faults` makes some fail",
      "At most this many allocations fail in an execution."),
    .integer(
      .explore, "spurious-failures", \.explore.spuriousFailures, ExploreLimits.failures, otherwise: "one a racer",
      "At most this many weak compare-exchanges fail spuriously in an execution."),
    .flag(
      .explore, "dependencies", \.explore.dependencies,
      "Under `kernel`, of code in C: find what each access depends on, as the program runs."),
    .flag(
      .explore, "symmetry", \.explore.symmetry,
      "Of executions that differ only by exchanging identical racers, count one."),
    .integer(
      .explore, "executions", \.explore.executions, ExploreLimits.executions,
      "Stop after this many executions; the verdict is inconclusive then."),
    .number(
      .explore, "time", \.explore.time, ExploreLimits.time, unit: "seconds",
      "Stop after this time; the verdict is inconclusive then."),
    .integer(
      .explore, "memory", \.explore.memory, ExploreLimits.memory, unit: "MB",
      "Stop when graphs hold this much; the verdict is inconclusive then."),
    .integer(
      .explore, "samples", \.explore.samples, ExploreLimits.samples,
      "Random executions to visit after stopping at a limit."),
    .seed(.explore, \.explore.seed, "The number that random executions follow from."),
    .integer(
      .explore, "repetitions", \.explore.repetitions, ExploreLimits.repetitions,
      "Explore this many times over, to measure how long it takes."),

    .integer(.bench, "inodes", \.benchOrDefault.inodes, BenchLimits.inodes, "Inodes of a round."),
    .integer(
      .bench, "spacing", \.benchOrDefault.spacing, BenchLimits.spacing, unit: "bytes",
      "Distance from one inode to the next."),
    .integer(
      .bench, "processes", \.benchOrDefault.processes, BenchLimits.processes,
      "Processes that measure, one after the other."),
    .integer(
      .bench, "repetitions", \.benchOrDefault.repetitions, BenchLimits.repetitions,
      "Samples of each measure in each process."),
    .integer(
      .bench, "warm-up", \.benchOrDefault.warmUp, BenchLimits.warmUp, "Samples taken first to warm up, and not counted."
    ),
  ]

  public static func all(of section: Section) -> [Setting] { all.filter { $0.section == section } }

  public static func named(_ key: String, in section: Section) -> Setting? {
    all.first { $0.section == section && $0.key == key }
  }
}

extension Scenario {
  /// The bench's settings; writing to them makes a bench of the scenario.
  fileprivate var benchOrDefault: BenchOptions {
    get { bench ?? BenchOptions() }
    set { bench = newValue }
  }
}
