import AddonRace
import ArgumentParser

/// A command with all that was said to it, as a value that prints itself.
struct Invocation {
  var settings: [(Setting, SettingValue)] = []
  var strategy: String?
  var racers: [RacerGroup]?
  /// Flags, as "--explain".
  var switches: [String] = []
  /// How code is compiled; its sources are among the paths.
  var code: CandidateSource?
  /// Levels of optimisation, where a verdict is asked for each of several.
  var optimisations: [Int] = []

  /// The command that runs one scenario again, in one engine: with the seed, and what was tuned at run time.
  func text(_ scenario: Scenario, file: String, _ engine: EngineKind, _ figures: Figures? = nil) -> String {
    let files = scenario.code.map(\.sources) ?? [file]
    var words = ["addonrace", engine == .stress ? "run" : "explore"]
    words += file.hasSuffix(".yaml") || file.hasSuffix(".yml") ? [ShellWord.quoted(file)] : files.map(ShellWord.quoted)
    if let strategy { words += ["--strategy", ShellWord.quoted(strategy)] }
    if let racers { words += ["--racers", racers.map { "\($0.role)=\($0.count)" }.joined(separator: ",")] }
    var said = settings
    if let model = engine.model {
      words += ["--memory-model", model.rawValue]
    } else {
      for key in ["seed", "visits-in-flight", "delay"] where !said.contains(where: { $0.0.key == key }) {
        guard let setting = Setting.named(key, in: .stress) else { continue }
        if let value = setting.value(in: scenario) ?? figures?.tuned(key) { said.append((setting, value)) }
      }
    }
    for (setting, value) in said { words += setting.words(value) }
    var code = code
    if !optimisations.isEmpty { code?.optimisation = scenario.code?.optimisation }
    return (words + switches + (code?.words ?? [])).joined(separator: " ")
  }
}

/// How code that is named on the command line is compiled. Flags for the compiler stand behind `--`.
struct CodeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The compiler of code that is named, instead of the one that is found.", valueName: "name"))
  var compiler: String?
  @Option(
    help: ArgumentHelp(
      "How much the compiler optimises code that is named, 0 to 3, or a verdict for each of several, as 0,1,2. By default 2 "
        + "where it is raced; where it is explored, 0 in C and 1 in C++.", valueName: "level,..."))
  var optimise: String?
  @Option(
    help: ArgumentHelp(
      "A function that is not looked into, and need not be; may be given more than once.", valueName: "name"))
  var accept: [String] = []

  func validate() throws { _ = try levels() }

  /// Empty where none was named.
  private func levels() throws -> [Int] {
    guard let optimise else { return [] }
    return try optimise.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let level = Int(part), (0...3).contains(level) else {
        throw ValidationError("--optimise is \(optimise); it may be 0 to 3, or several of them, as 0,1,2.")
      }
      return level
    }
  }

  /// With the first level, where several are asked for.
  var source: CandidateSource {
    var source = CandidateSource(sources: [], flags: AddonRaceCommand.compilerFlags)
    source.compiler = compiler
    source.optimisation = (try? levels())?.first
    source.accepted = accept
    return source
  }

  /// Those that are asked for, if they are several.
  var optimisations: [Int] {
    let levels = (try? levels()) ?? []
    return levels.count > 1 ? levels : []
  }
}

extension Setting {
  /// As a command line has it.
  fileprivate func words(_ value: SettingValue) -> [String] {
    switch value {
    case .flag(let flag): [flag ? "--\(key)" : "--no-\(key)"]
    default: ["--\(key)", value.description]
    }
  }
}

extension Figures {
  /// What the run settled on, of a setting that the scenario leaves open.
  fileprivate func tuned(_ key: String) -> SettingValue? {
    switch key {
    case "visits-in-flight": visitsInFlight.map { .integer($0) }
    case "delay": delay.map { .integer($0) }
    default: nil
    }
  }
}

/// Which subject to run instead of a scenario's, and with whom.
struct SubjectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The strategy, instead of the scenario's.", valueName: "name"),
    completion: Completions.strategies)
  var strategy: String?
  @Option(help: ArgumentHelp("Racers by role, as allocate=4,read=1.", valueName: "role=n,..."))
  var racers: String?

  func groups() throws -> [RacerGroup]? {
    guard let racers else { return nil }
    let groups = try racers.split(separator: ",").map { part in
      let sides = part.split(separator: "=")
      guard sides.count == 2, let count = Int(sides[1]), count >= 0 else {
        throw ValidationError("--racers is '\(racers)'; write it as allocate=4,read=1.")
      }
      return RacerGroup(role: String(sides[0]), count: count)
    }
    return groups.filter { $0.count > 0 }
  }

  func validate() throws { _ = try groups() }
}

/// Why an invocation does not go with a scenario.
struct Misfit: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension Invocation {
  /// The scenario as the invocation wants it run.
  func apply(to scenario: Scenario, _ section: Setting.Section, _ vocabulary: Vocabulary) throws(Misfit) -> Scenario {
    var scenario = scenario
    let site = vocabulary.site(scenario.site)
    if strategy != nil, scenario.code != nil {
      throw Misfit("Code has no strategies: '\(scenario.name)' is run as it is.")
    }
    if let strategy {
      guard let site, site.strategies.contains(strategy) else {
        throw Misfit(
          "Strategy '\(strategy)' does not go with site '\(scenario.site)', which goes with: "
            + (site?.strategies ?? []).joined(separator: ", ") + ".")
      }
      scenario.strategy = strategy
    }
    if let racers {
      try check(racers, at: site, section == .explore ? ExploreLimits.racers : 2...Stress.mostRacers)
      if section == .explore { scenario.explore.racers = racers } else { scenario.racers = racers }
    }
    for (setting, value) in settings { setting.apply(value, to: &scenario) }
    return scenario
  }

  private func check(
    _ racers: [RacerGroup], at site: SiteFacts?, _ range: ClosedRange<Int>
  ) throws(Misfit) {
    guard let site else { return }
    for group in racers where !site.roleNames.contains(group.role) {
      throw Misfit(
        "Site '\(site.name)' has no role '\(group.role)'; its roles: \(site.roleNames.joined(separator: ", ")).")
    }
    let count = racers.reduce(0) { $0 + $1.count }
    guard range.contains(count) else {
      throw Misfit(
        "\(count) racers are too few or too many; name \(range.lowerBound) to \(range.upperBound) in all.")
    }
    if let lack = site.lackOfDestroyer(racers) {
      throw Misfit("\(lack.message.prefix(1).uppercased() + lack.message.dropFirst()); \(lack.remedy).")
    }
  }

  /// A strategy that there is nowhere.
  func checkStrategy(_ vocabulary: Vocabulary) throws {
    guard let strategy, !vocabulary.strategies.contains(strategy) else { return }
    throw ValidationError(
      "There is no strategy '\(strategy)'."
        + (Suggestion.nearest(to: strategy, among: vocabulary.strategies).map { " Did you mean '\($0)'?" }
          ?? " `addonrace list strategies` shows them."))
  }
}
