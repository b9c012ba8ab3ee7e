import AddonRace
import ArgumentParser

extension RaceShape: ExpressibleByArgument {}
extension Widening: ExpressibleByArgument {}
extension Start: ExpressibleByArgument {}
extension VisitOrder: ExpressibleByArgument {}
extension HeapKind: ExpressibleByArgument {}
extension Checking: ExpressibleByArgument {}

/// Settings on the command line, over those of the scenario file.
struct Overrides: ParsableArguments {
  @Option(help: ArgumentHelp("Race this strategy instead of the scenario's.", valueName: "name"))
  var strategy: String?
  @Option(
    help: ArgumentHelp("Racers by role, as allocate=4,read=1.", valueName: "role=n,..."))
  var racers: String?
  @Option(help: "How racers are made to collide.")
  var shape: RaceShape?
  @Option(help: "What a widened race does inside the window.")
  var widening: Widening?
  @Option(help: "When a racer starts a visit.")
  var start: Start?
  @Option(help: ArgumentHelp("Visits of one racer in flight in a pipeline, 1-64.", valueName: "n"))
  var visitsInFlight: Int?
  @Option(help: ArgumentHelp("Instructions of delay inside the window.", valueName: "n"))
  var delay: Int?
  @Option(help: ArgumentHelp("Inodes of a round, 8-65536.", valueName: "n"))
  var inodes: Int?
  @Option(help: ArgumentHelp("Bytes from one inode to the next, a multiple of 8.", valueName: "bytes"))
  var spacing: Int?
  @Option(help: "The order in which inodes are visited.")
  var order: VisitOrder?
  @Option(help: "What serves allocations.")
  var heap: HeapKind?
  @Option(help: ArgumentHelp("Seconds at most for each scenario.", valueName: "seconds"))
  var time: Double?
  @Option(help: ArgumentHelp("Collisions that are enough.", valueName: "n"))
  var collisions: Int?
  @Option(help: ArgumentHelp("Collisions per population under which a run is vacuous.", valueName: "0-1"))
  var minimumYield: Double?
  @Option(help: ArgumentHelp("Processors to use.", valueName: "n"))
  var processors: Int?
  @Option(help: "How much is checked.")
  var checking: Checking?
  @Option(help: ArgumentHelp("What every random decision follows from.", valueName: "n"))
  var seed: UInt64?
  @Option(help: ArgumentHelp("Seconds without progress after which a run is given up.", valueName: "seconds"))
  var watchdog: Double?

  func validate() throws {
    try Override.check(visitsInFlight, StressLimits.visitsInFlight, "--visits-in-flight")
    try Override.check(delay, StressLimits.delay, "--delay")
    try Override.check(inodes, StressLimits.inodes, "--inodes")
    try Override.check(spacing, StressLimits.spacing, "--spacing")
    try Override.check(time, StressLimits.time, "--time")
    try Override.check(collisions, 1...Int.max, "--collisions")
    try Override.check(minimumYield, 0...1, "--minimum-yield")
    try Override.check(processors, 1...StressLimits.processors, "--processors")
    try Override.check(watchdog, StressLimits.watchdog, "--watchdog")
    if let spacing, spacing % 8 != 0 { throw ValidationError("--spacing is \(spacing), which is no multiple of 8.") }
    try Override.check(strategy: strategy)
    _ = try Override.racerGroups(racers, 2...Stress.mostRacers)
  }

  /// The options as they were given, for the command that repeats a run.
  func apply(to scenario: inout Scenario) throws {
    try Override.apply(strategy: strategy, to: &scenario)
    if let racers = try Override.racerGroups(racers, 2...Stress.mostRacers) {
      try Override.checkRoles(racers, of: scenario)
      scenario.racers = racers
    }
    func set<T>(_ path: WritableKeyPath<StressOptions, T>, _ value: T?) {
      if let value { scenario.stress[keyPath: path] = value }
    }
    func setOptional<T>(_ path: WritableKeyPath<StressOptions, T?>, _ value: T?) {
      if let value { scenario.stress[keyPath: path] = value }
    }
    set(\.shape, shape)
    set(\.widening, widening)
    set(\.start, start)
    setOptional(\.visitsInFlight, visitsInFlight)
    setOptional(\.delay, delay)
    set(\.inodes, inodes)
    setOptional(\.spacing, spacing)
    set(\.order, order)
    set(\.heap, heap)
    set(\.time, time)
    set(\.collisions, collisions)
    setOptional(\.minimumYield, minimumYield)
    setOptional(\.processors, processors)
    set(\.checking, checking)
    set(\.seed, seed)
    set(\.watchdog, watchdog)
  }
}

/// What the overrides of several commands share: checks, each with its remedy.
enum Override {
  static func check<T: Comparable>(_ value: T?, _ range: ClosedRange<T>, _ option: String) throws {
    if let value, !range.contains(value) {
      throw ValidationError("\(option) is \(value); it may be \(range.lowerBound) to \(range.upperBound).")
    }
  }

  static func check(strategy: String?) throws {
    guard let strategy, !Listing.vocabulary.strategies.contains(strategy) else { return }
    throw ValidationError(
      "There is no strategy '\(strategy)'."
        + (Suggestion.nearest(to: strategy, among: Listing.vocabulary.strategies).map { " Did you mean '\($0)'?" }
          ?? " `addonrace list strategies` shows them."))
  }

  static func apply(strategy: String?, to scenario: inout Scenario) throws {
    guard let strategy else { return }
    guard Listing.entry(site: scenario.site, strategy: strategy) != nil else {
      let fitting = Listing.vocabulary.site(scenario.site)?.strategies.joined(separator: ", ") ?? ""
      throw ValidationError(
        "Strategy '\(strategy)' does not go with site '\(scenario.site)', which goes with: \(fitting).")
    }
    scenario.strategy = strategy
  }

  static func checkRoles(_ racers: [RacerGroup], of scenario: Scenario) throws {
    let site = Listing.vocabulary.site(scenario.site)
    let roles = site?.roles ?? []
    for group in racers where !roles.contains(group.role) {
      throw ValidationError(
        "Site '\(scenario.site)' has no role '\(group.role)'; its roles: \(roles.joined(separator: ", ")).")
    }
    if let lack = site?.lackOfDestroyer(racers) {
      throw ValidationError("\(lack.message.prefix(1).uppercased() + lack.message.dropFirst()); \(lack.remedy).")
    }
  }

  static func racerGroups(_ text: String?, _ range: ClosedRange<Int>) throws -> [RacerGroup]? {
    guard let text else { return nil }
    let groups = try text.split(separator: ",").map { part in
      let sides = part.split(separator: "=")
      guard sides.count == 2, let count = Int(sides[1]), count >= 0 else {
        throw ValidationError("--racers is '\(text)'; write it as allocate=4,read=1.")
      }
      return RacerGroup(role: String(sides[0]), count: count)
    }
    let count = groups.reduce(0) { $0 + $1.count }
    guard range.contains(count) else {
      throw ValidationError(
        "\(count) racers: that cannot be run; name \(range.lowerBound) to \(range.upperBound) in all.")
    }
    return groups.filter { $0.count > 0 }
  }
}
