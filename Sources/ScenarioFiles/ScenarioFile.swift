import AddonMemory
import Addons
import BenchModel
import RaceModel
import Yams

/// Reads scenarios from YAML.
public enum ScenarioFile {
  /// Reads the text of one file. Throws everything that is wrong with it at once.
  public static func read(_ text: String, file: String, _ vocabulary: Vocabulary) throws(InvalidScenario) -> Scenario {
    let diagnostics = Diagnostics(file: file)
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw InvalidScenario([
          Diagnostic(
            file: file, message: "the file is empty",
            remedy: "a scenario needs at least: name, question and site; see scenarios/README.md")
        ])
      }
      root = node
    } catch let error as InvalidScenario {
      throw error
    } catch {
      throw InvalidScenario([diagnostic(of: error, file: file)])
    }
    guard let reader = MappingReader(root, place: "the scenario", diagnostics) else {
      throw InvalidScenario(diagnostics.all)
    }
    let scenario = Reading(vocabulary: vocabulary, diagnostics: diagnostics).scenario(reader)
    guard let scenario, diagnostics.all.isEmpty else { throw InvalidScenario(diagnostics.all) }
    return scenario
  }

  private static func diagnostic(of error: any Error, file: String) -> Diagnostic {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      Diagnostic(
        file: file, line: mark.line, column: mark.column, message: "not YAML: \(YAMLProblem(problem).message)",
        remedy: YAMLProblem(problem).remedy)
    case .reader(_, _, let value, let text):
      Diagnostic(
        file: file, line: line(of: UInt32(bitPattern: value), in: text),
        message: "not YAML: character U+\(String(value, radix: 16, uppercase: true)) may not stand in it",
        remedy: "leave it out, or write it in double quotes, as \"\\x07\"")
    case .duplicatedKeysInMapping(let duplicates, let context):
      Diagnostic(
        file: file, line: context.mark.line, column: context.mark.column,
        message: "duplicate key: \(duplicates.map { "\($0)" }.joined(separator: ", "))", remedy: "keep one of them")
    default: Diagnostic(file: file, message: "not YAML: \(error)")
    }
  }

  /// Where a character stands first.
  private static func line(of scalar: UInt32, in text: String) -> Int? {
    let before = text.unicodeScalars.prefix { $0.value != scalar }
    return before.count == text.unicodeScalars.count ? nil : before.count { $0 == "\n" } + 1
  }
}

/// The schema: every key, its type, its range and its default.
private struct Reading {
  let vocabulary: Vocabulary
  let diagnostics: Diagnostics

  func scenario(_ reader: MappingReader) -> Scenario? {
    var reader = reader
    let name = required("name", reader.string("name"), reader)
    let question = required("question", reader.string("question"), reader)
    let code = reader.value("code").flatMap(self.code)
    let isOfCode = reader.mapping.contains { $0.key.string == "code" }
    let site = isOfCode ? nil : site(&reader)
    let strategy = isOfCode ? nil : strategy(&reader, site)
    let racers = isOfCode ? codesRacers(&reader) : racers(&reader, site)
    let readSections = reader.value("read-sections").map { self.readSections($0, site) } ?? [:]
    let faults = reader.value("faults").map { self.faults($0, racers: racers) } ?? InjectedFailures()
    var scenario = Scenario(
      name: name ?? "", question: question ?? "", site: site?.name ?? "", strategy: strategy ?? "", racers: racers ?? []
    )
    scenario.code = code
    scenario.readSections = readSections
    scenario.faults = faults
    if let node = reader.value("stress") { stress(node, &scenario) }
    if let node = reader.value("explore") { explore(node, site, &scenario) }
    if let node = reader.value("bench") { bench(node, site, &scenario) }
    if let node = reader.value("expect") { scenario.expect = expectations(node) }
    if scenario.expectsRaceToFail, !names("collisions", in: "stress", reader) {
      // A defect that is there may take long to show: time alone gives it up.
      scenario.stress.collisions = .max
    }
    reader.rejectUnknownKeys()
    let isSubject = isOfCode ? code != nil : site != nil && strategy != nil
    let isWhole = name != nil && question != nil && isSubject && racers != nil
    return isWhole ? scenario : nil
  }

  private func names(_ key: String, in section: String, _ reader: MappingReader) -> Bool {
    let section = reader.mapping.first { $0.key.string == section }?.value.mapping
    return section?.contains { $0.key.string == key } == true
  }

  private func required<T>(_ key: String, _ value: T?, _ reader: MappingReader) -> T? {
    if value == nil, reader.mapping.first(where: { $0.key.string == key }) == nil {
      diagnostics.add("the scenario has no \(key)", at: reader.node, remedy: "add '\(key): ...'")
    }
    return value
  }

  private func site(_ reader: inout MappingReader) -> SiteFacts? {
    guard let node = reader.value("site") else {
      diagnostics.add(
        "the scenario has no site", at: reader.node,
        remedy: "add 'site: ...'; `addonrace list sites` shows them")
      return nil
    }
    let name = node.scalar?.string ?? ""
    if let site = vocabulary.site(name) {
      guard let version = reader.value("linux") else { return site }
      return self.site(at: site, inLinux: version)
    }
    diagnostics.add(
      "unknown site '\(name)'", at: node,
      remedy: Suggestion.remedy(
        for: name, among: vocabulary.sites.map(\.name), else: "`addonrace list sites` shows them"))
    return nil
  }

  /// Of the sites that model the same place the one that is as this version of Linux.
  private func site(at site: SiteFacts, inLinux node: Node) -> SiteFacts? {
    let versions = vocabulary.versions(ofPlace: site.name)
    guard !versions.isEmpty else {
      diagnostics.add(
        "site '\(site.name)' is not told apart by versions of Linux", at: node,
        remedy: "leave out 'linux'; it is from \(site.description.source)")
      return nil
    }
    let text = node.scalar?.string ?? ""
    if let version = LinuxVersion(text), let found = versions.first(where: { $0.versions.contains(version) }) {
      return found.site
    }
    let known = versions.map(\.versions.words).joined(separator: ", ")
    diagnostics.add(
      LinuxVersion(text) == nil
        ? "'\(text)' is no version of Linux" : "site '\(site.name)' does not say what it is in Linux \(text)",
      at: node, remedy: "there are: \(known)")
    return nil
  }

  // MARK: Code that is brought

  /// Paths are relative to the scenario's file.
  private func code(_ node: Node) -> CandidateSource? {
    guard var reader = MappingReader(node, place: "code", diagnostics) else { return nil }
    guard let sourcesNode = reader.value("sources"), let sources = words(sourcesNode, "sources"), !sources.isEmpty
    else {
      diagnostics.add("code has no sources", at: node, remedy: "write code: {sources: [mine.c]}")
      return nil
    }
    let folder = diagnostics.file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    var code = CandidateSource(
      sources: sources.map { $0.hasPrefix("/") || folder.isEmpty ? $0 : folder + "/" + $0 },
      flags: reader.value("flags").flatMap { words($0, "flags") } ?? [])
    for source in sources where CandidateSource.Language(path: source) == nil {
      diagnostics.add(
        "the language of '\(source)' is not known", at: sourcesNode,
        remedy: "files end in .c, .cc, .cpp, .cxx, .rs or .swift")
    }
    code.compiler = reader.string("compiler")
    if let level = reader.integer("optimise", in: 0...3) { code.optimisation = level }
    code.accepted = reader.value("accept").flatMap { words($0, "accept") } ?? []
    reader.rejectUnknownKeys()
    return code
  }

  /// One word, or a list of them.
  private func words(_ node: Node, _ key: String) -> [String]? {
    let items = node.sequence.map(Array.init) ?? [node]
    return items.compactMap { item in
      guard let text = item.scalar?.string else {
        diagnostics.add("\(key) must be a list of words", at: item, remedy: "write \(key): [one, two]")
        return nil
      }
      return text
    }
  }

  /// Which roles there are shows when the code is compiled.
  private func codesRacers(_ reader: inout MappingReader) -> [RacerGroup]? {
    guard let node = reader.value("racers") else { return [] }
    return racers(node, nil, most: vocabulary.mostRacers, least: 1, "no such race can start")
  }

  private func strategy(_ reader: inout MappingReader, _ site: SiteFacts?) -> String? {
    guard let node = reader.value("strategy") else { return site?.strategies.first }
    let name = node.scalar?.string ?? ""
    guard vocabulary.strategies.contains(name) else {
      diagnostics.add(
        "unknown strategy '\(name)'", at: node,
        remedy: Suggestion.remedy(
          for: name, among: vocabulary.strategies, else: "`addonrace list strategies` shows them"))
      return nil
    }
    guard let site else { return name }
    if site.strategies.contains(name) { return name }
    let fitting = vocabulary.sites.filter { $0.strategies.contains(name) }.map(\.name)
    diagnostics.add(
      "strategy '\(name)' does not go with site '\(site.name)'", at: node,
      remedy: "\(site.name) goes with: \(site.strategies.joined(separator: ", ")); "
        + "\(name) goes with: \(fitting.joined(separator: ", "))")
    return nil
  }

  private func racers(_ reader: inout MappingReader, _ site: SiteFacts?) -> [RacerGroup]? {
    guard let node = reader.value("racers") else { return site?.subjects[0].racers }
    return racers(node, site, most: vocabulary.mostRacers, least: 2, "no such race can start")
  }

  private func racers(
    _ node: Node, _ site: SiteFacts?, most: Int, least: Int, _ complaint: String
  ) -> [RacerGroup]? {
    guard let mapping = MappingReader(node, place: "racers", diagnostics) else { return nil }
    var groups: [RacerGroup] = []
    for (key, value) in mapping.mapping {
      let role = key.string ?? ""
      if let site, !site.roleNames.contains(role) {
        diagnostics.add(
          "site '\(site.name)' has no role '\(role)'", at: key,
          remedy: vocabulary.remedy(forRole: role, of: site))
      }
      if let count = mapping.integer(value, role, in: 0...10_000) {
        groups.append(RacerGroup(role: role, count: count))
      }
    }
    if let lack = site?.lackOfDestroyer(groups.filter({ $0.count > 0 })), groups.contains(where: { $0.count > 0 }) {
      diagnostics.add(lack.message, at: node, remedy: lack.remedy)
    }
    let count = groups.reduce(0) { $0 + $1.count }
    if !(least...most).contains(count) {
      diagnostics.add("\(count) racers: \(complaint)", at: node, remedy: "name \(least) to \(most) in all")
    }
    return groups.filter { $0.count > 0 }
  }

  private func readSections(_ node: Node, _ site: SiteFacts?) -> [String: ReadDomain] {
    var sections: [String: ReadDomain] = [:]
    guard let mapping = MappingReader(node, place: "read-sections", diagnostics) else { return sections }
    for (key, value) in mapping.mapping {
      let role = key.string ?? ""
      if let site, !site.roleNames.contains(role) {
        diagnostics.add(
          "site '\(site.name)' has no role '\(role)'", at: key, remedy: vocabulary.remedy(forRole: role, of: site))
      }
      let name = value.scalar?.string ?? ""
      let domains = site?.domains ?? [.rcu]
      guard let domain = domains.first(where: { $0.name == name }) else {
        let names = domains.map(\.name)
        diagnostics.add(
          "unknown domain of read-side sections '\(name)'", at: value,
          remedy: Suggestion.remedy(for: name, among: names, else: "it may be: \(names.joined(separator: ", "))"))
        continue
      }
      if let objection = site?.objection(to: domain, around: role) {
        diagnostics.add(objection.message, at: key, remedy: objection.remedy)
      }
      sections[role] = domain
    }
    return sections
  }

  private func faults(_ node: Node, racers: [RacerGroup]?) -> InjectedFailures {
    var faults = InjectedFailures()
    guard var reader = MappingReader(node, place: "faults", diagnostics) else { return faults }
    if let failure = reader.value("allocation-failure"),
      var inner = MappingReader(failure, place: "allocation-failure", diagnostics)
    {
      var choices: [AllocationFailure.Which] = []
      if let nth = inner.integer("nth", in: 1...Int.max) { choices.append(.nth(nth)) }
      if let every = inner.integer("every", in: 1...Int.max) { choices.append(.every(every)) }
      if let p = inner.probability("probability") { choices.append(.probability(p)) }
      if let each = inner.value("each-in-turn") {
        if each.bool == true {
          choices.append(.eachInTurn)
        } else {
          diagnostics.add("each-in-turn is true or absent", at: each)
        }
      }
      let counted = inner.choice("counted-per", AllocationFailure.Counting.self)
      let most = (racers?.reduce(0) { $0 + $1.count }).map { $0 - 1 } ?? vocabulary.mostRacers
      let racer = inner.integer("racer", in: 0...max(0, most))
      inner.rejectUnknownKeys()
      if choices.count == 1 {
        var failure = AllocationFailure(choices[0])
        if let counted { failure.counted = counted }
        failure.racer = racer
        faults.allocationFailure = failure
      } else {
        diagnostics.add(
          "allocation-failure needs exactly one of: nth, every, probability, each-in-turn", at: failure)
      }
    }
    reader.rejectUnknownKeys()
    return faults
  }

  private func stress(_ node: Node, _ scenario: inout Scenario) {
    guard var reader = MappingReader(node, place: "stress", diagnostics) else { return }
    reader.apply(.stress, to: &scenario)
    reader.rejectUnknownKeys()
  }

  private func explore(_ node: Node, _ site: SiteFacts?, _ scenario: inout Scenario) {
    guard var reader = MappingReader(node, place: "explore", diagnostics) else { return }
    scenario.explore.racers = reader.value("racers").flatMap {
      let limits = ExploreLimits.racers
      return racers($0, site, most: limits.upperBound, least: limits.lowerBound, "they cannot be explored")
    }
    if let value = reader.choices("memory-models", MemoryModel.self) { scenario.explore.memoryModels = value }
    reader.apply(.explore, to: &scenario)
    reader.rejectUnknownKeys()
  }

  private func bench(_ node: Node, _ site: SiteFacts?, _ scenario: inout Scenario) {
    guard var reader = MappingReader(node, place: "bench", diagnostics) else { return }
    var options = BenchOptions()
    if let counts = reader.integers("racers", in: BenchLimits.racers) { options.racers = counts }
    if let node = reader.value("strategies") {
      options.strategies = (node.sequence.map(Array.init) ?? [node]).compactMap { item in
        let name = item.scalar?.string ?? ""
        guard let site, !site.strategies.contains(name) else { return name }
        diagnostics.add(
          "strategy '\(name)' does not go with site '\(site.name)'", at: item,
          remedy: "it goes with: \(site.strategies.joined(separator: ", "))")
        return nil
      }
    }
    if let node = reader.value("role") {
      let role = node.scalar?.string ?? ""
      if let site, !site.roleNames.contains(role) {
        diagnostics.add(
          "site '\(site.name)' has no role '\(role)'", at: node, remedy: vocabulary.remedy(forRole: role, of: site))
      }
      options.role = role
    }
    options.layout = reader.value("layout").flatMap(layout)
    // A study takes minutes.
    if options.layout != nil { options.processes = 1 }
    scenario.bench = options
    reader.apply(.bench, to: &scenario)
    reader.rejectUnknownKeys()
  }

  private func layout(_ node: Node) -> LayoutOptions? {
    var options = LayoutOptions()
    guard var reader = MappingReader(node, place: "layout", diagnostics) else { return nil }
    if let node = reader.value("layouts") {
      options.layouts = (node.sequence.map(Array.init) ?? [node]).compactMap { item in
        let name = item.scalar?.string ?? ""
        if vocabulary.layouts.contains(name) { return name }
        diagnostics.add(
          "unknown layout '\(name)'", at: item, remedy: "known: \(vocabulary.layouts.joined(separator: ", "))")
        return nil
      }
      if options.layouts.count == 1 {
        diagnostics.add(
          "a layout study compares at least two layouts", at: node, remedy: "name another, or leave 'layouts' out")
      }
    }
    if let regimes = reader.choices("regimes", LayoutRegime.self) { options.regimes = regimes }
    if let beside = reader.choices("beside", LayoutNeighbour.self) { options.beside = beside }
    if let inodes = reader.integers("inodes", in: LayoutLimits.inodes) { options.inodes = inodes }
    if let objects = reader.integers("objects", in: LayoutLimits.objects) { options.objects = objects }
    if let slabs = reader.integers("slabs", in: LayoutLimits.slabs) { options.slabs = slabs }
    if let object = options.objects.max(), let slab = options.slabs.min(), object > slab {
      diagnostics.add(
        "an object of \(object) bytes does not fit a slab of \(slab)", at: node,
        remedy: "name larger slabs, or none so small")
    }
    reader.rejectUnknownKeys()
    return options
  }

  // MARK: ExpectedVerdicts

  private func expectations(_ node: Node) -> ExpectedVerdicts {
    var expectations = ExpectedVerdicts()
    if node.scalar != nil {
      if let expected = verdict(node) { expectations.stress = expected }
      return expectations
    }
    guard var reader = MappingReader(node, place: "expect", diagnostics) else { return expectations }
    if node.mapping?.contains(where: { $0.key.string == "fail" || $0.key.string == "may" }) == true {
      if let expected = verdict(node) { expectations.stress = expected }
      return expectations
    }
    if let node = reader.value("stress"), let expected = verdict(node) { expectations.stress = expected }
    expectations.threadSanitizer = reader.value("thread-sanitizer").flatMap { verdict($0) }
    expectations.addressSanitizer = reader.value("address-sanitizer").flatMap { verdict($0) }
    if let node = reader.value("explore") { expectations.explore = explored(node) }
    reader.rejectUnknownKeys()
    return expectations
  }

  /// One verdict for every memory model, or a map of them.
  private func explored(_ node: Node) -> [MemoryModel: ExpectedVerdict] {
    let isOne =
      node.scalar != nil
      || node.mapping?.contains(where: { $0.key.string == "fail" || $0.key.string == "may" }) == true
    if isOne {
      guard let verdict = verdict(node) else { return [:] }
      return Dictionary(uniqueKeysWithValues: MemoryModel.allCases.map { ($0, verdict) })
    }
    guard var reader = MappingReader(node, place: "explore", diagnostics) else { return [:] }
    var expected: [MemoryModel: ExpectedVerdict] = [:]
    for model in MemoryModel.allCases {
      if let node = reader.value(model.rawValue), let verdict = verdict(node) { expected[model] = verdict }
    }
    reader.rejectUnknownKeys()
    return expected
  }

  private func verdict(_ node: Node) -> ExpectedVerdict? {
    if let text = node.scalar?.string {
      let known = [Outcome.pass, .vacuous, .inconclusive, .crashed, .timedOut].map(\.rawValue)
      if known.contains(text), let outcome = Outcome(rawValue: text) { return .verdict(outcome) }
      diagnostics.add(
        text == "fail" ? "fail needs the checkers that must report" : "unknown verdict '\(text)'", at: node,
        remedy: text == "fail"
          ? "write {fail: [single-winner]}"
          : Suggestion.remedy(
            for: text, among: known, else: "it may be: \(known.joined(separator: ", ")), or {fail: [checker, ...]}"))
      return nil
    }
    guard var reader = MappingReader(node, place: "expect", diagnostics) else { return nil }
    let fail = reader.value("fail").map { checkers($0, "fail") }
    let may = reader.value("may").map { checkers($0, "may") } ?? []
    reader.rejectUnknownKeys()
    if fail == nil, !may.isEmpty { return .fail(checkers: [], may: may) }
    guard let fail, !fail.isEmpty else {
      diagnostics.add(
        "an expected failure names at least one checker", at: node, remedy: "write {fail: [single-winner]}")
      return nil
    }
    return .fail(checkers: fail, may: may)
  }

  private func checkers(_ node: Node, _ key: String) -> [String] {
    guard let sequence = node.sequence else {
      diagnostics.add("\(key) must be a list of checkers", at: node, remedy: "write \(key): [single-winner]")
      return []
    }
    return sequence.compactMap { item in
      let name = item.scalar?.string ?? ""
      if vocabulary.checkers.contains(name) { return name }
      diagnostics.add(
        "unknown checker '\(name)'", at: item,
        remedy: Suggestion.remedy(for: name, among: vocabulary.checkers, else: "`addonrace list checkers` shows them"))
      return nil
    }
  }
}

extension Scenario {
  /// Whether somebody has to report something of a race in this build.
  fileprivate var expectsRaceToFail: Bool {
    !expect.expected(of: .stress, build: .current).missing(among: []).isEmpty
  }
}
